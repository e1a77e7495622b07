#include "io/document_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

bool is_json_lines(std::string_view path) {
  if (path.ends_with(".gz")) path.remove_suffix(3);
  if (path.ends_with(".jsonl")) return true;
  if (path.ends_with(".txt")) return false;
  throw Error(ErrorCode::kInvalidArgument,
              {fmt::format("opening {}", path), "a name with another ending",
               ".jsonl, .jsonl.gz, .txt or .txt.gz", "rename the file after what it holds"});
}

void check_options(const std::string& path, const DocumentOptions& options, bool json_lines) {
  const HoldOut& rule = options.hold_out;
  const auto refuse = [&](std::string found, std::string expected) {
    throw Error(ErrorCode::kInvalidArgument,
                {fmt::format("reading {}", path), std::move(found), std::move(expected), ""});
  };
  if (rule.every < 0 || (rule.every > 0 && (rule.index < 0 || rule.index >= rule.every))) {
    refuse(fmt::format("number {} of every {} documents", rule.index, rule.every),
           "a number from 0 and below the number of documents");
  }
  if (rule.piece < 1) refuse(fmt::format("pieces of {} characters", rule.piece), "1 or more");
  for (const std::string& value : {options.licence, options.label}) {
    if (json_lines || !value.starts_with('@')) continue;
    refuse(fmt::format("the field {}", in_quotes(value.substr(1))),
           "a word for the whole file: a plain text has no fields");
  }
}

int64_t characters_of(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; });
}

const std::string& text_field(const json& row, const std::string& name, const std::string& what) {
  const auto found = row.is_object() ? row.find(name) : row.end();
  if (found == row.end()) {
    bad_file(what, fmt::format("{} without a field {}", in_short(row), in_quotes(name)),
             "an object with that field", "name the field of the text with --field");
  }
  if (!found->is_string()) {
    bad_file(what, fmt::format("field {} is {}", in_quotes(name), in_short(*found)), "a string",
             "name the field of the text with --field");
  }
  return found->get_ref<const std::string&>();
}

// What stands for all documents, or as "@name" the row's own.
std::string constant_or_field(const json& row, const std::string& value, const std::string& what) {
  return value.starts_with('@') ? text_field(row, value.substr(1), what) : value;
}

}  // namespace

DocumentSource::DocumentSource(const std::string& path, DocumentOptions options)
    : lines_(path), options_(std::move(options)), json_(is_json_lines(path)) {
  check_options(path, options_, json_);
}

std::string DocumentSource::what() const {
  return fmt::format("{} line {}", lines_.path(), lines_.line());
}

std::optional<Document> DocumentSource::next() {
  while (auto document = json_ ? next_row() : next_run()) {
    if (!document->text.empty()) return document;
  }
  return std::nullopt;
}

std::optional<Document> DocumentSource::next_row() {
  std::optional<std::string> line;
  do {
    line = lines_.next();
    if (!line) return std::nullopt;
  } while (line->find_first_not_of(" \t\r\n") == std::string::npos);
  const json row = parse_json(*line, what());
  const HoldOut& rule = options_.hold_out;
  Document document;
  document.text = text_field(row, options_.field, what());
  document.licence = constant_or_field(row, options_.licence, what());
  document.label = constant_or_field(row, options_.label, what());
  if (!options_.name.empty()) document.name = text_field(row, options_.name, what());
  document.line = lines_.line();
  const bool marked = !rule.field.empty() && row.value(rule.field, json()) == rule.value;
  document.held_out = rule.holds(row_++) || marked;
  return document;
}

bool DocumentSource::line_is_held_out(int64_t characters) const {
  const HoldOut& rule = options_.hold_out;
  if (rule.every == 0) return false;
  const int64_t first = position_ / rule.piece;
  const int64_t last = (position_ + std::max<int64_t>(characters, 1) - 1) / rule.piece;
  for (int64_t piece = first; piece <= last && piece < first + rule.every; ++piece) {
    if (rule.holds(piece)) return true;
  }
  return false;
}

std::optional<Document> DocumentSource::next_run() {
  std::optional<std::string> line = waiting_ ? std::move(waiting_) : lines_.next();
  waiting_.reset();
  if (!line) return std::nullopt;
  Document document;
  document.licence = options_.licence;
  document.label = options_.label;
  document.line = lines_.line();
  document.held_out = line_is_held_out(characters_of(*line));
  do {
    const int64_t characters = characters_of(*line);
    const bool fits =
        document.text.empty() || document.text.size() + line->size() <= options_.longest_run;
    if (!fits || line_is_held_out(characters) != document.held_out) {
      waiting_ = std::move(line);
      break;
    }
    document.text += *line;
    position_ += characters;
    line = lines_.next();
  } while (line);
  return document;
}

}  // namespace expertoire
