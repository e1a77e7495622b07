#include "eval/rows.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "io/gzip_lines.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr std::string_view kBom = "\xef\xbb\xbf";

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::string without_bom(const std::string& text) {
  return text.starts_with(kBom) ? text.substr(kBom.size()) : text;
}

// Python's json module writes NaN and Infinity, which JSON does not have.
std::string advice_for(std::string_view line) {
  const bool python =
      line.find("NaN") != std::string_view::npos || line.find("Infinity") != std::string_view::npos;
  return python ? "JSON has no NaN or Infinity: mend the row, or leave such rows out with "
                  "--skip-bad-rows"
                : "mend the row, or leave such rows out with --skip-bad-rows";
}

json parse_row(const std::string& line, const std::string& where) {
  try {
    json value = parse_json(line, where);
    if (!value.is_object()) bad_file(where, in_short(value), "an object");
    return value;
  } catch (const Error& error) {
    Error::Parts parts = error.parts();
    parts.advice = advice_for(line);
    throw Error(error.code(), std::move(parts));
  }
}

std::string no_rows(const RowCounts& counts) {
  if (counts.bad + counts.null_labels == 0) return "no rows";
  return fmt::format("no row to use ({} broken, {} without a label)", counts.bad,
                     counts.null_labels);
}

}  // namespace

std::vector<std::string> field_aliases(const std::string& field) {
  static const std::map<std::string, std::vector<std::string>> table = {
      {"text", {"text", "tweet", "sentence", "content"}},
      {"label", {"label", "category", "class", "label_name", "labels"}},
      {"score", {"score", "similarity_score", "relatedness_score"}},
      {"sentence1", {"sentence1", "sent1", "text1"}},
      {"sentence2", {"sentence2", "sent2", "text2"}},
      {"query", {"query", "question"}},
      {"positive", {"positive", "positives"}},
      {"negative", {"negative", "negatives"}},
  };
  const auto found = table.find(field);
  return found == table.end() ? std::vector<std::string>{field} : found->second;
}

const json* DataRow::find(const std::string& field) const {
  if (const auto given = names_.find(field); given != names_.end()) {
    const auto found = value_.find(given->second);
    return found == value_.end() ? nullptr : &*found;
  }
  for (const std::string& name : field_aliases(field)) {
    if (const auto found = value_.find(name); found != value_.end()) return &*found;
  }
  return nullptr;
}

const json& DataRow::at(const std::string& field) const {
  if (const json* value = find(field)) return *value;
  const auto given = names_.find(field);
  std::string keys;
  for (const auto& [key, value] : value_.items()) keys += (keys.empty() ? "" : ", ") + key;
  if (keys.size() > 80) keys = keys.substr(0, 77) + "...";
  refuse(fmt::format("no field \"{}\" among {}", given == names_.end() ? field : given->second,
                     in_quotes(keys)),
         fmt::format("a row with a {}", field),
         fmt::format("name the field with --{}-field", field));
}

namespace {

std::string text_of(const DataRow& row, const std::string& field, const json& value) {
  if (!value.is_string()) row.refuse(fmt::format("{} is {}", field, in_short(value)), "text");
  std::string text = without_bom(value.get_ref<const std::string&>());
  if (blank(text)) row.refuse(fmt::format("{} is empty", field), "text");
  return text;
}

std::string label_of(const DataRow& row, const std::string& field, const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer() || value.is_boolean()) return value.dump();
  // pandas writes integer columns that have gaps as 1.0
  if (value.is_number_float() && std::floor(value.get<double>()) == value.get<double>() &&
      std::abs(value.get<double>()) < 1e15) {
    return fmt::format("{:.0f}", value.get<double>());
  }
  row.refuse(fmt::format("{} is {}", field, in_short(value)), "text or a whole number");
}

double number_of(const DataRow& row, const std::string& field, const json& value) {
  if (value.is_number()) return value.get<double>();
  row.refuse(fmt::format("{} is {}", field, in_short(value)), "a finite number");
}

}  // namespace

template <class Read>
auto DataRow::list(const std::string& field, Read read) const {
  const json& value = at(field);
  std::vector<decltype(read(value))> all;
  if (!value.is_array()) return all.push_back(read(value)), all;
  for (const json& one : value) all.push_back(read(one));
  return all;
}

std::string DataRow::text(const std::string& field) const {
  return text_of(*this, field, at(field));
}

std::string DataRow::label(const std::string& field) const {
  return label_of(*this, field, at(field));
}

double DataRow::number(const std::string& field) const {
  return number_of(*this, field, at(field));
}

std::vector<std::string> DataRow::texts(const std::string& field) const {
  return list(field, [&](const json& value) { return text_of(*this, field, value); });
}

std::vector<std::string> DataRow::labels(const std::string& field) const {
  return list(field, [&](const json& value) { return label_of(*this, field, value); });
}

std::vector<double> DataRow::numbers(const std::string& field) const {
  return list(field, [&](const json& value) { return number_of(*this, field, value); });
}

std::string DataRow::where() const { return fmt::format("{} line {}", path_, line_); }

void DataRow::refuse(std::string found, std::string expected, std::string advice) const {
  bad_file(where(), std::move(found), std::move(expected), std::move(advice));
}

RowCounts read_rows(const std::string& path, const RowOptions& options,
                    const std::function<void(const DataRow&)>& take) {
  RowCounts counts;
  GzipLines lines(path);
  while (const auto line = lines.next()) {
    if (blank(*line)) continue;
    try {
      const std::string where = fmt::format("{} line {}", path, lines.line());
      const DataRow row(parse_row(*line, where), path, lines.line(), options.names);
      if (!options.label.empty() && row.has(options.label) && row.at(options.label).is_null()) {
        ++counts.null_labels;
        continue;
      }
      take(row);
      ++counts.used;
    } catch (const Error& error) {
      if (!options.skip_bad || error.code() != ErrorCode::kBadFile) throw;
      ++counts.bad;
    }
  }
  if (counts.used == 0) {
    bad_file(path, no_rows(counts), "one JSON object a line",
             "check that it is the right file, and the names of its fields");
  }
  return counts;
}

}  // namespace expertoire
