#include "train/run_log.h"

#include <fmt/format.h>

#include <filesystem>
#include <numeric>
#include <string_view>

#include "base/error.h"
#include "io/gzip_lines.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire::train {
namespace {

using nlohmann::json;

constexpr const char* kAdvice = "remove the line if the log was edited by hand";

std::optional<double> number_of(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_array() || value.empty()) return std::nullopt;
  double sum = 0;
  for (const json& element : value) {
    if (!element.is_number()) return std::nullopt;
    sum += element.get<double>();
  }
  return sum / static_cast<double>(value.size());
}

// A log called log.jsonl says less of a run than its folder does.
std::string name_of(const json& config, const std::string& path) {
  const auto named = config.find("name");
  if (named != config.end() && named->is_string()) return named->get<std::string>();
  const std::filesystem::path file = std::filesystem::absolute(path).lexically_normal();
  std::string stem = file.filename().string();
  stem = stem.substr(0, stem.find('.'));
  const bool plain = stem == "log" || stem == "train" || stem == "training" || stem.empty();
  return plain ? file.parent_path().filename().string() : stem;
}

double position(const json& row, const char* key, const std::string& what) {
  const auto found = row.find(key);
  if (found != row.end() && found->is_number() && found->get<double>() >= 0) {
    return found->get<double>();
  }
  bad_file(what, fmt::format("{} is {}", key, found == row.end() ? "absent" : in_short(*found)),
           "a number from 0 on", kAdvice);
}

LogRecord record_of(const json& row, const std::string& what) {
  LogRecord record;
  record.step = position(row, "step", what);
  record.tokens = position(row, "tokens", what);
  for (const auto& [key, value] : row.items()) {
    if (const auto number = number_of(value)) record.values[key] = *number;
  }
  record.seconds = record.value("seconds").value_or(0);
  return record;
}

void drop_from(double step, std::vector<LogRecord>& records) {
  while (!records.empty() && records.back().step >= step) records.pop_back();
}

void add(const json& row, const std::string& what, RunLog& log) {
  if (!row.is_object()) bad_file(what, in_short(row), "an object", kAdvice);
  if (const auto run = row.find("run"); run != row.end()) {
    if (!run->is_object()) bad_file(what, in_short(*run), "a configuration", kAdvice);
    log.config = *run;
    return;
  }
  if (log.config.is_null()) {
    bad_file(what, in_short(row), "{\"run\": {…}} before all else",
             "name a log of expertoire-train");
  }
  LogRecord record = record_of(row, what);
  const bool is_held_out = row.contains("held_out_loss");
  if (!is_held_out && !row.contains("loss") && !row.contains("lm")) return;  // another event
  auto& records = is_held_out ? log.held_out : log.steps;
  drop_from(record.step, records);
  if (is_held_out) {
    if (record.seconds == 0 && !log.steps.empty()) record.seconds = log.steps.back().seconds;
  } else {
    drop_from(record.step + 1, log.held_out);
  }
  records.push_back(std::move(record));
}

std::optional<double> find_number(const json& value, const std::string& key) {
  if (value.is_object()) {
    const auto found = value.find(key);
    if (found != value.end() && found->is_number()) return found->get<double>();
  }
  if (!value.is_structured()) return std::nullopt;
  for (const json& element : value) {
    if (const auto number = find_number(element, key)) return number;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> LogRecord::value(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

std::optional<double> RunLog::setting(const std::vector<std::string>& keys) const {
  for (const std::string& key : keys) {
    if (const auto number = find_number(config, key)) return number;
  }
  return std::nullopt;
}

RunLog read_run_log(const std::string& path) {
  GzipLines lines(path);
  RunLog log;
  while (const auto line = lines.next()) {
    if (line->find_first_not_of(" \t\r\n") == std::string::npos) continue;
    const std::string what = fmt::format("{} line {}", path, lines.line());
    try {
      add(parse_json(*line, what), what, log);
    } catch (const Error&) {
      // Without an end it is the last one, which a killed run did not finish.
      if (line->ends_with('\n') || log.config.is_null()) throw;
    }
  }
  if (log.config.is_null()) {
    bad_file(path, "no line", "{\"run\": {…}} before all else", "name a log of expertoire-train");
  }
  log.name = name_of(log.config, path);
  return log;
}

}  // namespace expertoire::train
