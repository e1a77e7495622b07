// expertoire info
#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "embed/calibration.h"
#include "engine/shipped.h"
#include "io/json.h"
#include "model/family/family.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string model;
  bool cpu = false, json = false;
};

json describe_cpu() {
  json levels = json::array();
  for (const KernelLevel& level : kernel_levels()) {
    levels.push_back(
        {{"name", level.name}, {"needs", level.needs}, {"available", level.available}});
  }
  return {{"simd_levels", levels},
          {"simd", default_kernels().name},
          {"default_compute", default_kernels().native_bf16 ? "bf16" : "f32"},
          {"cpus", ThreadPool::available_cpus()}};
}

json describe_experts(const ModelConfig& config) {
  const MonetConfig& monet = config.monet;
  if (monet.keys > 0) {
    return {{"moe_decompose", monet.vertical ? "vertical" : "horizontal"},
            {"moe_experts", monet.keys},
            {"moe_heads", monet.heads},
            {"moe_topk", monet.top_k},
            {"moe_dim", monet.width},
            {"moe_groups", monet.group},
            {"moe_router_norm", monet.norm_per_key ? "key" : "head"}};
  }
  const PeerConfig& peer = config.peer;
  if (peer.keys > 0) {
    return {{"peer_keys", peer.keys},
            {"peer_key_dim", peer.key_dim},
            {"peer_heads", peer.heads},
            {"peer_topk", peer.top_k}};
  }
  return {{"num_experts_per_tok", config.router.top_k},
          {"norm_topk_prob", config.router.norm_topk_prob},
          {"moe_intermediate_size", config.moe_intermediate_size},
          {"shared_intermediate_size", config.shared_intermediate_size}};
}

// What the configuration alone says; the weights stay on disk.
json describe_model(const std::string& folder) {
  const std::string path = folder + "/config.json";
  const ModelConfig config = parse_config(read_json_file(path), path);
  json info = {{"folder", folder},
               {"model_type", config.model_type},
               {"parameters", config.parameters()},
               {"active_parameters", config.active_parameters()},
               {"hidden_size", config.hidden_size},
               {"num_hidden_layers", config.num_hidden_layers},
               {"num_attention_heads", config.num_attention_heads},
               {"num_key_value_heads", config.num_key_value_heads},
               {"head_dim", config.head_dim},
               {"vocab_size", config.vocab_size},
               {"max_position_embeddings", config.max_position_embeddings},
               {"tie_word_embeddings", config.tie_word_embeddings},
               {"routing_layers", config.routing_layers()},
               {"num_experts", config.num_experts},
               {"embedding",
                {{"hidden_dim", config.hidden_size},
                 {"routing_dim",
                  config.router_outputs() * static_cast<int64_t>(config.routing_layers().size())},
                 {"pooling", "last"},
                 {"prompt", "none"},
                 {"routing_stage", stage_name(config.family->embedding_stage)}}},
               {"tokenizer", std::filesystem::exists(folder + "/tokenizer.json")}};
  info.update(describe_experts(config));
  const std::string calibration = folder + "/calibration.safetensors";
  if (std::filesystem::exists(calibration)) {
    info["calibration"] = Calibration::load(calibration).metadata;
  }
  return info;
}

// What embeds texts and, where it is, what shows experts.
json describe_shipped() {
  json info = describe_model(model_folder(std::string(kEmbeddingModel)));
  try {
    info["experts_model"] = describe_model(model_folder(std::string(kExpertsModel)));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;  // EXPERTOIRE_MODELS need not have both
  }
  return info;
}

json describe(const Options& options) {
  if (options.cpu) return describe_cpu();
  return options.model.empty() ? describe_shipped() : describe_model(model_folder(options.model));
}

void print_plain(const json& info, int indent = 0) {
  for (const auto& [key, value] : info.items()) {
    if (value.is_object()) {
      fmt::print("{:{}}{}\n", "", indent, key);
      print_plain(value, indent + 2);
    } else {
      fmt::print("{:{}}{:<{}} {}\n", "", indent, key, 26 - indent,
                 value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
}

void info(const Options& options) {
  const json about = describe(options);
  if (options.json) {
    print_json(about);
  } else {
    print_plain(about);
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* model =
      app.add_option("--model", options->model,
                     "Model folder, org/name, or a model that ships (default: all that ship)");
  app.add_flag("--cpu", options->cpu, "SIMD levels and threads of this machine instead")
      ->excludes(model);
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { info(*options); };
}

}  // namespace

extern const Command kInfoCommand = {"info", "What a model is, or what this machine can do", setup};

}  // namespace expertoire::cli
