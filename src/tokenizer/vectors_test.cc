// Real tokenizers against the ids and texts of the reference library.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/json.h"
#include "support/shared.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {
namespace {

using nlohmann::json;

std::string gunzip(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
      popen(("gzip -dc '" + path + "'").c_str(), "r"), &pclose);
  std::string text;
  std::array<char, 65536> buffer;
  while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    text.append(buffer.data(), count);
  }
  return text;
}

std::string tokenizers() { return shared_folder() + "/data/tokenizers/"; }

class VectorsTest : public testing::TestWithParam<const char*> {
 protected:
  Tokenizer load() {
    return Tokenizer::from_json(gunzip(tokenizers() + GetParam() + "/tokenizer.json.gz"));
  }
};

TEST_P(VectorsTest, HardCasesMatchIdsAndText) {
  EXPERTOIRE_NEEDS_SHARED("data/tokenizers/vectors/hard_cases.jsonl");
  const Tokenizer tokenizer = load();
  std::ifstream file(tokenizers() + "vectors/hard_cases.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const json row = json::parse(line);
    const std::string text = row["text"].get<std::string>();
    const json& want = row[GetParam()];
    const auto ids = want["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(tokenizer.encode(text, false), ids) << text;
    EXPECT_EQ(tokenizer.encode(text, true), want.value("ids_special", ids)) << text;
    const std::string decoded = want.value("decoded", text);
    EXPECT_EQ(tokenizer.decode(ids), decoded) << text;
    EXPECT_EQ(tokenizer.decode(ids, true), want.value("decoded_skip", decoded)) << text;
    StreamDecoder stream(tokenizer, false);
    std::string streamed;
    for (int32_t id : ids) streamed += stream.push(id);
    EXPECT_EQ(streamed + stream.finish(), decoded) << text;
  }
  EXPECT_EQ(cases, 320);
}

TEST_P(VectorsTest, AMegabyteWithoutSpacesEncodesAndDecodes) {
  EXPERTOIRE_NEEDS_SHARED("data/tokenizers");
  const Tokenizer tokenizer = load();
  std::string text;
  for (uint32_t i = 0; text.size() < (1U << 20); ++i) {
    text += static_cast<char>('a' + i * 2654435761U % 26);
  }
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false)), text);
}

INSTANTIATE_TEST_SUITE_P(Real, VectorsTest,
                         testing::Values("olmo", "gpt-neox-20b", "qwen1.5", "deepseek-llm",
                                         "llama2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

struct GgmlCase {
  const char* file;
  const char* tokenizer;
};

class GgmlTest : public testing::TestWithParam<GgmlCase> {};

TEST_P(GgmlTest, VectorsMatch) {
  EXPERTOIRE_NEEDS_SHARED("data/tokenizers/vectors");
  const Tokenizer tokenizer =
      Tokenizer::from_json(gunzip(tokenizers() + GetParam().tokenizer + "/tokenizer.json.gz"));
  const std::string base = tokenizers() + "vectors/ggml-vocab-" + GetParam().file + ".gguf";
  std::string inputs = read_text_file(base + ".inp");
  std::istringstream outputs(read_text_file(base + ".out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  int cases = 0;
  for (std::string line; std::getline(outputs, line); ++cases) {
    const size_t end = inputs.find(separator);
    const std::string text = inputs.substr(0, end);
    inputs.erase(0, end == std::string::npos ? inputs.size() : end + separator.size());
    std::vector<int32_t> ids;
    std::istringstream numbers(line);
    for (int32_t id; numbers >> id;) ids.push_back(id);
    EXPECT_EQ(tokenizer.encode(text, false), ids) << text;
  }
  EXPECT_GE(cases, 46);
}

INSTANTIATE_TEST_SUITE_P(Real, GgmlTest,
                         testing::Values(GgmlCase{"deepseek-llm", "deepseek-llm"},
                                         GgmlCase{"llama-spm", "llama2"},
                                         GgmlCase{"qwen2", "qwen1.5"}),
                         [](const auto& info) { return std::to_string(info.index); });

class MoeePromptsTest : public testing::TestWithParam<const char*> {};

TEST_P(MoeePromptsTest, IdsWithSpecialTokensMatch) {
  const std::string folder = std::string("goldens/") + GetParam();
  EXPERTOIRE_NEEDS_SHARED(folder);
  const Tokenizer tokenizer = Tokenizer::load(shared_folder() + "/" + folder);
  std::ifstream file(shared_folder() + "/" + folder + "/prompts.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const json row = json::parse(line);
    EXPECT_EQ(tokenizer.encode(row["prompt"].get<std::string>()),
              row["ids"].get<std::vector<int32_t>>())
        << row["prompt"];
  }
  EXPECT_EQ(cases, 48);
}

INSTANTIATE_TEST_SUITE_P(Goldens, MoeePromptsTest,
                         testing::Values("moee-olmoe", "moee-qwen2moe", "moee-deepseek"),
                         [](const auto& info) { return std::to_string(info.index); });

}  // namespace
}  // namespace expertoire
