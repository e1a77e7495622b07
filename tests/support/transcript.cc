#include "support/transcript.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

namespace expertoire::test {
namespace {

// lm_heads are most of the work of a tiny model: these rows speak for the others.
bool wants_logits(const TokenRef& token) { return token.position % 8 == 3; }

}  // namespace

std::string difference(const Record& got, const Record& expected) {
  for (const auto& [stage, rows] : expected) {
    const auto found = got.find(stage);
    if (found == got.end()) return "no " + stage;
    for (size_t t = 0; t < rows.size(); ++t) {
      if (t >= found->second.size()) return fmt::format("{} ends at row {}", stage, t);
      if (found->second[t] != rows[t]) return fmt::format("{}, row {}", stage, t);
    }
    if (found->second.size() > rows.size()) return fmt::format("{} has more rows", stage);
  }
  return got.size() == expected.size() ? "" : "more stages";
}

void Transcript::run(Session& session, std::span<const Chunk> chunks,
                     const std::vector<size_t>& texts, bool logits) {
  batch_ = texts;
  hidden_size_ = static_cast<size_t>(session.model().config().hidden_size);
  session.forward(chunks, this, this);
  add_outputs(session, logits);
}

void Transcript::run_once(Session& session, std::span<const std::span<const int32_t>> batch,
                          const std::vector<size_t>& texts, bool logits) {
  batch_ = texts;
  hidden_size_ = static_cast<size_t>(session.model().config().hidden_size);
  session.forward_once(batch, this, this);
  add_outputs(session, logits);
}

void Transcript::truncate(size_t text, size_t length) {
  for (auto& [stage, rows] : records_[text]) {
    size_t keep = length;
    if (stage == "logits") {
      keep = 0;
      for (size_t t = 0; t < length; ++t)
        keep += wants_logits({0, static_cast<int32_t>(t)}) ? 1 : 0;
    }
    rows.resize(std::min(rows.size(), keep));
  }
}

void Transcript::add(const TokenRef& token, const std::string& stage, const void* values,
                     size_t count) {
  auto& rows = records_[batch_[static_cast<size_t>(token.sequence)]][stage];
  if (stage != "logits") {
    EXPECT_EQ(static_cast<size_t>(token.position), rows.size()) << stage;
  }
  rows.emplace_back(count);
  std::memcpy(rows.back().data(), values, count * sizeof(uint32_t));
}

void Transcript::on_routing(const RoutingEvent& event) {
  if (const FactoredRouting* routing = event.factored()) return add_factored(event, *routing);
  const TopKRouting& routing = *event.top_k();
  ASSERT_EQ(static_cast<size_t>(routing.tokens), event.tokens.size());
  const size_t outputs = static_cast<size_t>(routing.outputs);
  const size_t chosen = static_cast<size_t>(routing.top_k);
  const auto name = [&](Stage stage) {
    return fmt::format("{}.{}", stage_name(stage), event.layer);
  };
  for (size_t t = 0; t < event.tokens.size(); ++t) {
    const TokenRef& token = event.tokens[t];
    add(token, name(Stage::kLogits), routing.logits.data() + t * outputs, outputs);
    add(token, name(Stage::kProbs), routing.probs.data() + t * outputs, outputs);
    add(token, name(Stage::kSelected), routing.selected.data() + t * chosen, chosen);
    add(token, name(Stage::kWeights), routing.weights.data() + t * chosen, chosen);
    if (routing.shared_weights.empty()) continue;
    add(token, fmt::format("shared.{}", event.layer), routing.shared_weights.data() + t, 1);
  }
}

void Transcript::add_factored(const RoutingEvent& event, const FactoredRouting& routing) {
  ASSERT_EQ(static_cast<size_t>(routing.tokens), event.tokens.size());
  const size_t width = static_cast<size_t>(routing.heads * routing.keys);
  std::vector<float> g(width);
  for (int side = 0; side < 2; ++side) {
    const auto name = [&](Stage stage) {
      return fmt::format("{}{}.{}", stage_name(stage), side + 1, event.layer);
    };
    const FactoredSide& from = routing.sides[static_cast<size_t>(side)];
    for (size_t t = 0; t < event.tokens.size(); ++t) {
      add(event.tokens[t], name(Stage::kLogits), from.logits.data() + t * width, width);
      routing.expand(side, static_cast<int64_t>(t), g.data());
      add(event.tokens[t], name(Stage::kProbs), g.data(), width);
    }
  }
}

void Transcript::on_hidden(int index, std::span<const TokenRef> tokens, const Rows& hidden) {
  for (size_t t = 0; t < tokens.size(); ++t) {
    add(tokens[t], fmt::format("hidden.{}", index), hidden.row(static_cast<int64_t>(t)),
        hidden_size_);
  }
}

void Transcript::add_outputs(Session& session, bool logits) {
  Decoder& decoder = session.decoder();
  std::vector<float> normed(hidden_size_);
  std::vector<int64_t> rows;
  for (size_t t = 0; t < decoder.tokens().size(); ++t) {
    decoder.final_norm(static_cast<int64_t>(t), normed.data());
    add(decoder.tokens()[t], "final_norm", normed.data(), hidden_size_);
    if (logits && wants_logits(decoder.tokens()[t])) rows.push_back(static_cast<int64_t>(t));
  }
  if (rows.empty()) return;
  const size_t vocab = static_cast<size_t>(session.model().config().vocab_size);
  std::vector<float> values(rows.size() * vocab);
  decoder.logits(rows, values.data());
  for (size_t i = 0; i < rows.size(); ++i) {
    add(decoder.tokens()[static_cast<size_t>(rows[i])], "logits", values.data() + i * vocab, vocab);
  }
}

}  // namespace expertoire::test
