#include "train/torch/replay.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "io/json.h"
#include "io/refuse.h"
#include "model/config_reader.h"
#include "train/torch/adamw.h"
#include "train/torch/decoder.h"
#include "train/torch/tensor_files.h"

namespace expertoire::train {
namespace {

struct Recipe {
  double lr = 0;
  double clip = 0;
  AdamWOptions adamw;
};

Recipe read_recipe(const nlohmann::json& json, const std::string& what) {
  ConfigReader reader(json, what);
  Recipe recipe;
  reader.require("kind", "AdamW");
  recipe.lr = reader.positive("lr", {});
  recipe.clip = reader.positive("clip_grad_norm", {});
  recipe.adamw.eps = reader.positive("eps", {});
  recipe.adamw.weight_decay = reader.number("weight_decay", {});
  const nlohmann::json& betas = reader.list("betas");
  if (betas.size() != 2 || !betas[0].is_number() || !betas[1].is_number()) {
    reader.bad("betas", "two numbers");
  }
  recipe.adamw.beta1 = betas[0].get<double>();
  recipe.adamw.beta2 = betas[1].get<double>();
  return recipe;
}

void load_initial(const Parameters& parameters, const SafetensorsFile& file) {
  for (const Parameter& parameter : parameters.all()) {
    const std::string name = "init." + parameter.name;
    load_into(parameter.tensor, file.tensor(name), name, file.path());
  }
}

class Replay {
 public:
  Replay(const ModelShape& shape, const Recipe& recipe, bool in_double, bool dense)
      : recipe_(recipe),
        parameters_(0, in_double ? at::kDouble : at::kFloat),
        decoder_(shape, parameters_),
        learned_(parameters_.learned()),
        optimizer_(learned_, recipe.adamw),
        dense_(dense) {}

  void run(const SafetensorsFile& file) {
    load_initial(parameters_, file);
    const Tensor ids = tensor_of(file.tensor("input_ids")).to(at::kLong);
    if (ids.dim() != 3) bad_file(file.path(), "input_ids of another rank", "[steps, B, length]");
    for (int64_t step = 0; step < ids.size(0); ++step) {
      backward(ids[step]);
      if (step == 0) keep_gradients();
      const double norm = gradient_norm(learned_);
      record("grad_norm", norm);
      clip_gradients(learned_, norm, recipe_.clip);
      optimizer_.step(recipe_.lr);
      if (step == 0 || step == 4) keep_weights(fmt::format("step{}.", step + 1));
    }
    for (const auto& [name, values] : curves_) {
      out_.emplace_back(name, at::empty({static_cast<int64_t>(values.size())}, at::kDouble));
      std::copy(values.begin(), values.end(), out_.back().second.mutable_data_ptr<double>());
    }
  }

  const TensorList& result() const { return out_; }

 private:
  void backward(const Tensor& ids) {
    for (const Parameter& parameter : learned_) parameter.tensor.mutable_grad().reset();
    Pass pass;
    pass.dense = dense_;
    const Losses losses = decoder_.losses(ids, pass);
    losses.at("total").backward();
    for (const auto& [name, loss] : losses) record("loss." + name, loss.item<double>());
  }

  void record(const std::string& name, double value) { curves_[name].push_back(value); }

  void keep_gradients() {
    for (const Parameter& parameter : learned_) {
      const Tensor& gradient = parameter.tensor.grad();
      out_.emplace_back("grad." + parameter.name,
                        gradient.defined() ? gradient.clone() : at::zeros_like(parameter.tensor));
    }
  }

  void keep_weights(const std::string& prefix) {
    for (const Parameter& parameter : parameters_.all()) {
      out_.emplace_back(prefix + parameter.name, parameter.tensor.detach().clone());
    }
  }

  Recipe recipe_;
  Parameters parameters_;
  Decoder decoder_;
  std::vector<Parameter> learned_;
  AdamW optimizer_;
  bool dense_;
  std::map<std::string, std::vector<double>> curves_;
  TensorList out_;
};

}  // namespace

void replay(const std::string& golden, const std::string& out, bool in_double, bool dense) {
  const std::string meta = golden + "/meta.json";
  const nlohmann::json json = read_json_file(meta);
  if (!json.contains("config") || !json.contains("optimizer")) {
    bad_file(meta, "no config or optimizer", "both");
  }
  nlohmann::json optimizer = json["optimizer"];
  if (optimizer.is_object()) optimizer.erase("decay");  // in words; decays() is that rule
  const ModelShape shape = parse_model_shape(json["config"], meta + ": config");
  const Recipe recipe = read_recipe(optimizer, meta + ": optimizer");
  const auto file = SafetensorsFile::open(golden + "/train.safetensors");
  Replay replay(shape, recipe, in_double, dense);
  replay.run(file);
  write_tensors(out, replay.result());
}

}  // namespace expertoire::train
