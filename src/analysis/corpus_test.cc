#include "analysis/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using testing::ElementsAre;

std::vector<std::string> labels_of(const std::string& input) {
  CorpusOptions options;
  options.inputs = {input};
  Corpus corpus(options);
  std::vector<std::string> labels;
  while (const auto text = corpus.next()) labels.push_back(text->label);
  return labels;
}

TEST(CorpusTest, FilesThatTellOfAFolderHoldNoDocuments) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir.file("code/more"));
  dir.write("code/lua.jsonl", "{\"text\": \"print(1)\"}\n");
  dir.write("code/more/notice.txt", "a document of this name\n");
  for (const char* name : {"LICENSES.txt", "README.txt", ".hidden.txt", "more/LICENSE.txt"}) {
    dir.write(std::string("code/") + name, "All rights\n");
  }
  EXPECT_THAT(labels_of(dir.file("code")), ElementsAre("lua", "notice"));
  EXPECT_THAT(labels_of(dir.file("code/LICENSES.txt")), ElementsAre("LICENSES"));
}

TEST(CorpusTest, AFolderWithoutDocumentsIsRefused) {
  const test::TempDir dir;
  dir.write("LICENSE.txt", "All rights\n");
  EXPECT_EQ(test::error_of([&] { labels_of(dir.path()); })->code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
