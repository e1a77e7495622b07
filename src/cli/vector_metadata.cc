#include "cli/vector_metadata.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "engine/shipped.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Field {
  const char* key;
  const char* option;
  std::string& value;
  bool must_agree;
};

std::vector<Field> fields_of(EmbedCliOptions& options) {
  return {{"kind", "--kind", options.kind, true},
          {"prompt", "--prompt", options.prompt, true},
          {"pooling", "--pooling", options.pooling, true},
          {"hidden_layers", "--hidden-layers", options.hidden_layers, true},
          {"routing_layers", "--routing-layers", options.routing_layers, true},
          {"routing_stage", "--routing-stage", options.routing_stage, true},
          {"model", "--model", options.model.model, false},  // check_model() compares
          {"compute", "--compute", options.model.compute, false},
          {"edit", "--edit", options.model.edit, false},
          {"calibration", "--calibration", options.calibration, false}};
}

[[noreturn]] void contradiction(const char* option, const std::string& said,
                                const std::string& have) {
  throw Error(ErrorCode::kInvalidArgument,
              {"searching the vectors", fmt::format("{} {}", option, said),
               fmt::format("{}, by the metadata of the file", have), "leave the option out"});
}

std::string text_of(const json& metadata, const char* key) {
  const json value = metadata.value(key, json());
  if (!value.is_string()) {
    bad_file("the metadata", fmt::format("{} is {}", in_quotes(key), in_short(value)), "a text",
             "embed the texts again");
  }
  return value.get<std::string>();
}

}  // namespace

json read_metadata(const std::string& vectors, int64_t rows, int64_t dim) {
  const std::string path = vectors + ".meta.json";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return nullptr;
  json metadata = read_json_file(path);
  if (!metadata.is_object()) bad_file(path, in_short(metadata), "an object", "embed again");
  if (metadata.value("rows", json(rows)) != rows || metadata.value("dim", json(dim)) != dim) {
    bad_file(path,
             fmt::format("{} rows of {}", in_short(metadata["rows"]), in_short(metadata["dim"])),
             fmt::format("{} of {}, as in {}", rows, dim, vectors), "remove it, or embed again");
  }
  return metadata;
}

void adopt(const json& metadata, const CLI::App& app, EmbedCliOptions& options) {
  if (metadata.is_null()) return;
  for (const Field& field : fields_of(options)) {
    if (!metadata.contains(field.key)) continue;
    const std::string have = text_of(metadata, field.key);
    if (app.get_option(field.option)->count() == 0) {
      field.value = have;
    } else if (field.must_agree && field.value != have) {
      contradiction(field.option, field.value, have);
    }
  }
  if (options.calibration.starts_with("batch of")) options.calibration = "batch";
  if (const auto alpha = metadata.find("alpha"); alpha != metadata.end() && alpha->is_number()) {
    if (app.get_option("--alpha")->count() == 0) options.alpha = *alpha;
    if (options.alpha != *alpha) {
      contradiction("--alpha", fmt::format("{}", options.alpha), alpha->dump());
    }
  }
}

void check_model(const json& metadata, const LoadedModel& loaded) {
  if (metadata.is_null() || !metadata.contains("config_hash")) return;
  const auto edit = loaded.edit.find("edit");
  if (edit != loaded.edit.end() && metadata.value("edit", "") == edit->second &&
      text_of(metadata, "edit_hash") != loaded.edit.at("edit_hash")) {
    contradiction("--edit", edit->second + " as it is now", "what it was before a change");
  }
  const std::string config = file_hash(loaded.model->folder() + "/config.json");
  const std::string weights = content_hash(loaded.model->weights_sample());
  const bool same_weights =
      !metadata.contains("weights_hash") || text_of(metadata, "weights_hash") == weights;
  if (text_of(metadata, "config_hash") == config && same_weights) return;
  throw Error(ErrorCode::kInvalidArgument,
              {"searching the vectors", "the model " + loaded.model->folder(),
               "the one that made the file, " + in_quotes(metadata.value("model", "")),
               "name it with --model"});
}

}  // namespace expertoire::cli
