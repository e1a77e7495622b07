#include "train/torch/trainer.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/folder_writer.h"
#include "io/json.h"
#include "io/refuse.h"
#include "train/hf_layout.h"
#include "train/manifest.h"
#include "train/torch/model_files.h"

namespace expertoire::train {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

RunConfig read_config(const TrainerOptions& options) {
  RunConfig config = parse_run_config(read_json_file(options.config_path), options.config_path);
  if (!options.init.empty()) {
    config.model = merge_model(read_model_json(options.init), config.model);
  }
  if (config.model.is_null()) bad_file(options.config_path, "no \"model\"", "one, or --init");
  return config;
}

class Trainer {
 public:
  explicit Trainer(const TrainerOptions& options)
      : options_(options),
        config_(read_config(options)),
        shape_(parse_model_shape(config_.model, options.config_path + ": model")),
        device_(options.device),
        data_(TokenDataset::open(options.data, "train")),
        held_out_(TokenDataset::open(options.data, "held_out")),
        eos_(Manifest::read(options.data + "/manifest.json").eos_id),
        parameters_(static_cast<uint64_t>(config_.seed), at::kFloat, device_),
        decoder_(shape_, parameters_),
        trained_(trained_weights()),
        optimizer_(trained_, {config_.beta1, config_.beta2, config_.eps, config_.weight_decay,
                              config_.router_lr_scale}),
        folder_(options.out) {
    check_data();
  }

  std::string run() {
    start();
    for (auto last = Clock::now(); step_ < config_.steps;) {
      const json record = step();
      const double now = seconds_since(last);
      last = Clock::now();
      seconds_ += now;
      report(record, now);
      if (due(config_.evaluate_every) && step_ < config_.steps) evaluate_now();
      if (due(config_.checkpoint_every) && step_ < config_.steps) checkpoint();
      if (step_ < config_.steps) stop_if_cancelled();
    }
    return finish();
  }

 private:
  bool leads() const { return options_.processes == nullptr || options_.processes->rank() == 0; }
  int64_t parts() const { return options_.processes == nullptr ? 1 : options_.processes->count(); }
  int64_t step_tokens() const {
    return parts() * config_.accumulate * config_.batch_sequences * config_.sequence_length;
  }
  bool due(int64_t every) const { return every > 0 && step_ % every == 0; }

  std::vector<Parameter> trained_weights() const {
    std::vector<Parameter> trained;
    for (const Parameter& parameter : parameters_.learned()) {
      const bool router = parameter.name.find(".router.") != std::string::npos;
      if (options_.freeze_router && router) {
        parameter.tensor.requires_grad_(false);
      } else {
        trained.push_back(parameter);
      }
    }
    return trained;
  }

  void check_data() const {
    if (data_.vocab_size() > shape_.vocab_size) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"reading " + options_.data,
                   fmt::format("tokens of a vocabulary of {}", data_.vocab_size()),
                   fmt::format("at most the model's vocab_size = {}", shape_.vocab_size), ""});
    }
    for (const TokenDataset* data : {&data_, &held_out_}) {
      if (data->sequences(config_.sequence_length) > 0) continue;
      throw Error(ErrorCode::kInvalidArgument,
                  {"reading " + options_.data, fmt::format("{} tokens in a split", data->tokens()),
                   fmt::format("a sequence of {}", config_.sequence_length + 1),
                   "use more text or a smaller sequence_length"});
    }
  }

  // What a run is: compared on resume, and the first line of the log.
  json identity() const {
    json identity = config_.identity();
    identity["data"] = data_.hash();
    identity["init"] = options_.init;
    identity["freeze_router"] = options_.freeze_router;
    identity["processes"] = parts();
    return identity;
  }

  void start() {
    if (leads()) folder_.claim();
    const auto newest = folder_.newest();
    if (newest && !options_.resume) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"beginning a run in " + options_.out,
                   fmt::format("one that has come to step {}", *newest), "an empty folder",
                   "add --resume to continue it, or name another folder"});
    }
    int64_t log_bytes = 0;
    if (newest) {
      log_bytes = load(folder_.checkpoint_path(*newest));
    } else if (!options_.init.empty()) {
      read_model(options_.init, parameters_);
    }
    if (!leads()) return;
    folder_.prune(std::max<int64_t>(config_.keep_checkpoints, 1));
    log_.emplace(folder_.log_path(), log_bytes);
    if (log_bytes == 0) {
      json first = identity();
      first["parameters"] = parameters_.learned_count();
      first["device"] = options_.device;
      first["threads"] = at::get_num_threads();
      log_->add({{"run", first}});
    }
  }

  // One optimizer step; what the log says of it.
  json step() {
    for (const Parameter& parameter : trained_) parameter.tensor.mutable_grad().reset();
    std::map<std::string, double> sums;
    Pass pass;
    for (int64_t part = 0; part < config_.accumulate; ++part) pass = backward(part, sums);
    share_gradients();
    const double norm = gradient_norm(trained_);
    check_finite(sums, norm);
    clip_gradients(trained_, norm, config_.clip_grad_norm);
    const double lr = config_.learning_rate(step_);
    optimizer_.step(lr);
    ++step_;
    tokens_ += step_tokens();
    json record = describe_use(pass.use);
    for (const auto& [name, value] : sums) record[name == "total" ? "loss" : name] = value;
    record.update({{"step", step_}, {"tokens", tokens_}, {"lr", lr}, {"grad_norm", norm}});
    add_load(pass, record);
    return record;
  }

  Pass new_pass() const {
    Pass pass;
    pass.bf16 = config_.bf16;
    pass.dense = !device_.is_cpu();
    pass.processes = options_.processes;
    pass.frozen_router = options_.freeze_router;
    return pass;
  }

  // Sequences of a step lie side by side: those of a forward pass, of all processes in turn.
  Tensor batch(int64_t part) const {
    const int64_t rank = options_.processes == nullptr ? 0 : options_.processes->rank();
    const int64_t block = (step_ * config_.accumulate + part) * parts() + rank;
    return read_batch(data_, static_cast<uint64_t>(config_.seed), block * config_.batch_sequences,
                      config_.batch_sequences, config_.sequence_length, device_);
  }

  Pass backward(int64_t part, std::map<std::string, double>& sums) const {
    Pass pass = new_pass();
    const Losses losses = decoder_.losses(batch(part), pass);
    const auto parts = static_cast<double>(config_.accumulate);
    (losses.at("total") / parts).backward();
    for (const auto& [name, loss] : losses) sums[name] += shared(loss).item<double>() / parts;
    pass.routing.reset();
    return pass;
  }

  Tensor shared(const Tensor& loss) const { return shared_mean(loss.detach(), options_.processes); }

  // One message for all gradients.
  void share_gradients() const {
    if (options_.processes == nullptr) return;
    std::vector<Tensor> flat;
    for (const Parameter& parameter : trained_) {
      flat.push_back(parameter.tensor.grad().reshape({-1}));
    }
    Tensor all = at::cat(flat);
    options_.processes->sum(all);
    all.div_(static_cast<double>(parts()));
    int64_t place = 0;
    for (const Parameter& parameter : trained_) {
      const Tensor& gradient = parameter.tensor.grad();
      gradient.copy_(all.narrow(0, place, gradient.numel()).view(gradient.sizes()));
      place += gradient.numel();
    }
  }

  void check_finite(const std::map<std::string, double>& losses, double norm) const {
    std::string found;
    for (const auto& [name, value] : losses) {
      if (!std::isfinite(value)) found = fmt::format("{} loss {}", name, value);
    }
    if (found.empty() && !std::isfinite(norm)) found = fmt::format("gradient norm {}", norm);
    if (found.empty()) return;
    const auto newest = folder_.newest();
    throw Error(ErrorCode::kNumeric,
                {fmt::format("training step {}", step_ + 1), found, "finite numbers",
                 fmt::format("lower lr or lengthen warmup_steps; {}",
                             newest ? fmt::format("step {} is the last checkpoint", *newest)
                                    : std::string("there is no checkpoint yet"))});
  }

  static void add_load(const Pass& pass, json& record) {
    for (const Tensor& load : pass.expert_load) {  // 1 = even
      const auto experts = static_cast<double>(load.numel());
      record["load_max"].push_back(load.max().item<double>() * experts);
      record["load_min"].push_back(load.min().item<double>() * experts);
    }
  }

  void report(json record, double seconds) {
    record["seconds"] = seconds_;
    record["tokens_per_second"] = static_cast<double>(step_tokens()) / seconds;
    if (log_ && (due(config_.log_every) || step_ == config_.steps)) log_->add(record);
    if (options_.progress) {
      options_.progress(tokens_, config_.steps * step_tokens(),
                        fmt::format("step {}, loss {:.4f}", step_, record["loss"].get<double>()));
    }
  }

  json evaluate_now() {
    json record = evaluate(decoder_, held_out_,
                           {config_.sequence_length, config_.batch_sequences,
                            config_.evaluate_sequences, config_.bf16, options_.processes, device_});
    record.update({{"step", step_}, {"tokens", tokens_}, {"seconds", seconds_}});
    if (log_) log_->add(record);
    return record;
  }

  void checkpoint() {
    if (!leads() || folder_.newest() == step_) return;
    const int64_t log_bytes = log_->sync();
    FolderWriter writer(folder_.checkpoint_path(step_));
    const std::string& to = writer.temporary();
    write_model(to, shape_, parameters_, eos_, step_);
    if (!options_.tokenizer.empty()) copy_tokenizer(options_.tokenizer, to);
    write_tensors(to + "/optimizer.safetensors", optimizer_.state());
    const json state = {{"step", step_},
                        {"tokens", tokens_},
                        {"seconds", seconds_},
                        {"log_bytes", log_bytes},
                        {"run", identity()}};
    write_file(to + "/trainer.json", state.dump(1) + "\n");
    writer.commit();
    folder_.prune(config_.keep_checkpoints);
  }

  // Returns how much of the log belongs to the checkpoint.
  int64_t load(const std::string& path) {
    const std::string file = path + "/trainer.json";
    const json state = read_json_file(file);
    try {
      require_same(state.at("run"), identity());
      read_model(path, parameters_);
      optimizer_.load(SafetensorsFile::open(path + "/optimizer.safetensors"));
      step_ = state.at("step").get<int64_t>();
      tokens_ = state.at("tokens").get<int64_t>();
      seconds_ = state.at("seconds").get<double>();
      return state.at("log_bytes").get<int64_t>();
    } catch (const json::exception& error) {
      bad_file(file, error.what(), "the state of a run");
    }
  }

  // A signal may reach one process before the others: all stop after the same step.
  bool cancelled() const {
    const bool here = options_.cancel != nullptr && options_.cancel->cancelled();
    if (options_.processes == nullptr) return here;
    Tensor count = at::zeros({1}).fill_(here ? 1 : 0);
    options_.processes->sum(count);
    return count.item<double>() > 0;
  }

  void stop_if_cancelled() {
    if (!cancelled()) return;
    checkpoint();
    throw Error(ErrorCode::kCancelled,
                {"training", fmt::format("stopped at step {} on request", step_), "",
                 "run the same command with --resume to continue"});
  }

  std::string finish() {
    const std::string path = folder_.checkpoint_path(step_);
    if (folder_.newest() == step_) return path + " is there already\n";
    const json end = evaluate_now();
    std::string words = fmt::format("held-out loss {:.4f} after {} tokens\n",
                                    end["held_out_loss"].get<double>(), tokens_);
    if (options_.recalibrate_batches > 0 && shape_.is_monet()) {
      recalibrate();
      const json after = evaluate_now();
      words += fmt::format(
          "router statistics estimated anew: survivors {:.2f} before, {:.2f} after,"
          " k = {}; held-out loss {:.4f}\n",
          mean_survivors(end), mean_survivors(after), shape_.moe_topk,
          after["held_out_loss"].get<double>());
      if (log_) {
        log_->add({{"recalibrated", {{"before", end}, {"after", after}}},
                   {"step", step_},
                   {"tokens", tokens_}});
      }
    }
    checkpoint();
    return words + path + "\n";
  }

  static double mean_survivors(const json& record) {
    double sum = 0;
    for (const char* side : {"survivors1", "survivors2"}) {
      for (const json& value : record[side]) sum += value.get<double>();
    }
    return sum / static_cast<double>(2 * record["survivors1"].size());
  }

  // The running statistics become the plain mean of those of the next batches.
  void recalibrate() {
    const at::NoGradGuard no_grad;
    for (int64_t part = 0; part < options_.recalibrate_batches; ++part) {
      Pass pass = new_pass();
      pass.router_momentum = 1 / static_cast<double>(part + 1);
      decoder_.losses(batch(part), pass);
    }
  }

  TrainerOptions options_;
  RunConfig config_;
  ModelShape shape_;
  at::Device device_;
  TokenDataset data_, held_out_;
  int64_t eos_;
  Parameters parameters_;
  Decoder decoder_;
  std::vector<Parameter> trained_;
  AdamW optimizer_;
  RunFolder folder_;
  std::optional<RunLogWriter> log_;
  int64_t step_ = 0;
  int64_t tokens_ = 0;
  double seconds_ = 0;  ///< of training, without evaluations and checkpoints
};

}  // namespace

std::string train(const TrainerOptions& options) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  return Trainer(options).run();
}

}  // namespace expertoire::train
