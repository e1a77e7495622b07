// Every file in tests/fixtures/broken is refused with one sentence that helps
// (scripts/make_broken_fixtures.py writes them and expected.json).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "base/utf8.h"
#include "embed/calibration.h"
#include "engine/generation_config.h"
#include "io/checkpoint.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/text_source.h"
#include "io/token_ids.h"
#include "model/model.h"
#include "routing/edit.h"
#include "support/errors.h"
#include "support/shared.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

std::string broken_folder() { return fixture_folder() + "/broken"; }

const json& expected_errors() {
  static const json table = read_json_file(broken_folder() + "/expected.json");
  return table;
}

// Some faults show only at work: the text has long runs, the ids are all that there are.
void use_tokenizer(const std::string& path) {
  const Tokenizer tokenizer = Tokenizer::load(path);
  const std::vector<int32_t> ids = tokenizer.encode(std::string(400, 'a') + " b");
  std::vector<int32_t> many;
  for (int i = 0; i < 400; ++i) many.push_back(tokenizer.encode("a", false).at(0));
  (void)tokenizer.decode(many);
}

void read_texts(const std::string& path) {
  TextSource texts(path, "text");
  while (texts.next()) {
  }
}

using Reader = std::function<void(const std::string& path)>;

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> all = {
      {"safetensors", [](const std::string& path) { SafetensorsFile::open(path); }},
      {"index", [](const std::string& path) { Checkpoint::open(path); }},
      {"model", [](const std::string& path) { Model::load(path, {.threads = 2}); }},
      {"calibration", [](const std::string& path) { Calibration::load(path); }},
      {"config", [](const std::string& path) { parse_config(read_json_file(path), path); }},
      {"generation_config", [](const std::string& path) { read_stop_ids(path); }},
      {"tokenizer", use_tokenizer},
      {"edit", [](const std::string& path) { RoutingEdit::load(path); }},
      {"ids", [](const std::string& path) { read_ids(path); }},
      {"jsonl", read_texts},
      {"npy", [](const std::string& path) { read_npy(path); }}};
  return all;
}

std::vector<std::string> cases_of(const json& table) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : table.items()) names.push_back(name);
  return names;
}

TEST(BrokenFilesTest, TheListAndTheFolderAreTheSame) {
  std::set<std::string> there;
  for (const auto& reader : fs::directory_iterator(broken_folder())) {
    if (!reader.is_directory()) continue;
    const std::string folder = reader.path().filename().string();
    EXPECT_TRUE(readers().contains(folder)) << folder << " has no reader";
    for (const auto& entry : fs::directory_iterator(reader)) {
      there.insert(folder + "/" + entry.path().filename().string());
    }
  }
  const std::vector<std::string> listed = cases_of(expected_errors());
  EXPECT_EQ(there, std::set<std::string>(listed.begin(), listed.end()));
  EXPECT_GE(listed.size(), 40u);
}

void check_refusal(const std::string& name, const Reader& read) {
  const std::string path = broken_folder() + "/" + name;
  const json& expected = expected_errors()[name];
  const auto error = test::error_of([&] { read(path); });
  ASSERT_TRUE(error) << "was read: " << expected["what"];
  const std::string sentence = error->what();
  const Error::Parts& parts = error->parts();
  SCOPED_TRACE(sentence);
  EXPECT_EQ(error_code_name(error->code()), expected["code"]);
  EXPECT_THAT(parts.found, HasSubstr(expected["found"].get<std::string>()));
  EXPECT_THAT(parts.expected, HasSubstr(expected["expected"].get<std::string>()));
  EXPECT_THAT(parts.operation, HasSubstr(expected.value("operation", "")));
  EXPECT_FALSE(parts.operation.empty());
  EXPECT_FALSE(parts.found.empty());
  EXPECT_FALSE(parts.expected.empty());
  EXPECT_FALSE(parts.advice.empty()) << "says nothing about what to do";
  EXPECT_THAT(sentence, HasSubstr(path)) << "does not name the file";
  EXPECT_EQ(sentence.find_first_of("\n\r"), std::string::npos) << "has several lines";
  EXPECT_EQ(first_invalid_utf8(sentence), sentence.size()) << "is not UTF-8";
  EXPECT_LT(sentence.size(), path.size() + 500) << "is too long to read";
}

class BrokenFilesOf : public ::testing::TestWithParam<std::string> {};

TEST_P(BrokenFilesOf, AreRefusedInOneSentence) {
  int count = 0;
  for (const std::string& name : cases_of(expected_errors())) {
    if (!name.starts_with(GetParam() + "/")) continue;
    SCOPED_TRACE(name);
    check_refusal(name, readers().at(GetParam()));
    ++count;
  }
  EXPECT_GT(count, 0);
}

std::vector<std::string> reader_names() {
  std::vector<std::string> names;
  for (const auto& [name, unused] : readers()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Readers, BrokenFilesOf, ::testing::ValuesIn(reader_names()),
                         [](const auto& reader) { return reader.param; });

}  // namespace
}  // namespace expertoire
