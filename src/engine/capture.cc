#include "engine/capture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace expertoire {

const std::vector<std::string>& Capture::stage_names() {
  static const std::vector<std::string> names = {"hidden_states", "final_norm",    "logits",
                                                 "router_logits", "router_probs",  "topk_ids",
                                                 "topk_weights",  "shared_weights"};
  return names;
}

int64_t CapturedTensor::rows() const {
  return static_cast<int64_t>(bytes.size() / dtype_size(dtype)) / std::max<int64_t>(1, width);
}

Capture::Capture(const std::vector<std::string>& stages) : stages_(stages.begin(), stages.end()) {
  for (const std::string& stage : stages) {
    const auto& known = stage_names();
    if (std::find(known.begin(), known.end(), stage) == known.end()) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"choosing stages", fmt::format("\"{}\"", stage),
                   fmt::format("some of {}", fmt::join(known, ", ")), ""});
    }
  }
}

template <class T>
void Capture::append(const std::string& name, std::span<const T> values, int64_t width) {
  CapturedTensor& tensor = tensors_[name];
  tensor.dtype = std::is_same_v<T, float> ? DType::kF32 : DType::kI32;
  tensor.width = width;
  tensor.append(values);
}

void Capture::on_routing(const RoutingEvent& event) {
  const Routing& routing = event.routing;
  const auto name = [&](const char* stage) { return fmt::format("{}.{}", stage, event.layer); };
  const auto floats = [&](const char* stage, const std::vector<float>& values, int64_t width) {
    if (wants(stage)) append<float>(name(stage), values, width);
  };
  floats("router_logits", routing.logits, routing.num_experts);
  floats("router_probs", routing.probs, routing.num_experts);
  floats("topk_weights", routing.weights, routing.top_k);
  if (!routing.shared_weights.empty()) floats("shared_weights", routing.shared_weights, 1);
  if (wants("topk_ids")) append<int32_t>(name("topk_ids"), routing.selected, routing.top_k);
}

void Capture::on_hidden(int index, std::span<const TokenRef> tokens, const Rows& hidden) {
  if (!wants("hidden_states")) return;
  // Rows are longer than what they hold; the width is known once the model is: see run().
  CapturedTensor& tensor = tensors_[fmt::format("hidden_states.{}", index)];
  for (size_t t = 0; t < tokens.size(); ++t) {
    const float* row = static_cast<const float*>(hidden.row(static_cast<int64_t>(t)));
    tensor.append(std::span<const float>(row, static_cast<size_t>(tensor.width)));
  }
}

void Capture::add_outputs(Session& session) {
  const ModelConfig& config = session.model().config();
  Decoder& decoder = session.decoder();
  std::vector<int64_t> rows;
  for (size_t t = 0; t < decoder.tokens().size(); ++t) rows.push_back(static_cast<int64_t>(t));
  if (wants("final_norm")) {
    std::vector<float> normed(static_cast<size_t>(config.hidden_size));
    for (int64_t row : rows) {
      decoder.final_norm(row, normed.data());
      append<float>("final_norm", normed, config.hidden_size);
    }
  }
  if (wants("logits")) {
    std::vector<float> logits(rows.size() * static_cast<size_t>(config.vocab_size));
    decoder.logits(rows, logits.data());
    append<float>("logits", logits, config.vocab_size);
  }
}

void Capture::run(Session& session, std::span<const std::vector<int32_t>> sequences) {
  const ModelConfig& config = session.model().config();
  for (int i = 0; wants("hidden_states") && i <= config.num_hidden_layers; ++i) {
    tensors_[fmt::format("hidden_states.{}", i)].width = config.hidden_size;
  }
  for (const std::vector<int32_t>& ids : sequences) {
    const std::span<const int32_t> text = ids;
    session.forward_once({&text, 1}, this, this);
    add_outputs(session);
  }
}

std::vector<NamedTensor> Capture::named_tensors() const {
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors_) {
    named.push_back(
        {name,
         {tensor.dtype, {tensor.rows(), tensor.width}, tensor.bytes.data(), tensor.bytes.size()}});
  }
  return named;
}

}  // namespace expertoire
