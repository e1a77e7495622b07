#include "eval/suite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

// Takes an object apart: every key once, none left over.
class Taken {
 public:
  Taken(const std::string& path, const json& object, std::string what)
      : path_(path), what_(std::move(what)), object_(object) {
    if (!object.is_object()) bad_file(path, what_ + " is " + in_short(object), "an object");
  }

  std::string text(const std::string& key) {
    if (const json& value = at(key); value.is_string()) return value.get<std::string>();
    bad_file(path_, fmt::format("{} of {} is {}", key, what_, in_short(at(key))), "text");
  }

  std::vector<std::string> texts(const std::string& key) {
    std::vector<std::string> all;
    for (const json& value : at(key)) {
      if (!value.is_string() || !at(key).is_array()) {
        bad_file(path_, fmt::format("{} of {} has {}", key, what_, in_short(value)),
                 "a list of texts");
      }
      all.push_back(value.get<std::string>());
    }
    return all;
  }

  const json& at(const std::string& key) {
    seen_.insert(key);
    const auto found = object_.find(key);
    if (found == object_.end()) bad_file(path_, what_ + " without " + key, "it");
    return *found;
  }

  void refuse_others() const {
    for (const auto& [key, value] : object_.items()) {
      if (seen_.contains(key)) continue;
      bad_file(path_, fmt::format("{} in {}", in_quotes(key), what_),
               fmt::format("only {}", fmt::join(seen_, ", ")));
    }
  }

 private:
  const std::string& path_;
  std::string what_;
  const json& object_;
  std::set<std::string> seen_;
};

SuiteRun read_run(const std::string& path, const json& value, size_t number,
                  const std::vector<std::string>& tasks) {
  Taken taken(path, value, fmt::format("run {}", number));
  SuiteRun run{taken.text("task"), taken.texts("data"), taken.texts("options")};
  taken.refuse_others();
  if (std::find(tasks.begin(), tasks.end(), run.task) == tasks.end()) {
    bad_file(path, fmt::format("run {} of the task {}", number, in_quotes(run.task)),
             fmt::format("one of {}", fmt::join(tasks, ", ")));
  }
  if (run.data.empty()) bad_file(path, fmt::format("run {} without data", number), "files");
  return run;
}

}  // namespace

Suite read_suite(const std::string& path, const std::vector<std::string>& tasks) {
  const json root = read_json_file(path);
  Taken taken(path, root, "the suite");
  if (taken.at("format") != "expertoire.eval_suite" || taken.at("version") != 1) {
    bad_file(path, "another format or version", "expertoire.eval_suite, version 1");
  }
  Suite suite{taken.text("name"), taken.text("about"), {}};
  for (const json& run : taken.at("runs")) {
    suite.runs.push_back(read_run(path, run, suite.runs.size() + 1, tasks));
  }
  taken.refuse_others();
  if (suite.runs.empty()) bad_file(path, "no runs", "one or more");
  return suite;
}

}  // namespace expertoire
