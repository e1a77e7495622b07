#include "model/config_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

const json kNull;
const json kEmptyList = json::array();

// Off, so without effect whatever it means.
bool is_off(const json& value) {
  return value.is_null() || value == false || (value.is_structured() && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string&>().empty());
}

std::set<std::string> ignored_by_user() {
  std::set<std::string> keys;
  const char* list = std::getenv("EXPERTOIRE_IGNORE_CONFIG");
  std::istringstream stream(list != nullptr ? list : "");
  for (std::string key; std::getline(stream, key, ',');) keys.insert(key);
  return keys;
}

}  // namespace

ConfigReader::ConfigReader(const json& json, std::string what)
    : json_(json), what_(std::move(what)) {
  if (!json.is_object()) {
    throw Error(ErrorCode::kBadFile, {"reading " + what_, in_short(json) + ", no object",
                                      "an object with the model's configuration",
                                      "check that the file belongs to this model"});
  }
}

const json& ConfigReader::raw(const std::string& key) {
  known_.insert(key);
  const auto found = json_.find(key);
  return found == json_.end() ? kNull : *found;
}

bool ConfigReader::has(const std::string& key) { return !raw(key).is_null(); }

void ConfigReader::bad(const std::string& key, const std::string& expected) const {
  const auto found = json_.find(key);
  throw Error(ErrorCode::kBadFile,
              {"reading " + what_,
               found == json_.end() ? "no key " + in_quotes(key)
                                    : fmt::format("{} is {}", in_quotes(key), in_short(*found)),
               expected, "check that the file belongs to this model"});
}

void ConfigReader::unsupported(const std::string& key, const std::string& expected) const {
  const auto found = json_.find(key);
  throw Error(ErrorCode::kUnsupported,
              {"reading " + what_,
               fmt::format("{} is {}, which changes the results and is not implemented",
                           in_quotes(key), found == json_.end() ? "absent" : in_short(*found)),
               expected, "use a model that does without it"});
}

int64_t ConfigReader::integer(const std::string& key, std::optional<int64_t> otherwise,
                              int64_t least, int64_t most) {
  const json& value = raw(key);
  if (value.is_null() && otherwise) return *otherwise;
  const bool whole = value.is_number_integer() ||
                     (value.is_number_float() && std::floor(value.get<double>()) == value);
  if (!whole || value < least || value > most) {
    bad(key, fmt::format("a whole number from {} to {}", least, most));
  }
  return static_cast<int64_t>(value.get<double>());
}

double ConfigReader::number(const std::string& key, std::optional<double> otherwise) {
  const json& value = raw(key);
  if (value.is_null() && otherwise) return *otherwise;
  if (!value.is_number() || !std::isfinite(value.get<double>())) bad(key, "a finite number");
  return value.get<double>();
}

double ConfigReader::positive(const std::string& key, std::optional<double> otherwise) {
  const double value = number(key, otherwise);
  if (value <= 0) bad(key, "a positive number");
  return value;
}

bool ConfigReader::boolean(const std::string& key, bool otherwise) {
  const json& value = raw(key);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean()) bad(key, "true or false");
  return value.get<bool>();
}

std::string ConfigReader::text(const std::string& key, const std::string& otherwise) {
  const json& value = raw(key);
  if (value.is_null()) return otherwise;
  if (!value.is_string()) bad(key, "a string");
  return value.get<std::string>();
}

const json& ConfigReader::list(const std::string& key) {
  const json& value = raw(key);
  if (value.is_null()) return kEmptyList;
  if (!value.is_array()) bad(key, "a list");
  return value;
}

void ConfigReader::require(const std::string& key, const json& value) {
  const json& found = raw(key);
  if (!found.is_null() && found != value) unsupported(key, in_short(value));
}

void ConfigReader::refuse_unknown() const {
  const std::set<std::string> ignored = ignored_by_user();
  for (const auto& [key, value] : json_.items()) {
    if (known_.contains(key) || ignored.contains(key) || key.starts_with("_") || is_off(value)) {
      continue;
    }
    throw Error(
        ErrorCode::kUnsupported,
        {"reading " + what_,
         fmt::format("{} is {}, a key that is unknown here", in_quotes(key), in_short(value)),
         "only keys whose effect is implemented",
         fmt::format("set EXPERTOIRE_IGNORE_CONFIG={} if it changes nothing", key)});
  }
}

}  // namespace expertoire
