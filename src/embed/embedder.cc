#include "embed/embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace expertoire {
namespace {

[[noreturn]] void refuse(std::string found, std::string expected) {
  throw Error(ErrorCode::kInvalidArgument,
              {"choosing the embedding", std::move(found), std::move(expected), ""});
}

float norm_of(const std::vector<float>& values) {
  double sum = 0;
  for (float value : values) sum += static_cast<double>(value) * value;
  return static_cast<float>(std::sqrt(sum));
}

// values · scale / |values|, or zeros for the zero vector.
void append_unit(const std::vector<float>& values, float scale, std::vector<float>& out) {
  const float norm = norm_of(values);
  for (float value : values) out.push_back(norm > 0 ? value * (scale / norm) : 0.0F);
}

}  // namespace

// Sums what pooling asks for while the model runs. Rows of a text are consecutive and come in
// order, so sums do not depend on the batch.
class Embedder::Collector final : public RoutingSink, public HiddenSink {
 public:
  Collector(const Embedder& owner, std::span<const std::vector<int32_t>> texts)
      : owner_(owner), texts_(texts), parts_(texts.size()) {
    for (EmbedParts& part : parts_) {
      if (owner.wants_hidden()) part.hidden.assign(static_cast<size_t>(owner.hidden_dim()), 0.0F);
      if (owner.wants_routing()) {
        part.routing.assign(static_cast<size_t>(owner.routing_dim()), 0.0F);
      }
    }
  }

  void on_routing(const RoutingEvent& event) override {
    const ModelConfig& config = owner_.session_.model().config();
    const bool last_only = owner_.options_.routing_layers == LayerChoice::kLast;
    const int layers = static_cast<int>(config.routing_layers().size());
    const int index = layer_++;
    if (last_only && index + 1 < layers) return;
    const int64_t at = last_only ? 0 : index * config.router_outputs();
    for (size_t row = 0; row < event.tokens.size(); ++row) {
      if (counts(event.tokens[row])) add_routing(event, row, at);
    }
  }

  // The last residual is not taken here: it comes after the final norm.
  void on_hidden(int index, std::span<const TokenRef> tokens, const Rows& hidden) override {
    const int layers = owner_.session_.model().config().num_hidden_layers;
    if (index == layers) return;
    for (size_t row = 0; row < tokens.size(); ++row) {
      add(tokens[row], static_cast<const float*>(hidden.row(static_cast<int64_t>(row))),
          owner_.hidden_dim(), layer_share(), &EmbedParts::hidden, 0);
    }
  }

  void add_final(const Decoder& decoder) {
    std::vector<float> normed(static_cast<size_t>(owner_.hidden_dim()));
    for (size_t row = 0; row < decoder.tokens().size(); ++row) {
      if (!counts(decoder.tokens()[row])) continue;
      decoder.final_norm(static_cast<int64_t>(row), normed.data());
      add(decoder.tokens()[row], normed.data(), owner_.hidden_dim(), layer_share(),
          &EmbedParts::hidden, 0);
    }
  }

  std::vector<EmbedParts> take() { return std::move(parts_); }

 private:
  bool counts(const TokenRef& token) const {
    return owner_.options_.pooling == Pooling::kMean ||
           static_cast<size_t>(token.position) + 1 == length(token);
  }
  size_t length(const TokenRef& token) const {
    return texts_[static_cast<size_t>(token.sequence)].size();
  }
  // hidden_states has one entry more than there are layers.
  float layer_share() const {
    const int layers = owner_.session_.model().config().num_hidden_layers;
    return owner_.options_.hidden_layers == LayerChoice::kAll
               ? 1.0F / static_cast<float>(layers + 1)
               : 1.0F;
  }

  // What the router said of one token: [E], or [2, H, n] of product keys and factored routing.
  void add_routing(const RoutingEvent& event, size_t row, int64_t at) {
    const bool logits = owner_.stage_ == Stage::kLogits;
    const int64_t token = static_cast<int64_t>(row);
    if (const TopKRouting* routing = event.top_k()) {
      const int64_t width = routing->outputs;
      const auto& values = logits ? routing->logits : routing->probs;
      add(event.tokens[row], values.data() + token * width, width, 1.0F, &EmbedParts::routing, at);
      return;
    }
    const FactoredRouting& routing = *event.factored();
    const int64_t width = int64_t{routing.heads} * routing.keys;
    std::vector<float> g(static_cast<size_t>(width));
    for (int side = 0; side < 2; ++side) {
      const float* values = routing.sides[static_cast<size_t>(side)].logits.data() + token * width;
      if (!logits) {
        routing.expand(side, token, g.data());
        values = g.data();
      }
      add(event.tokens[row], values, width, 1.0F, &EmbedParts::routing, at + side * width);
    }
  }

  void add(const TokenRef& token, const float* values, int64_t count, float share,
           std::vector<float> EmbedParts::*part, int64_t at) {
    if (!counts(token)) return;
    if (owner_.options_.pooling == Pooling::kMean) share /= static_cast<float>(length(token));
    float* out = (parts_[static_cast<size_t>(token.sequence)].*part).data() + at;
    for (int64_t i = 0; i < count; ++i) out[i] += share * values[i];
  }

  const Embedder& owner_;
  std::span<const std::vector<int32_t>> texts_;
  std::vector<EmbedParts> parts_;
  int layer_ = 0;  // layers with experts seen so far
};

Embedder::Embedder(Session& session, const Tokenizer& tokenizer, EmbedOptions options)
    : session_(session),
      tokenizer_(tokenizer),
      options_(std::move(options)),
      stage_(options_.routing_stage.value_or(session.model().embedding_stage())) {
  const bool dense = session.model().config().sparse_layers() == 0;
  if (wants_routing() && dense) refuse("routing of a dense model", "--kind hidden");
  if (!(options_.alpha >= 0) || std::isinf(options_.alpha)) {
    refuse(fmt::format("alpha {}", options_.alpha), "a number from 0");
  }
  if (stage_ != Stage::kLogits && stage_ != Stage::kProbs) {
    refuse(fmt::format("routing stage {}", stage_name(stage_)), "logits or probs");
  }
}

int64_t Embedder::hidden_dim() const { return session_.model().config().hidden_size; }

int64_t Embedder::routing_dim() const {
  const ModelConfig& config = session_.model().config();
  const bool last_only = options_.routing_layers == LayerChoice::kLast;
  const int64_t layers = static_cast<int64_t>(config.routing_layers().size());
  return config.router_outputs() * (last_only ? 1 : layers);
}

int64_t Embedder::dim() const {
  return (wants_hidden() ? hidden_dim() : 0) + (wants_routing() ? routing_dim() : 0);
}

std::vector<int32_t> Embedder::tokenize(std::string_view text) const {
  std::vector<int32_t> ids = tokenizer_.encode(options_.prompt.apply(text));
  const size_t most = static_cast<size_t>(session_.model().config().max_position_embeddings);
  if (ids.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"embedding a text", "an empty text, which has no tokens", "some text",
                 "drop the line, or use a prompt"});
  }
  if (ids.size() <= most) return ids;
  if (options_.truncate == Truncate::kNever) {
    throw Error(ErrorCode::kTooLong, {"embedding a text", fmt::format("{} tokens", ids.size()),
                                      fmt::format("at most {}, the model's context", most),
                                      "use --truncate left or right"});
  }
  return shorten(std::move(ids), most);
}

// Drops tokens of the text, never of what stands around it: the prompt and special tokens are what
// the ids share, from either end, with those of an empty text.
std::vector<int32_t> Embedder::shorten(std::vector<int32_t> ids, size_t most) const {
  const std::vector<int32_t> empty = tokenizer_.encode(options_.prompt.apply(""));
  const auto before = std::mismatch(empty.begin(), empty.end(), ids.begin(), ids.end()).second;
  const auto after =
      std::mismatch(empty.rbegin(), empty.rend() - (before - ids.begin()), ids.rbegin(), ids.rend())
          .second.base();
  const auto cut = static_cast<std::ptrdiff_t>(ids.size() - most);
  if (after - before < cut) {
    throw Error(ErrorCode::kTooLong,
                {"embedding a text", fmt::format("a prompt of {} tokens", empty.size()),
                 fmt::format("at most {}, the model's context", most), "use a shorter prompt"});
  }
  if (options_.truncate == Truncate::kLeft) {
    ids.erase(before, before + cut);
  } else {
    ids.erase(after - cut, after);
  }
  return ids;
}

std::vector<EmbedParts> Embedder::parts(std::span<const std::vector<int32_t>> texts) {
  Collector collector(*this, texts);
  const std::vector<std::span<const int32_t>> spans(texts.begin(), texts.end());
  const bool all_hidden = wants_hidden() && options_.hidden_layers == LayerChoice::kAll;
  RoutingSink* routing = wants_routing() ? &collector : nullptr;
  HiddenSink* hidden = all_hidden ? &collector : nullptr;
  if (options_.pooling == Pooling::kLast) {
    session_.forward_last(spans, routing, hidden);
  } else {
    session_.forward_once(spans, routing, hidden);
  }
  if (wants_hidden()) collector.add_final(session_.decoder());
  return collector.take();
}

std::vector<float> Embedder::combine(EmbedParts parts, const CalibrationSet* calibration) const {
  if (calibration != nullptr) {
    if (wants_hidden())
      standardize(calibration->hidden_mean, calibration->hidden_std, parts.hidden);
    if (wants_routing()) {
      standardize(calibration->routing_mean, calibration->routing_std, parts.routing);
    }
  }
  switch (options_.kind) {
    case EmbedKind::kHidden: return parts.hidden;
    case EmbedKind::kRouting: return parts.routing;
    case EmbedKind::kConcat: break;
    case EmbedKind::kSum: {
      std::vector<float> vector;
      append_unit(parts.hidden, 1.0F, vector);
      append_unit(parts.routing, std::sqrt(options_.alpha), vector);
      return vector;
    }
  }
  parts.hidden.insert(parts.hidden.end(), parts.routing.begin(), parts.routing.end());
  return parts.hidden;
}

void standardize_batch(std::vector<EmbedParts>& batch) {
  for (auto part : {&EmbedParts::hidden, &EmbedParts::routing}) {
    MomentAccumulator moments;
    for (const EmbedParts& parts : batch) moments.add(parts.*part);
    const std::vector<float> mean = moments.mean();
    const std::vector<float> std = moments.std();
    for (EmbedParts& parts : batch) {
      if (batch.size() < 2) {
        std::fill((parts.*part).begin(), (parts.*part).end(), 0.0F);
      } else {
        standardize(mean, std, parts.*part);
      }
    }
  }
}

}  // namespace expertoire
