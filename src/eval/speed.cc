#include "eval/speed.h"

#include <algorithm>
#include <chrono>
#include <set>

namespace expertoire {
namespace {

constexpr int kDecodeSteps = 8;
constexpr int kDecodePrompt = 12;

std::vector<int> mixed_lengths() {
  std::vector<int> lengths;
  uint32_t state = 1;
  for (int i = 0; i < 256; ++i) {
    state = state * 1664525U + 1013904223U;
    lengths.push_back(4 + static_cast<int>(state >> 16) % 125);
  }
  return lengths;
}

std::vector<std::vector<int32_t>> make_texts(const std::vector<int>& lengths, int64_t vocab) {
  std::vector<std::vector<int32_t>> texts;
  uint64_t state = 12345;
  for (int length : lengths) {
    texts.emplace_back();
    for (int i = 0; i < length; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      texts.back().push_back(static_cast<int32_t>((state >> 33) % static_cast<uint64_t>(vocab)));
    }
  }
  return texts;
}

// Counts the experts that a pass touches.
class ExpertCount final : public RoutingSink {
 public:
  void on_routing(const RoutingEvent& event) override {
    const TopKRouting* routing = event.top_k();
    if (routing == nullptr) return;
    count_ += static_cast<int64_t>(
        std::set<int32_t>(routing->selected.begin(), routing->selected.end()).size());
  }
  int64_t count() const { return count_; }

 private:
  int64_t count_ = 0;
};

// Parameters of products that every token takes part in, experts and lm_head left out. Monet's
// expert layers are counted whole, as their dense form computes them.
double common_parameters(const ModelConfig& c) {
  const double hidden = static_cast<double>(c.hidden_size);
  const double attention = hidden * static_cast<double>(2 * c.q_size() + 2 * c.kv_size());
  if (c.monet.keys > 0) {
    const double experts = hidden * c.monet.keys * (2.0 * static_cast<double>(c.monet.width) + 1);
    const double routers =
        static_cast<double>(c.routing_layers().size() * static_cast<size_t>(c.router_outputs()));
    return c.num_hidden_layers * (attention + experts) + routers * hidden;
  }
  if (c.peer.keys > 0) {
    const double queries = static_cast<double>(c.peer.heads * c.peer.key_dim);
    return c.num_hidden_layers * (attention + queries * (hidden + c.peer.keys));
  }
  const double router =
      hidden * (c.num_experts + 3.0 * static_cast<double>(c.shared_intermediate_size));
  const double dense = 3.0 * hidden * static_cast<double>(c.intermediate_size);
  const int sparse = c.sparse_layers();
  return c.num_hidden_layers * attention + sparse * router + (c.num_hidden_layers - sparse) * dense;
}

double expert_parameters(const ModelConfig& c) {
  if (c.peer.keys > 0) return 2.0 * static_cast<double>(c.hidden_size);
  return 3.0 * static_cast<double>(c.hidden_size * c.moe_intermediate_size);
}

double head_parameters(const ModelConfig& c) {
  return static_cast<double>(c.hidden_size * c.vocab_size);
}

}  // namespace

const std::vector<SpeedCase>& speed_cases() {
  static const std::vector<SpeedCase> cases = {{"64x32", std::vector<int>(64, 32)},
                                               {"8x256", std::vector<int>(8, 256)},
                                               {"1x256", {256}},
                                               {"4x16", std::vector<int>(4, 16)},
                                               {"1x12", {12}},
                                               {"mixed", mixed_lengths()},
                                               {"decode", {}}};
  return cases;
}

SpeedRun::SpeedRun(Session& session, const SpeedCase& speed_case)
    : session_(session), decode_(speed_case.lengths.empty()), cache_(session.new_cache()) {
  const ModelConfig& config = session.model().config();
  const std::vector<int> lengths = decode_ ? std::vector<int>{kDecodePrompt} : speed_case.lengths;
  texts_ = make_texts(lengths, config.vocab_size);
  if (!decode_) return;
  logits_.resize(static_cast<size_t>(config.vocab_size));
  const Chunk prompt{&cache_, texts_[0]};
  session.forward({&prompt, 1});
}

int64_t SpeedRun::tokens() const {
  if (decode_) return kDecodeSteps;
  int64_t count = 0;
  for (const auto& text : texts_) count += static_cast<int64_t>(text.size());
  return count;
}

void SpeedRun::pass(RoutingSink* routing) {
  if (!decode_) {
    const std::vector<std::span<const int32_t>> spans(texts_.begin(), texts_.end());
    session_.forward_once(spans, routing);
    return;
  }
  cache_.truncate(kDecodePrompt);
  int32_t id = texts_[0].back();
  for (int i = 0; i < kDecodeSteps; ++i) {
    const Chunk chunk{&cache_, {&id, 1}};
    session_.forward({&chunk, 1}, routing);
    const int64_t row = 0;
    session_.decoder().logits({&row, 1}, logits_.data());
    id = static_cast<int32_t>(std::max_element(logits_.begin(), logits_.end()) - logits_.begin());
  }
}

double SpeedRun::run() {
  const auto start = std::chrono::steady_clock::now();
  pass(nullptr);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double SpeedRun::flops_per_token() const {
  const ModelConfig& c = session_.model().config();
  const double experts = c.sparse_layers() * c.router.top_k * expert_parameters(c);  // 0 for Monet
  return 2.0 * (common_parameters(c) + experts + (decode_ ? head_parameters(c) : 0.0));
}

double SpeedRun::flops() const { return flops_per_token() * static_cast<double>(tokens()); }

double SpeedRun::weight_bytes() {
  const ModelConfig& c = session_.model().config();
  ExpertCount experts;
  pass(&experts);
  const double passes = decode_ ? kDecodeSteps : 1;
  const double parameters = passes * (common_parameters(c) + (decode_ ? head_parameters(c) : 0.0)) +
                            static_cast<double>(experts.count()) * expert_parameters(c);
  return parameters * static_cast<double>(compute_size(session_.model().compute()));
}

}  // namespace expertoire
