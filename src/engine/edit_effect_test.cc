// What edits do to a whole model: equal to the model that was changed by hand, or to a plain
// computation that mixes the experts as the edit says.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "model/family/family.h"
#include "support/miniature.h"
#include "support/naive_model.h"
#include "support/transcript.h"

namespace expertoire::test {
namespace {

using Item = RoutingEdit::Item;

constexpr int kEdited = 2;  // the expert that the tests edit

class EditEffectTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    miniature_ = Miniature::random(GetParam());
    config_ = parse_config(miniature_.config, "a miniature");
    std::mt19937 random(17);
    ids_.resize(60);
    for (int32_t& id : ids_) id = static_cast<int32_t>(random() % 97);
  }

  std::vector<int> sparse_layers() const {
    std::vector<int> layers;
    for (int i = 0; i < config_.num_hidden_layers; ++i) {
      if (config_.sparse[static_cast<size_t>(i)]) layers.push_back(i);
    }
    return layers;
  }
  std::string expert_prefix(int layer, int expert) const {
    return fmt::format("model.layers.{}.", layer) +
           fmt::format(fmt::runtime(config_.family->tensors.expert), fmt::arg("e", expert));
  }
  std::string shared_prefix(int layer) const {
    return fmt::format("model.layers.{}.{}", layer, config_.family->tensors.shared);
  }
  // Multiplies what a SwiGLU block gives.
  void scale_block(Miniature& model, const std::string& prefix, float factor) const {
    const std::string name = prefix + std::string(config_.family->tensors.down) + ".weight";
    for (float& value : model.tensors.at(name).values) value *= factor;
  }

  // Everything of a run that experts decide: hidden states and logits, not the weights.
  Record outputs(const Miniature& model, const std::vector<Item>& items, Compute compute) const {
    Session session(model.load(compute), {2});
    session.set_edit(RoutingEdit({}, items));
    Transcript transcript(1);
    const std::span<const int32_t> ids = ids_;
    transcript.run_once(session, {&ids, 1}, {0});
    Record record = transcript.of(0);
    std::erase_if(record, [](const auto& entry) {
      return entry.first.starts_with("weights.") || entry.first.starts_with("shared.");
    });
    return record;
  }

  void expect_same(const std::vector<Item>& items, const Miniature& changed) const {
    for (Compute compute : {Compute::kF32, Compute::kBF16}) {
      const Record edited = outputs(miniature_, items, compute);
      EXPECT_EQ(difference(edited, outputs(changed, {}, compute)), "");
      EXPECT_NE(difference(edited, outputs(miniature_, {}, compute)), "") << "nothing was changed";
    }
  }

  // The engine under `items` against the plain model with its own mixture.
  void expect_mixture(const std::vector<Item>& items, const NaiveModel::Mixture& mixture,
                      const NaiveModel::SharedWeight& shared = {}) const {
    NaiveModel naive(miniature_);
    const NaiveModel::Pass plain = naive.run(ids_);
    naive.set_mixture(mixture);
    if (shared) naive.set_shared(shared);
    const NaiveModel::Pass expected = naive.run(ids_);
    Session session(miniature_.load(), {2});
    session.set_edit(RoutingEdit({}, items));
    const std::span<const int32_t> ids = ids_;
    session.forward_once({&ids, 1});
    double changed = 0;
    for (size_t t = 0; t < ids_.size(); ++t) {
      const float* hidden = session.decoder().hidden(static_cast<int64_t>(t));
      ASSERT_LE(relative_error(hidden, expected.hidden.back()[t]), 1e-4) << "token " << t;
      changed = std::max(changed, relative_error(hidden, plain.hidden.back()[t]));
    }
    EXPECT_GE(changed, 1e-2) << "nothing was changed";
  }

  Miniature miniature_;
  ModelConfig config_;
  std::vector<int32_t> ids_;
};

TEST_P(EditEffectTest, AblatedExpertIsOneThatAddsNothing) {
  Miniature changed = miniature_;
  for (int layer : sparse_layers()) scale_block(changed, expert_prefix(layer, kEdited), 0.0F);
  expect_same({{.action = EditAction::kAblate, .experts = {kEdited}}}, changed);
}

// Powers of two: no rounding tells the weight from the output that it multiplies.
TEST_P(EditEffectTest, ScaledExpertIsOneWhoseOutputIsScaled) {
  Miniature changed = miniature_;
  const int layer = sparse_layers().back();
  scale_block(changed, expert_prefix(layer, kEdited), -4.0F);
  scale_block(changed, expert_prefix(layer, 0), 0.5F);
  const std::vector<int> layers = {layer};
  expect_same({{.action = EditAction::kScale, .layers = layers, .experts = {kEdited}, .factor = -4},
               {.action = EditAction::kScale, .layers = layers, .experts = {0}, .factor = 0.5F}},
              changed);
}

// Rerouted and renormalised: a model that never had the expert. The softmax adds up in another
// order there, so this is no comparison of bits.
TEST_P(EditEffectTest, ReroutedExpertIsOneThatTheModelNeverHad) {
  Miniature changed = miniature_;
  changed.config[std::string(config_.family->num_experts_key)] = config_.num_experts - 1;
  for (int layer : sparse_layers()) {
    const std::string router =
        fmt::format("model.layers.{}.{}", layer, config_.family->tensors.router);
    MiniatureTensor& rows = changed.tensors.at(router);
    rows.values.erase(rows.values.begin() + kEdited * config_.hidden_size,
                      rows.values.begin() + (kEdited + 1) * config_.hidden_size);
    --rows.shape[0];
    for (int e = kEdited; e < config_.num_experts; ++e) {
      for (const std::string_view part : {config_.family->tensors.gate, config_.family->tensors.up,
                                          config_.family->tensors.down}) {
        const std::string end = std::string(part) + ".weight";
        auto node = changed.tensors.extract(expert_prefix(layer, e) + end);
        if (e == kEdited) continue;
        node.key() = expert_prefix(layer, e - 1) + end;
        changed.tensors.insert(std::move(node));
      }
    }
  }
  const NaiveModel::Pass expected = NaiveModel(changed).run(ids_);
  Session session(miniature_.load(), {2});
  session.set_edit(RoutingEdit(
      {}, {{.action = EditAction::kReroute, .experts = {kEdited}, .renormalize = true}}));
  const std::span<const int32_t> ids = ids_;
  session.forward_once({&ids, 1});
  for (size_t t = 0; t < ids_.size(); ++t) {
    const float* hidden = session.decoder().hidden(static_cast<int64_t>(t));
    ASSERT_LE(relative_error(hidden, expected.hidden.back()[t]), 1e-4) << "token " << t;
  }
}

TEST_P(EditEffectTest, ReroutedWithoutRenormalisingKeepsEachProbability) {
  const NaiveModel naive(miniature_);
  std::vector<bool> allowed(static_cast<size_t>(config_.num_experts), true);
  allowed[kEdited] = allowed[0] = false;
  expect_mixture({{.action = EditAction::kReroute, .experts = {kEdited, 0}}},
                 [&](int, const Row& logits) {
                   const Row probs = NaiveModel::softmax(logits);
                   Row mixture(logits.size(), 0.0);
                   double sum = 0;
                   for (int e : NaiveModel::top_k(logits, config_.router.top_k, allowed)) {
                     sum += mixture[static_cast<size_t>(e)] = probs[static_cast<size_t>(e)];
                   }
                   for (double& weight : mixture) {
                     weight /= config_.router.norm_topk_prob ? sum : 1.0;
                   }
                   return mixture;
                 });
}

TEST_P(EditEffectTest, ForcedExpertEntersWithItsOwnProbability) {
  std::vector<bool> others(static_cast<size_t>(config_.num_experts), true);
  others[kEdited] = false;
  expect_mixture({{.action = EditAction::kForce, .experts = {kEdited}}},
                 [&](int, const Row& logits) {
                   const Row probs = NaiveModel::softmax(logits);
                   Row mixture(logits.size(), 0.0);
                   double sum = mixture[kEdited] = probs[kEdited];
                   for (int e : NaiveModel::top_k(logits, config_.router.top_k - 1, others)) {
                     sum += mixture[static_cast<size_t>(e)] = probs[static_cast<size_t>(e)];
                   }
                   for (double& weight : mixture) {
                     weight /= config_.router.norm_topk_prob ? sum : 1.0;
                   }
                   return mixture;
                 });
}

TEST_P(EditEffectTest, RenormalisedScalingKeepsTheSumOfWeights) {
  const NaiveModel naive(miniature_);
  expect_mixture(
      {{.action = EditAction::kScale, .experts = {0, 1}, .factor = 3, .renormalize = true},
       {.action = EditAction::kAblate, .experts = {kEdited}, .renormalize = true}},
      [&](int, const Row& logits) {
        Row mixture = naive.family_mixture(logits);
        const auto sum = [&] { return std::accumulate(mixture.begin(), mixture.end(), 0.0); };
        const double before = sum();
        mixture[0] *= 3;
        mixture[1] *= 3;
        mixture[kEdited] = 0;
        const double after = sum();
        for (double& weight : mixture) weight *= after > 0 ? before / after : 1.0;
        return mixture;
      });
}

INSTANTIATE_TEST_SUITE_P(Families, EditEffectTest, testing::ValuesIn(top_k_miniature_names()),
                         [](const auto& info) { return info.param; });

class SharedEditTest : public EditEffectTest {};

TEST_P(SharedEditTest, SharedExpertsAreEditableToo) {
  for (const float factor : {0.0F, 2.0F}) {
    Miniature changed = miniature_;
    for (int layer : sparse_layers()) scale_block(changed, shared_prefix(layer), factor);
    const EditAction action = factor == 0 ? EditAction::kAblate : EditAction::kScale;
    expect_same({{.action = action, .shared = true, .factor = factor}}, changed);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SharedEditTest, testing::Values("deepseek", "qwen2_moe"),
                         [](const auto& info) { return info.param; });

// Only here does a configuration without shared experts exist.
class CountedSharedEditTest : public EditEffectTest {};

TEST_P(CountedSharedEditTest, AblatedSharedExpertsAreAModelWithoutThem) {
  Miniature changed = miniature_;
  changed.config["n_shared_experts"] = 0;
  std::erase_if(changed.tensors, [](const auto& entry) {
    return entry.first.find("shared_experts") != std::string::npos;
  });
  expect_same({{.action = EditAction::kAblate, .shared = true}}, changed);
}

INSTANTIATE_TEST_SUITE_P(Families, CountedSharedEditTest, testing::Values("deepseek"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace expertoire::test
