#include "eval/measure_log.h"

#include <filesystem>

#include "io/atomic_file.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {

using nlohmann::json;

MeasureLog::MeasureLog(const std::string& path, const json& fingerprint, bool resume) {
  if (path.empty()) return;
  const std::string partial = path + ".partial";
  if (resume && !std::filesystem::exists(partial) && std::filesystem::exists(path)) {
    write_file(partial, read_text_file(path));
  }
  log_ = std::make_unique<ItemLog>(path, fingerprint, resume);
  for (const json& line : log_->lines()) {
    try {
      values_[{line.at("system").get<std::string>(), line.at("set").get<std::string>(),
               line.at("item").get<size_t>()}] = line.at("value");
    } catch (const json::exception&) {
      bad_file(partial, in_short(line), "what was measured of an item",
               "run without --resume to start over");
    }
  }
}

const json* MeasureLog::find(const std::string& system, const std::string& set, size_t item) const {
  const auto found = values_.find({system, set, item});
  return found == values_.end() ? nullptr : &found->second;
}

void MeasureLog::add(const std::string& system, const std::string& set, size_t item, json value) {
  if (log_) {
    log_->append({{"system", system}, {"set", set}, {"item", item}, {"value", value}});
  }
  values_[{system, set, item}] = std::move(value);
}

void MeasureLog::finish() {
  if (log_) log_->finish();
}

}  // namespace expertoire
