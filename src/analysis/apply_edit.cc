#include "analysis/apply_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/checkpoint.h"
#include "io/folder_writer.h"
#include "io/json.h"
#include "model/family/family.h"
#include "model/own_edit.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;

// What a checkpoint becomes, tensor by tensor.
struct Plan {
  std::map<std::string, std::string> renamed;
  std::set<std::string> dropped;
  std::map<std::string, float> scaled;
  std::map<std::string, std::vector<int64_t>> rows;  // that a router keeps
};

class Applier {
 public:
  Applier(const std::string& folder, const RoutingEdit& edit)
      : folder_(folder),
        edit_(read_own_edit(folder).then(edit)),
        config_json_(read_json_file(folder + "/config.json")),
        config_(parse_config(config_json_, folder + "/config.json")),
        layers_(edit_.compile(config_.edit_model(), config_.editable_layers())),
        checkpoint_(Checkpoint::open(folder)) {}

  AppliedEdit write(const std::string& out,
                    const std::function<void(const AppliedEdit&, const std::string&)>& finish) {
    result_.parameters_before = result_.parameters_after = config_.parameters();
    result_.obstacle = obstacle();
    if (result_.obstacle.empty()) plan();
    FolderWriter writer(out);
    const std::string& to = writer.temporary();
    write_weights(to + "/model.safetensors");
    write_config(to + "/config.json");
    copy_the_rest(to);
    if (!result_.obstacle.empty()) write_file(to + "/" + kOwnEditFile, edit_.to_json());
    copies_.clear();
    if (finish) finish(result_, to);
    writer.commit();
    return result_;
  }

 private:
  const LayerEdit& of_layer(int layer) const {
    static const LayerEdit none;
    const auto found = layers_.find(layer);
    return found == layers_.end() ? none : found->second;
  }

  std::string obstacle() const {
    if (config_.family->ffn != FfnKind::kGated) {
      return fmt::format("no tensor of {} holds one expert alone", config_.model_type);
    }
    for (const auto& [layer, edit] : layers_) {
      if (std::ranges::count(edit.forced, 1) > 0) {
        return fmt::format("layer {} forces experts, whatever its router says", layer);
      }
      if (edit.renormalize_weights) {
        return fmt::format("layer {} renormalises weights, token by token", layer);
      }
      const bool rerouted = std::ranges::count(edit.rerouted, 1) > 0;
      if (rerouted && !edit.renormalize_probs && !config_.router.norm_topk_prob) {
        return fmt::format("layer {} reroutes, but keeps the probabilities of all experts", layer);
      }
    }
    return uneven();
  }

  // num_experts is one number for all layers.
  std::string uneven() const {
    std::optional<int> removed;
    for (int layer : config_.routing_layers()) {
      const int here = static_cast<int>(std::ranges::count(of_layer(layer).rerouted, 1));
      if (removed && here != *removed) {
        return fmt::format("layer {} would lose {} experts, another {}: config.json has one number",
                           layer, here, *removed);
      }
      removed = here;
    }
    return "";
  }

  void plan() {
    for (int layer : config_.routing_layers()) plan_layer(layer, of_layer(layer));
    if (result_.experts_removed == 0) return;
    config_json_[std::string(config_.family->num_experts_key)] =
        config_.num_experts - result_.experts_removed;
    result_.parameters_after = parse_config(config_json_, "the new config.json").parameters();
  }

  void plan_layer(int layer, const LayerEdit& edit) {
    const FfnTensors& names = config_.family->tensors;
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    const auto expert = [&](int e) {
      return prefix + fmt::format(fmt::runtime(names.expert), fmt::arg("e", e));
    };
    std::vector<int64_t> kept;
    for (int e = 0; e < config_.num_experts; ++e) {
      const size_t at = static_cast<size_t>(e);
      const bool gone = !edit.rerouted.empty() && edit.rerouted[at] != 0;
      for (std::string_view part : {names.gate, names.up, names.down}) {
        const std::string old = fmt::format("{}{}.weight", expert(e), part);
        if (gone) plan_.dropped.insert(old);
        plan_.renamed[old] =
            fmt::format("{}{}.weight", expert(static_cast<int>(kept.size())), part);
      }
      if (gone) continue;
      if (!edit.factor.empty()) {
        plan_scale(fmt::format("{}{}.weight", expert(e), names.down), edit.factor[at]);
      }
      kept.push_back(e);
    }
    result_.experts_removed = config_.num_experts - static_cast<int>(kept.size());
    if (result_.experts_removed > 0) plan_.rows[prefix + std::string(names.router)] = kept;
    if (edit.shared_factor != 1.0F) {
      plan_scale(fmt::format("{}{}{}.weight", prefix, names.shared, names.down),
                 edit.shared_factor);
    }
  }

  void plan_scale(const std::string& tensor, float factor) {
    if (factor == 1.0F) return;
    ++(factor == 0.0F ? result_.experts_zeroed : result_.experts_scaled);
    plan_.scaled[tensor] = factor;
  }

  void write_weights(const std::string& path) {
    std::vector<NamedTensor> tensors;
    for (const std::string& name : checkpoint_.names()) {
      if (plan_.dropped.contains(name)) continue;
      const auto renamed = plan_.renamed.find(name);
      tensors.push_back({renamed == plan_.renamed.end() ? name : renamed->second, changed(name)});
    }
    write_safetensors(path, tensors, {{"format", "pt"}});
  }

  // The tensor as it is, or a copy with fewer rows or other values.
  TensorView changed(const std::string& name) {
    const TensorView& view = checkpoint_.tensor(name);
    if (const auto found = plan_.rows.find(name); found != plan_.rows.end()) {
      return with_rows(view, found->second);
    }
    const auto found = plan_.scaled.find(name);
    return found == plan_.scaled.end() ? view : times(name, view, found->second);
  }

  TensorView with_rows(const TensorView& view, const std::vector<int64_t>& rows) {
    const size_t row = view.bytes / static_cast<size_t>(view.shape[0]);
    std::vector<std::byte>& copy = copies_.emplace_back();
    for (int64_t r : rows) {
      const std::byte* from = view.data + static_cast<size_t>(r) * row;
      copy.insert(copy.end(), from, from + row);
    }
    return {
        view.dtype, {static_cast<int64_t>(rows.size()), view.shape[1]}, copy.data(), copy.size()};
  }

  TensorView times(const std::string& name, const TensorView& view, float factor) {
    std::vector<std::byte>& copy = copies_.emplace_back(view.bytes);
    if (factor != 0.0F) {  // zero bytes are zeros of every type
      std::vector<float> values(static_cast<size_t>(view.elements()));
      read_f32(view, 0, view.elements(), values.data());
      for (float& value : values) value *= factor;
      if (view.dtype == DType::kF32) {
        std::memcpy(copy.data(), values.data(), copy.size());
      } else if (view.dtype == DType::kBF16) {
        std::ranges::transform(values, reinterpret_cast<uint16_t*>(copy.data()), f32_to_bf16);
      } else {
        throw Error(ErrorCode::kUnsupported,
                    {"scaling " + name, std::string(dtype_name(view.dtype)) + " weights",
                     "F32 or BF16", "ablate, or convert the model first"});
      }
    }
    return {view.dtype, view.shape, copy.data(), copy.size()};
  }

  void write_config(const std::string& path) const {
    write_file(path, config_json_.dump(2) + "\n");
  }

  // Tokenizer, generation config and the like; a calibration was fitted to the model as it was.
  void copy_the_rest(const std::string& to) const {
    const std::set<std::string> weights = {".safetensors", ".bin", ".pt", ".pth", ".gguf"};
    for (const auto& entry : fs::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || weights.contains(entry.path().extension().string()) ||
          name == "config.json" || name == kOwnEditFile || name == kEditReportFile ||
          name.ends_with(".index.json")) {
        continue;
      }
      write_file(fmt::format("{}/{}", to, name), read_text_file(entry.path().string()));
    }
  }

  std::string folder_;
  RoutingEdit edit_;
  nlohmann::json config_json_;
  ModelConfig config_;
  std::map<int, LayerEdit> layers_;
  Checkpoint checkpoint_;
  Plan plan_;
  std::deque<std::vector<std::byte>> copies_;
  AppliedEdit result_;
};

}  // namespace

AppliedEdit apply_edit(
    const std::string& folder, const RoutingEdit& edit, const std::string& out,
    const std::function<void(const AppliedEdit& done, const std::string& folder)>& finish) {
  return Applier(folder, edit).write(out, finish);
}

}  // namespace expertoire
