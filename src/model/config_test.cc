// config.json of every family: what is read, what is taken when it is absent, what is refused.
#include "model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "model/family/family.h"
#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

ModelConfig parse(const json& config) { return parse_config(config, "config.json"); }

json with(const std::string& family, const json& changes) {
  json config = miniature_config(family);
  config.update(changes);
  return config;
}

json without(const std::string& family, const char* key) {
  json config = miniature_config(family);
  config.erase(key);
  return config;
}

class ConfigFamilyTest : public testing::TestWithParam<std::string> {};

// The tensors were accepted by the strict loader, so their number is the number of parameters;
// running statistics are none. What a token leaves idle: experts, or keys of Monet's layers.
TEST_P(ConfigFamilyTest, ParametersAreTheElementsOfTheCheckpoint) {
  const Miniature model = Miniature::random(GetParam());
  ASSERT_NO_THROW(model.load());
  const ModelConfig config = parse(model.config);
  const MonetConfig& monet = config.monet;
  int64_t elements = 0;
  int64_t one_expert = 0;
  for (const auto& [name, tensor] : model.tensors) {
    const int64_t count = static_cast<int64_t>(tensor.values.size());
    if (name.find(".running_") == std::string::npos) elements += count;
    if (name.find("experts.0.") != std::string::npos) one_expert += count;
    if (name.find(".moe.") != std::string::npos) one_expert += count / monet.keys;
    if (name.ends_with("mlp.down") || name.ends_with("mlp.up")) {
      one_expert += count / config.num_experts;
    }
  }
  EXPECT_EQ(config.parameters(), elements);
  const int idle = monet.keys > 0 ? monet.keys - std::min(monet.keys, monet.heads * monet.top_k)
                                  : config.num_experts - config.router.top_k;
  EXPECT_EQ(config.active_parameters(), elements - idle * one_expert);
}

TEST_P(ConfigFamilyTest, MissingSizeIsABadFileThatNamesIt) {
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                          "max_position_embeddings"}) {
    const auto error = error_of([&] { parse(without(GetParam(), key)); });
    ASSERT_TRUE(error) << key;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile);
    EXPECT_THAT(error->what(), HasSubstr(key));
    for (const json& value : {json(0), json(-4), json(2.5), json("8"), json(1e300)}) {
      const auto bad = error_of([&] { parse(with(GetParam(), {{key, value}})); });
      ASSERT_TRUE(bad) << key << " " << value;
      EXPECT_EQ(bad->code(), ErrorCode::kBadFile);
      EXPECT_THAT(bad->what(), HasSubstr(key));
    }
  }
}

// Values that change the result and that nobody here computes.
TEST_P(ConfigFamilyTest, WhatIsNotImplementedIsNamed) {
  const json changes = {{"hidden_act", "gelu_new"},
                        {"partial_rotary_factor", 0.5},
                        {"sliding_window", 8},
                        {"layer_types", {"sliding_attention"}},
                        {"quantization_config", {{"bits", 4}}},
                        {"scoring_func", "sigmoid"},
                        {"topk_method", "group_limited_greedy"},
                        {"routed_scaling_factor", 2.5},
                        {"is_encoder_decoder", true},
                        {"add_cross_attention", true},
                        {"mystery_scale", 1.5}};
  for (const auto& [key, value] : changes.items()) {
    const auto error = error_of([&, &key = key, &value = value] {
      parse(with(GetParam(), {{key, value}}));
    });
    ASSERT_TRUE(error) << key;
    EXPECT_EQ(error->code(), ErrorCode::kUnsupported) << error->what();
    EXPECT_THAT(error->what(), HasSubstr(key));
  }
}

TEST_P(ConfigFamilyTest, WhatChangesNothingPasses) {
  const std::string act(parse(miniature_config(GetParam())).family->hidden_act);
  const json changes = {{"hidden_act", act},
                        {"partial_rotary_factor", 1.0},
                        {"sliding_window", 4096},
                        {"layer_types", {"full_attention", "full_attention"}},
                        {"quantization_config", nullptr},
                        {"routed_scaling_factor", 1.0},
                        {"torch_dtype", "bfloat16"},
                        {"transformers_version", "5.0"},
                        {"_name_or_path", "somewhere"},
                        {"mystery_flag", false},
                        {"mystery_list", json::array()}};
  EXPECT_NO_THROW(parse(with(GetParam(), changes)));
}

TEST_P(ConfigFamilyTest, BothRopeLayoutsAreTheSame) {
  json old = miniature_config(GetParam());
  old.erase("rope_scaling");
  json modern = old;
  old.update({{"rope_theta", 5e5}, {"rope_scaling", {{"type", "linear"}, {"factor", 3.0}}}});
  modern["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 3.0}, {"rope_theta", 5e5}};
  for (const json& config : {old, modern}) {
    const RopeConfig rope = parse(config).rope;
    EXPECT_EQ(rope.type, RopeType::kLinear);
    EXPECT_EQ(rope.theta, 5e5);
    EXPECT_EQ(rope.factor, 3.0);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ConfigFamilyTest, testing::ValuesIn(miniature_names()),
                         [](const auto& info) { return info.param; });

TEST(ConfigTest, DefaultsAreThoseOfTheFamiliesClasses) {
  EXPECT_EQ(parse(miniature_config("olmoe")).rope.theta, 10000.0);
  EXPECT_EQ(parse(miniature_config("mixtral")).rope.theta, 1e6);
  EXPECT_EQ(parse(miniature_config("olmoe")).rms_norm_eps, 1e-5F);
  EXPECT_EQ(parse(miniature_config("qwen2_moe")).rms_norm_eps, 1e-6F);
  const ModelConfig qwen = parse(miniature_config("qwen2_moe"));
  EXPECT_EQ(qwen.num_key_value_heads, qwen.num_attention_heads);
  EXPECT_EQ(qwen.head_dim, 10);
  EXPECT_TRUE(qwen.qkv_bias);
  EXPECT_FALSE(qwen.o_bias);
  EXPECT_TRUE(qwen.shared_gate);
  EXPECT_FALSE(qwen.tie_word_embeddings);
}

TEST(ConfigTest, FamiliesDifferAsTheirDataSays) {
  EXPECT_EQ(parse(miniature_config("olmoe")).qk_norm, QkNorm::kFull);
  EXPECT_EQ(parse(miniature_config("qwen3_moe")).qk_norm, QkNorm::kPerHead);
  EXPECT_EQ(parse(miniature_config("olmoe")).clip_qkv, 1.5F);
  EXPECT_TRUE(parse(miniature_config("mixtral")).router.norm_topk_prob) << "always";
  EXPECT_FALSE(parse(miniature_config("olmoe")).router.norm_topk_prob);
  const ModelConfig deepseek = parse(miniature_config("deepseek"));
  EXPECT_TRUE(deepseek.qkv_bias && deepseek.o_bias);
  EXPECT_EQ(deepseek.shared_intermediate_size, 54) << "two experts of 27";
  EXPECT_FALSE(deepseek.shared_gate);
  EXPECT_EQ(deepseek.family->embedding_stage, Stage::kProbs);
  const ModelConfig llama = parse(miniature_config("llama"));
  EXPECT_EQ(llama.sparse_layers(), 0);
  EXPECT_TRUE(llama.mlp_bias && llama.tie_word_embeddings);
  EXPECT_EQ(llama.intermediate_size, 37);
}

TEST(ConfigTest, SparseLayersOfDeepSeek) {
  const auto sparse = [](const json& changes) { return parse(with("deepseek", changes)).sparse; };
  EXPECT_THAT(sparse({{"first_k_dense_replace", 0}, {"moe_layer_freq", 1}}),
              ElementsAre(true, true, true, true, true));
  EXPECT_THAT(sparse({{"first_k_dense_replace", 1}, {"moe_layer_freq", 2}}),
              ElementsAre(false, false, true, false, true));
  EXPECT_THAT(sparse({{"first_k_dense_replace", 5}, {"moe_layer_freq", 1}}),
              ElementsAre(false, false, false, false, false));
}

TEST(ConfigTest, SparseLayersOfQwen) {
  const auto sparse = [](const json& changes) { return parse(with("qwen2_moe", changes)).sparse; };
  EXPECT_THAT(sparse({{"mlp_only_layers", json::array()}}), ElementsAre(true, true, true, true));
  EXPECT_THAT(sparse({{"mlp_only_layers", {0, 3}}}), ElementsAre(false, true, true, false));
  EXPECT_THAT(sparse({{"decoder_sparse_step", 2}, {"mlp_only_layers", {3}}}),
              ElementsAre(false, true, false, false));
  const auto error = error_of([&] { sparse({{"mlp_only_layers", {4}}}); });
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("mlp_only_layers"));
}

TEST(ConfigTest, SizesThatDoNotFitEachOtherAreBad) {
  const std::vector<std::pair<std::string, json>> bad = {
      {"num_key_value_heads", with("olmoe", {{"num_key_value_heads", 3}})},
      {"hidden_size", with("olmoe", {{"hidden_size", 50}})},
      {"head_dim", with("mixtral", {{"head_dim", 21}})},
      {"num_experts_per_tok", with("olmoe", {{"num_experts_per_tok", 11}})},
      {"num_experts", without("olmoe", "num_experts")},
      {"intermediate_size", without("llama", "intermediate_size")},
      {"clip_qkv", with("olmoe", {{"clip_qkv", -1.0}})}};
  for (const auto& [key, config] : bad) {
    const auto error = error_of([&, &config = config] { parse(config); });
    ASSERT_TRUE(error) << key;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile) << error->what();
    EXPECT_THAT(error->what(), HasSubstr(key));
  }
}

TEST(ConfigTest, BiasThatTheFamilyCannotHaveIsNamed) {
  const auto error = error_of([] { parse(with("qwen2_moe", {{"attention_bias", true}})); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error->what(), HasSubstr("attention_bias"));
  EXPECT_FALSE(parse(with("qwen2_moe", {{"qkv_bias", false}})).qkv_bias);
}

TEST(ConfigTest, SlidingWindowThatIsOffPasses) {
  EXPECT_NO_THROW(parse(with("qwen2_moe", {{"sliding_window", 8}, {"use_sliding_window", false}})));
}

TEST(ConfigTest, EndOfSequenceIsANumberAListOrNothing) {
  const auto eos = [](const json& value) {
    return parse(with("olmoe", {{"eos_token_id", value}})).eos_token_ids;
  };
  EXPECT_THAT(eos(7), ElementsAre(7));
  EXPECT_THAT(eos({7, 9}), ElementsAre(7, 9));
  EXPECT_THAT(eos(nullptr), testing::IsEmpty());
}

TEST(ConfigTest, UnknownFamilyIsNamedWithThoseThatThereAre) {
  for (const json& config : {with("olmoe", {{"model_type", "gpt2"}})}) {
    const auto error = error_of([&] { parse(config); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error->what(), HasSubstr("gpt2"));
    for (const FamilySpec* family : families()) {
      EXPECT_THAT(error->what(), HasSubstr(std::string(family->model_type)));
    }
  }
}

TEST(ConfigTest, UserMayVouchForAnUnknownKey) {
  const json config = with("olmoe", {{"mystery_scale", 1.5}, {"other", "x"}});
  const auto error = error_of([&] { parse(config); });
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("EXPERTOIRE_IGNORE_CONFIG=mystery_scale"));
  setenv("EXPERTOIRE_IGNORE_CONFIG", "mystery_scale,other", 1);
  EXPECT_NO_THROW(parse(config));
  setenv("EXPERTOIRE_IGNORE_CONFIG", "mystery_scale", 1);
  EXPECT_TRUE(error_of([&] { parse(config); }));
  unsetenv("EXPERTOIRE_IGNORE_CONFIG");
}

TEST(ConfigTest, NoObjectIsABadFile) {
  const auto error = error_of([] { parse(json::array()); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kBadFile);
}

// Table 6 of the paper; the totals of its Table 8 and of papers by the same code.
TEST(MonetConfigTest, PublishedSizesHaveTheirParameters) {
  struct Size {
    int hidden, layers, heads, width;
    int64_t parameters;
  };
  for (const Size& size : {Size{1536, 24, 12, 12, 853501440}, Size{2048, 24, 16, 16, 1465157632},
                           Size{3072, 32, 24, 24, 4173401088}}) {
    for (const char* decompose : {"vertical", "horizontal"}) {
      const json config = {{"model_type", "monet"},
                           {"hidden_act", "relu2"},
                           {"vocab_size", 32000},
                           {"max_position_embeddings", 2048},
                           {"hidden_size", size.hidden},
                           {"num_hidden_layers", size.layers},
                           {"num_attention_heads", size.heads},
                           {"moe_decompose", decompose},
                           {"moe_dim", size.width},
                           {"moe_heads", size.heads / 2}};
      EXPECT_EQ(parse(config).parameters(), size.parameters);
      EXPECT_EQ(parse(config).num_experts, 262144);
    }
  }
}

TEST(PeerConfigTest, SizesThatAreMissingOrDoNotFitAreNamed) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, json>>{{"peer_keys", 5000},
                                                                            {"peer_keys", 0},
                                                                            {"peer_key_dim", 9},
                                                                            {"peer_heads", 0},
                                                                            {"peer_topk", 8}}) {
    for (const json& config : {with("peer", {{key, value}}), without("peer", key.c_str())}) {
      const auto error = error_of([&] { parse(config); });
      ASSERT_TRUE(error) << key;
      EXPECT_EQ(error->code(), ErrorCode::kBadFile);
      EXPECT_THAT(error->what(), HasSubstr(key));
    }
  }
}

TEST(MonetConfigTest, SizesThatDoNotFitAreNamed) {
  for (const auto& [key, value] : std::map<std::string, json>{{"moe_decompose", "diagonal"},
                                                              {"moe_topk", 71},
                                                              {"moe_dim", 5},
                                                              {"hidden_size", 21},
                                                              {"moe_experts", 5000},
                                                              {"moe_router_norm", "layer"}}) {
    const auto error = error_of([&, &key = key, &value = value] {
      parse(with("monet_vd", {{key, value}}));
    });
    ASSERT_TRUE(error) << key;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile);
    EXPECT_THAT(error->what(), HasSubstr(key));
  }
}

}  // namespace
}  // namespace expertoire::test
