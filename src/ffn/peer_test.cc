// PEER's layer: more keys than a panel holds, how experts are stored, what a checkpoint may lack,
// and edits of single experts against the sum over all of them.
#include "ffn/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "base/half.h"
#include "io/safetensors.h"
#include "model/model.h"
#include "support/errors.h"
#include "support/naive_peer.h"

namespace expertoire::test {
namespace {

using Item = RoutingEdit::Item;
using ::testing::HasSubstr;

constexpr int64_t kTokens = 9;

Matrix random_rows(int64_t width) {
  std::mt19937 random(8);
  std::normal_distribution<double> normal;
  Matrix rows(kTokens);
  for (Row& row : rows) {
    for (int64_t i = 0; i < width; ++i) {
      row.push_back(static_cast<double>(static_cast<float>(normal(random))));
    }
  }
  return rows;
}

struct Result {
  std::vector<float> out;
  TopKRouting routing;
};

// Layer 0 on these rows under an edit.
Result run(const Model& model, const KernelTable& kernels, const Matrix& rows,
           const std::vector<Item>& items = {}) {
  Executor executor(2, kernels);
  const int64_t width = model.config().hidden_size;
  std::vector<float> x;
  for (const Row& row : rows) {
    for (double value : row) x.push_back(static_cast<float>(value));
  }
  FfnInput input;
  input.tokens = static_cast<int64_t>(rows.size());
  input.f32 = {Compute::kF32, reinterpret_cast<std::byte*>(x.data()), width, width};
  input.compute = input.f32;
  const auto edits =
      RoutingEdit({}, items).compile(model.config().edit_model(), model.config().editable_layers());
  const LayerEdit* edit = edits.contains(0) ? &edits.at(0) : nullptr;
  Routing routing;
  FfnScratch scratch;
  Result result;
  result.out.assign(x.size(), 0.0F);
  const Ffn& ffn = *model.layers()[0].ffn;
  ffn.route(executor, input, edit, routing);
  ffn.mix(executor, input, routing, edit, scratch,
          {Compute::kF32, reinterpret_cast<std::byte*>(result.out.data()), width, width});
  result.routing = std::get<TopKRouting>(routing);
  return result;
}

using Mixture = std::function<Row(const Row& logits)>;

// The engine at every level against the sum over all n² experts.
void expect_mixture(const Miniature& miniature, const std::vector<Item>& items,
                    const Mixture& mixture) {
  const auto model = miniature.load();
  const Matrix rows = random_rows(model->config().hidden_size);
  const std::vector<float> plain = run(*model, default_kernels(), rows).out;
  for (const KernelTable* kernels : available_kernels()) {
    const std::vector<float> got = run(*model, *kernels, rows, items).out;
    if (!items.empty()) {
      EXPECT_NE(got, plain) << "nothing was changed";
    }
    for (size_t t = 0; t < rows.size(); ++t) {
      const Row logits = naive_peer_logits(miniature, 0, rows[t]);
      const Row expected = naive_peer_experts(miniature, 0, rows[t], mixture(logits));
      ASSERT_LE(relative_error(got.data() + t * rows[t].size(), expected), 1e-5)
          << kernels->name << " token " << t;
    }
  }
}

class PeerTest : public testing::Test {
 protected:
  Mixture family() const {
    return [this](const Row& logits) { return naive_peer_mixture(peer_, logits); };
  }

  Miniature miniature_ = Miniature::random("peer", 3);
  PeerConfig peer_ = parse_config(miniature_.config, "a miniature").peer;
};

TEST_F(PeerTest, MoreKeysThanAPanelAndQueriesOfSeveral) {
  nlohmann::json config = miniature_config("peer");
  config["peer_keys"] = 67;
  config["peer_heads"] = 5;
  config["peer_key_dim"] = 26;
  config["peer_topk"] = 9;
  const Miniature wide = Miniature::of(config);
  const PeerConfig peer = parse_config(config, "a miniature").peer;
  expect_mixture(wide, {}, [&](const Row& logits) { return naive_peer_mixture(peer, logits); });
}

TEST_F(PeerTest, HeadsThatChooseTheSameExpertAddUp) {
  Miniature same = miniature_;  // all heads ask with the first one's query
  for (auto& [name, tensor] : same.tensors) {
    if (name.find("0.mlp.query") == std::string::npos) continue;
    const size_t head = tensor.values.size() / static_cast<size_t>(peer_.heads);
    for (size_t i = head; i < tensor.values.size(); ++i) {
      tensor.values[i] = tensor.values[i - head];
    }
  }
  expect_mixture(same, {}, family());
}

TEST_F(PeerTest, BiasOfTheQueryIsReadWhereThereIsOne) {
  const size_t queries = static_cast<size_t>(peer_.heads * peer_.key_dim);
  for (const char* layer : {"0", "1"}) {
    MiniatureTensor bias = {{static_cast<int64_t>(queries)}, {}};
    for (size_t i = 0; i < queries; ++i) bias.values.push_back(i % 3 == 0 ? 0.7F : -0.4F);
    miniature_.tensors[std::string("model.layers.") + layer + ".mlp.query.bias"] = bias;
  }
  expect_mixture(miniature_, {}, family());
}

// The values in bf16; or any f16 numbers between 1/8 and 1/4, variances positive.
std::vector<uint16_t> narrowed(const std::string& name, const MiniatureTensor& tensor,
                               DType dtype) {
  std::mt19937 random(static_cast<uint32_t>(name.size()));
  const uint32_t mask = name.ends_with("running_var") ? 0x03FF : 0x83FF;
  std::vector<uint16_t> bits;
  for (float value : tensor.values) {
    const auto any = static_cast<uint16_t>((random() & mask) | 0x3000);
    bits.push_back(dtype == DType::kBF16 ? f32_to_bf16(value) : any);
  }
  return bits;
}

// A checkpoint of half precision gives the bits of one that holds the same numbers in f32.
TEST_F(PeerTest, ExpertsAreReadAsTheyAreStored) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    std::map<std::string, std::vector<uint16_t>> bits;
    std::vector<NamedTensor> named;
    for (auto& [name, tensor] : miniature_.tensors) {
      bits[name] = narrowed(name, tensor, dtype);
      named.push_back({name,
                       {dtype, tensor.shape, reinterpret_cast<const std::byte*>(bits[name].data()),
                        bits[name].size() * 2}});
    }
    Miniature rounded = miniature_;
    for (const NamedTensor& tensor : named) {
      std::vector<float>& values = rounded.tensors.at(tensor.name).values;
      read_f32(tensor.view, 0, static_cast<int64_t>(values.size()), values.data());
    }
    const TempDir folder;
    miniature_.write(folder.path());
    write_safetensors(folder.file("model.safetensors"), named);
    const Matrix rows = random_rows(35);
    for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
      const auto model = Model::load(folder.path(), {compute, true, 1, {}});
      for (const KernelTable* kernels : available_kernels()) {
        EXPECT_EQ(run(*model, *kernels, rows).out, run(*rounded.load(), *kernels, rows).out);
      }
    }
  }
}

TEST_F(PeerTest, WhatIsMissingOrDamagedIsNamed) {
  for (const char* part :
       {"query.weight", "query_norm.weight", "query_norm.bias", "query_norm.running_mean",
        "query_norm.running_var", "keys1", "keys2", "down", "up"}) {
    const std::string name = std::string("model.layers.1.mlp.") + part;
    Miniature missing = miniature_;
    missing.tensors.erase(name);
    Miniature damaged = miniature_;
    damaged.tensors.at(name).values.back() = std::numeric_limits<float>::quiet_NaN();
    Miniature longer = miniature_;
    longer.tensors.at(name).shape.front() += 1;
    longer.tensors.at(name).values.resize(longer.tensors.at(name).values.size() * 2);
    longer.tensors.at(name).values.resize(static_cast<size_t>(
        longer.tensors.at(name).shape.front() *
        (longer.tensors.at(name).shape.size() > 1 ? longer.tensors.at(name).columns() : 1)));
    for (const auto& [model, code] :
         {std::pair{&missing, ErrorCode::kNotFound}, std::pair{&damaged, ErrorCode::kNumeric},
          std::pair{&longer, ErrorCode::kBadFile}}) {
      const auto error = error_of([&, &broken = model] { broken->load(); });
      ASSERT_TRUE(error) << name;
      EXPECT_EQ(error->code(), code) << error->what();
      EXPECT_THAT(error->what(), HasSubstr(name));
    }
  }
}

// Variances below −eps, or keys beyond f32's range: no logits, and the layer is named.
TEST_F(PeerTest, LogitsThatAreNoNumbersAreNotPassedOn) {
  for (float& value : miniature_.tensors.at("model.layers.0.mlp.keys2").values) value = 3e38F;
  const auto model = miniature_.load();
  const auto error = error_of([&] { run(*model, default_kernels(), random_rows(35)); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNumeric);
  EXPECT_THAT(error->what(), HasSubstr("layer 0"));
}

class PeerEditTest : public PeerTest {
 protected:
  PeerEditTest() {
    const auto model = miniature_.load();
    const TopKRouting routing = run(*model, default_kernels(), random_rows(35)).routing;
    first_ = routing.selected[0];
    second_ = routing.selected[1];
    while (std::find(routing.selected.begin(), routing.selected.end(), unused_) !=
           routing.selected.end()) {
      ++unused_;
    }
  }

  int first_ = 0;  // token 0's best two of head 0
  int second_ = 0;
  int unused_ = 0;  // by none of the tokens
};

TEST_F(PeerEditTest, AblatedAndScaledExperts) {
  const std::vector<Item> items = {
      {.action = EditAction::kAblate, .experts = {first_}},
      {.action = EditAction::kScale, .experts = {second_}, .factor = -1.5F}};
  expect_mixture(miniature_, items, [&](const Row& logits) {
    Row mixture = naive_peer_mixture(peer_, logits);
    mixture[static_cast<size_t>(first_)] = 0.0;
    mixture[static_cast<size_t>(second_)] *= -1.5;
    return mixture;
  });
}

TEST_F(PeerEditTest, RenormalisedWeightsKeepTheirSum) {
  const std::vector<Item> items = {
      {.action = EditAction::kAblate, .experts = {first_}, .renormalize = true}};
  expect_mixture(miniature_, items, [&](const Row& logits) {
    Row mixture = naive_peer_mixture(peer_, logits);
    const double left = peer_.heads - mixture[static_cast<size_t>(first_)];
    mixture[static_cast<size_t>(first_)] = 0.0;
    for (double& weight : mixture) weight *= peer_.heads / left;
    return mixture;
  });
}

// A head's weights are a softmax over what it chose, so renormalize makes no difference.
TEST_F(PeerEditTest, ReroutedAndForcedExperts) {
  for (const bool renormalize : {false, true}) {
    const std::vector<Item> items = {
        {.action = EditAction::kReroute, .experts = {first_, second_}, .renormalize = renormalize},
        {.action = EditAction::kForce, .experts = {unused_}}};
    expect_mixture(miniature_, items, [&](const Row& logits) {
      return naive_peer_mixture(peer_, logits, {{unused_}, {first_, second_}});
    });
  }
}

TEST_F(PeerEditTest, WhatCannotBeDoneIsRefused) {
  const auto model = miniature_.load();
  const auto refused = [&](const Item& item) {
    const auto error = error_of([&] {
      RoutingEdit({}, {item})
          .compile(model->config().edit_model(), model->config().editable_layers());
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument) << error->what();
  };
  refused({.action = EditAction::kAblate, .experts = {49}});
  refused({.action = EditAction::kForce, .experts = {0, 1, 2, 3, 4}});  // a head chooses 4
  refused({.action = EditAction::kAblate, .shared = true});
  Item all_but_three{.action = EditAction::kReroute};
  for (int e = 0; e < 46; ++e) all_but_three.experts.push_back(e);
  refused(all_but_three);
}

}  // namespace
}  // namespace expertoire::test
