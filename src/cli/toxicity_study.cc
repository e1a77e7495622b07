#include "cli/toxicity_study.h"

#include <fmt/format.h>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

[[noreturn]] void refuse_form(const std::string& path) {
  bad_file(path, "another form", "what `expertoire experts toxicity` wrote",
           "give its --out folder, unchanged");
}

StudyMask read_mask(const json& row, const std::string& folder, std::string system) {
  StudyMask mask;
  mask.system = std::move(system);
  mask.experts = row.at("experts").get<int64_t>();
  mask.mass = row.at("mass").get<double>();
  mask.edit = RoutingEdit::load(folder + "/" + row.at("edit").get<std::string>());
  return mask;
}

StudyThreshold read_threshold(const json& row, const std::string& folder) {
  const std::string system = fmt::format("threshold {:g}", row.at("threshold").get<double>());
  StudyThreshold threshold{read_mask(row, folder, system), {}};
  for (const json& control : row.at("controls")) {
    const auto kind = control.at("kind").get<std::string>();
    threshold.controls[kind].push_back(read_mask(
        control, folder, fmt::format("{} {} {}", system, kind, control.at("seed").get<int>())));
  }
  return threshold;
}

}  // namespace

ToxicityStudy ToxicityStudy::load(const std::string& folder) {
  const std::string path = folder + "/" + kToxicityFile;
  const json root = read_json_file(path);
  try {
    if (root.at("format") != kToxicityFormat) refuse_form(path);
    if (root.at("version") != kToxicityVersion) {
      throw Error(ErrorCode::kUnsupported,
                  {"reading " + path, "version " + in_short(root.at("version")),
                   fmt::format("version {}", kToxicityVersion), "run `experts toxicity` again"});
    }
    ToxicityStudy study;
    study.data = root.at("data").get<std::string>();
    study.data_hash = root.at("data_hash").get<std::string>();
    study.hold_out = root.at("hold_out").get<std::string>();
    study.provenance = root.at("provenance").get<std::map<std::string, std::string>>();
    for (const json& row : root.at("thresholds")) {
      study.thresholds.push_back(read_threshold(row, folder));
    }
    return study;
  } catch (const json::exception&) {  // a key that is missing or of another type
    refuse_form(path);
  }
}

void ToxicityStudy::check_model(const std::map<std::string, std::string>& about) const {
  const auto value = [](const std::map<std::string, std::string>& of, const char* key) {
    const auto found = of.find(key);
    return found == of.end() ? std::string() : found->second;
  };
  for (const char* key : {"config_hash", "weights_hash", "edit_hash"}) {
    if (value(provenance, key) == value(about, key)) continue;
    throw Error(ErrorCode::kInvalidArgument,
                {"measuring a study of toxicity", "another model or --edit than the study's",
                 fmt::format("{} {}", value(provenance, "model"), value(provenance, "edit")),
                 "give the same --model and --edit to both commands"});
  }
}

}  // namespace expertoire::cli
