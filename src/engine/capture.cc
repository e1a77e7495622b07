#include "engine/capture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace expertoire {

const std::vector<std::string>& Capture::stage_names() {
  static const std::vector<std::string> names = {"hidden_states",
                                                 "final_norm",
                                                 "logits",
                                                 "router_logits",
                                                 "router_probs",
                                                 "topk_ids",
                                                 "topk_weights",
                                                 "shared_weights",
                                                 "ffn_input",
                                                 "router_logits1",
                                                 "router_logits2",
                                                 "router_normalized1",
                                                 "router_normalized2",
                                                 "g1",
                                                 "g2",
                                                 "active1",
                                                 "active2",
                                                 "joint",
                                                 "joint_top_ids",
                                                 "joint_top_scores",
                                                 "experts_above_1e-2"};
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
void Capture::append(const std::string& name, std::span<const T> values, int64_t width,
                     int64_t heads) {
  CapturedTensor& tensor = tensors_[name];
  tensor.dtype = std::is_same_v<T, float> ? DType::kF32 : DType::kI32;
  tensor.width = width;
  tensor.heads = heads;
  tensor.append(values);
}

void Capture::on_routing(const RoutingEvent& event) {
  if (const TopKRouting* routing = event.top_k()) add_top_k(event.layer, *routing);
  if (const FactoredRouting* routing = event.factored()) add_factored(event.layer, *routing);
  if (!wants("ffn_input")) return;
  for (size_t t = 0; t < event.tokens.size(); ++t) {
    const float* row = static_cast<const float*>(event.input.row(static_cast<int64_t>(t)));
    const size_t width = static_cast<size_t>(event.input.length);
    append<float>(fmt::format("ffn_input.{}", event.layer), {row, width}, event.input.length);
  }
}

void Capture::add_top_k(int layer, const TopKRouting& routing) {
  const auto name = [&](const char* stage) { return fmt::format("{}.{}", stage, layer); };
  const auto floats = [&](const char* stage, const std::vector<float>& values, int64_t width) {
    if (wants(stage)) append<float>(name(stage), values, width);
  };
  floats("router_logits", routing.logits, routing.outputs);
  floats("router_probs", routing.probs, routing.outputs);
  floats("topk_weights", routing.weights, routing.top_k);
  if (!routing.shared_weights.empty()) floats("shared_weights", routing.shared_weights, 1);
  if (wants("topk_ids")) append<int32_t>(name("topk_ids"), routing.selected, routing.top_k);
}

void Capture::add_factored(int layer, const FactoredRouting& routing) {
  add_side(layer, routing, 0);
  add_side(layer, routing, 1);
  const bool any = wants("joint") || wants("joint_top_ids") || wants("joint_top_scores") ||
                   wants("experts_above_1e-2");
  for (int64_t t = 0; any && t < routing.tokens; ++t) add_joint(layer, routing, t);
}

void Capture::add_side(int layer, const FactoredRouting& routing, int side) {
  const FactoredSide& from = routing.sides[static_cast<size_t>(side)];
  const int64_t width = int64_t{routing.heads} * routing.keys;
  const auto name = [&](const char* stage) {
    const std::string word = fmt::format("{}{}", stage, side + 1);
    return wants(word) ? fmt::format("{}.{}", word, layer) : std::string();
  };
  const auto add = [&](const std::string& to, std::span<const float> values) {
    if (!to.empty()) append<float>(to, values, width, routing.heads);
  };
  add(name("router_logits"), from.logits);
  if (const std::string to = name("active"); !to.empty()) {
    append<int32_t>(to, from.active, routing.heads);
  }
  std::vector<float> values(static_cast<size_t>(width));
  for (int64_t t = 0; t < routing.tokens; ++t) {
    if (const std::string to = name("router_normalized"); !to.empty()) {
      for (int64_t i = 0; i < width; ++i) {
        const size_t at = static_cast<size_t>(i);
        const float z = from.logits[static_cast<size_t>(t * width + i)];
        values[at] = (z - from.mean[at]) * from.inverse[at];
      }
      add(to, values);
    }
    if (const std::string to = name("g"); !to.empty()) {
      routing.expand(side, t, values.data());
      add(to, values);
    }
  }
}

void Capture::add_joint(int layer, const FactoredRouting& routing, int64_t token) {
  constexpr size_t kTop = 16;
  constexpr int kMostKeys = 64;
  const std::vector<JointExpert> joint = routing.joint(token, 0.0F);
  const auto name = [&](const char* stage) { return fmt::format("{}.{}", stage, layer); };
  if (wants("joint") && routing.keys <= kMostKeys) {
    std::vector<float> scores(static_cast<size_t>(routing.keys * routing.keys), 0.0F);
    for (const JointExpert& expert : joint) scores[static_cast<size_t>(expert.id)] = expert.score;
    append<float>(name("joint"), scores, static_cast<int64_t>(scores.size()));
  }
  std::vector<int32_t> ids(kTop, -1);
  std::vector<float> scores(kTop, 0.0F);
  for (size_t i = 0; i < std::min(kTop, joint.size()); ++i) {
    ids[i] = joint[i].id;
    scores[i] = joint[i].score;
  }
  if (wants("joint_top_ids")) append<int32_t>(name("joint_top_ids"), ids, kTop);
  if (wants("joint_top_scores")) append<float>(name("joint_top_scores"), scores, kTop);
  if (wants("experts_above_1e-2")) {
    const auto above = std::count_if(joint.begin(), joint.end(),
                                     [](const JointExpert& e) { return e.score > 0.01F; });
    const int32_t count = static_cast<int32_t>(above);
    append<int32_t>(name("experts_above_1e-2"), {&count, 1}, 1);
  }
}

void Capture::on_hidden(int index, std::span<const TokenRef> tokens, const Rows& hidden) {
  if (!wants("hidden_states")) return;
  for (size_t t = 0; t < tokens.size(); ++t) {
    const float* row = static_cast<const float*>(hidden.row(static_cast<int64_t>(t)));
    append<float>(fmt::format("hidden_states.{}", index), {row, static_cast<size_t>(hidden.length)},
                  hidden.length);
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
  for (const std::vector<int32_t>& ids : sequences) {
    const std::span<const int32_t> text = ids;
    session.forward_once({&text, 1}, this, this);
    add_outputs(session);
  }
}

std::vector<NamedTensor> Capture::named_tensors() const {
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors_) {
    std::vector<int64_t> shape = {tensor.rows(), tensor.width};
    if (tensor.heads > 0) shape = {tensor.rows(), tensor.heads, tensor.width / tensor.heads};
    named.push_back({name, {tensor.dtype, shape, tensor.bytes.data(), tensor.bytes.size()}});
  }
  return named;
}

}  // namespace expertoire
