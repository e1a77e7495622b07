#include "cli/token_experts.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "tokenizer/unicode.h"

namespace expertoire::cli {
namespace {

constexpr size_t kTokenColumn = 18;  // characters

// All experts of each token, of a pass over one text.
class Collector final : public RoutingSink {
 public:
  explicit Collector(size_t tokens) : tokens_(tokens) {}

  void on_routing(const RoutingEvent& event) override {
    for (size_t t = 0; t < tokens_.size(); ++t) {
      if (const TopKRouting* routing = event.top_k()) add(event.layer, *routing, t);
      if (const FactoredRouting* routing = event.factored()) add(event.layer, *routing, t);
    }
  }
  std::vector<std::vector<LitExpert>> take() { return std::move(tokens_); }

 private:
  void add(int layer, const TopKRouting& routing, size_t token) {
    const size_t k = static_cast<size_t>(routing.top_k);
    for (size_t i = token * k; i < (token + 1) * k; ++i) {
      tokens_[token].push_back({layer, fmt::to_string(routing.selected[i]), routing.weights[i]});
    }
  }
  void add(int layer, const FactoredRouting& routing, size_t token) {
    for (const JointExpert& joint : routing.joint(static_cast<int64_t>(token), kTracedScore)) {
      const std::string name =
          fmt::format("{},{}", joint.id / routing.keys, joint.id % routing.keys);
      tokens_[token].push_back({layer, name, joint.score});
    }
  }

  std::vector<std::vector<LitExpert>> tokens_;
};

// In quotes, with line ends and the like escaped, to the width of the column.
std::string token_column(const std::string& text) {
  std::string shown =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  size_t characters = 0;
  for (size_t at = 0; at < shown.size(); at += utf8_length(shown[at])) ++characters;
  if (characters < kTokenColumn) shown.append(kTokenColumn - characters, ' ');
  return shown;
}

}  // namespace

std::vector<std::vector<LitExpert>> lit_experts(Session& session, std::span<const int32_t> ids,
                                                size_t most) {
  Collector collector(ids.size());
  session.forward_once({&ids, 1}, &collector);
  std::vector<std::vector<LitExpert>> tokens = collector.take();
  for (std::vector<LitExpert>& experts : tokens) {
    std::ranges::sort(experts, [](const LitExpert& a, const LitExpert& b) {
      return std::tie(b.score, a.layer, a.name) < std::tie(a.score, b.layer, b.name);
    });
    if (experts.size() > most) experts.resize(most);
  }
  return tokens;
}

nlohmann::json to_json(const std::vector<LitExpert>& experts) {
  nlohmann::json list = nlohmann::json::array();
  for (const LitExpert& expert : experts) {
    list.push_back({{"layer", expert.layer}, {"expert", expert.name}, {"score", expert.score}});
  }
  return list;
}

std::string token_lines(const Tokenizer& tokenizer, std::span<const int32_t> ids,
                        const std::vector<std::vector<LitExpert>>& experts, size_t first_new) {
  std::string lines;
  StreamDecoder decoder(tokenizer);
  for (size_t t = 0; t < ids.size(); ++t) {
    lines += fmt::format("{} {}", t < first_new ? ' ' : '+', token_column(decoder.push(ids[t])));
    for (const LitExpert& expert : experts[t]) {
      lines += fmt::format("  {:>9} {:.2f}", fmt::format("{}:{}", expert.layer, expert.name),
                           expert.score);
    }
    lines += '\n';
  }
  return lines;
}

}  // namespace expertoire::cli
