#include "analysis/study_corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/planted_index.h"
#include "support/shared.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using test::PlantedIndex;
using testing::HasSubstr;

// Texts of three labels; number 1 of every 5 is held out.
class StudyCorpusTest : public testing::Test {
 protected:
  StudyCorpusTest() {
    for (const char* label : {"algebra", "law", "fiction"}) {
      std::string lines;
      for (int i = 0; i < 50; ++i) lines += row(label, i);
      dir_.write(std::string("texts/") + label + ".jsonl", lines);
    }
    domains_.names = {"algebra", "law"};
  }

  static std::string text(const std::string& label, int i) {
    return "Number " + std::to_string(i) + " of the texts about " + label +
           ", which says that every one of them has a beginning of its own, and goes on until it "
           "has more than thirty-two tokens. Ends with ü.";
  }
  static std::string row(const std::string& label, int i) {
    return "{\"text\": \"" + text(label, i) + "\"}\n";
  }

  StudyCorpus read(const StudyCorpusOptions& options, const ExpertIndex* index = nullptr,
                   CorpusPart part = CorpusPart::kHeldOut) {
    Corpus corpus(
        {.inputs = {dir_.file("texts")}, .hold_out = {.every = 5, .index = 1}, .part = part});
    const auto groups = DomainGroups::of_labels({"algebra", "law", "fiction"});
    std::vector<const ExpertIndex*> indexes;
    if (index != nullptr) indexes.push_back(index);
    return read_study_corpus(corpus, groups, domains_, tokenizer_, indexes, options);
  }
  // An index that read these texts up to `most` tokens.
  ExpertIndex indexed(const std::vector<std::string>& texts, size_t most) {
    PlantedIndex planted{.layers = {{0, 4, 0, 1, 1}}, .labels = {"algebra"}};
    for (const std::string& one : texts) {
      std::vector<int32_t> ids = tokenizer_.encode(one);
      ids.resize(std::min(ids.size(), most));
      planted.documents.push_back({.tokens = static_cast<int64_t>(ids.size()), .ids = ids});
    }
    planted.write(dir_.file("x.db"));
    return ExpertIndex(dir_.file("x.db"));
  }

  test::TempDir dir_;
  IndexedDomains domains_;
  Tokenizer tokenizer_ = Tokenizer::load(EXPERTOIRE_SOURCE_DIR "/models/monet-small");
};

TEST_F(StudyCorpusTest, HeldOutDocumentsOfTheDomains) {
  const StudyCorpus study = read({});
  ASSERT_EQ(study.documents.size(), 20U);
  EXPECT_EQ(study.documents[0].name, "algebra.jsonl line 2");
  EXPECT_EQ(study.documents[10].domain, 1);
  EXPECT_EQ(study.documents[0].ids, tokenizer_.encode(text("algebra", 1)));
  // The tokenizer adds a token in front, which has no bytes; or it begins with the text's own.
  const std::string first = StreamDecoder(tokenizer_).push(study.documents[0].ids[0]);
  EXPECT_EQ(study.documents[0].scored_bytes,
            static_cast<int64_t>(text("algebra", 1).size() - first.size()));
}

TEST_F(StudyCorpusTest, DocumentsAreCutAndDrawn) {
  const StudyCorpus all = read({.max_tokens = 7});
  const StudyCorpus some = read({.max_tokens = 7, .documents = 4, .seed = 3});
  ASSERT_EQ(some.documents.size(), 8U);
  EXPECT_EQ(some.documents[0].ids.size(), 7U);
  EXPECT_LT(some.documents[0].scored_bytes, 60);
  const auto names = [](const StudyCorpus& study) {
    std::vector<std::string> list;
    for (const StudyDocument& document : study.documents) list.push_back(document.name);
    return list;
  };
  const auto in_order = names(all);
  for (const std::string& name : names(some)) {
    EXPECT_THAT(in_order, testing::Contains(name));
  }
  EXPECT_EQ(names(some), names(read({.max_tokens = 7, .documents = 4, .seed = 3})));
  EXPECT_NE(names(some), names(read({.max_tokens = 7, .documents = 4, .seed = 4})));
}

TEST_F(StudyCorpusTest, WhatAnIndexReadIsLeftOut) {
  for (const size_t most : {35U, 1000U}) {
    const ExpertIndex index = indexed({text("algebra", 1), text("law", 6), text("law", 7)}, most);
    const StudyCorpus study = read({}, &index);
    EXPECT_EQ(study.in_index, 2) << most;
    EXPECT_EQ(study.documents.size(), 18U);
    EXPECT_EQ(study.documents[0].name, "algebra.jsonl line 7");
    std::filesystem::remove(dir_.file("x.db"));
  }
}

// Texts of one beginning that are not the same.
TEST_F(StudyCorpusTest, ALikeBeginningIsNotTheSameText) {
  const ExpertIndex index =
      indexed({text("algebra", 1) + " More.", text("algebra", 1).substr(0, 9)}, 1000);
  EXPECT_EQ(read({}, &index).in_index, 1);  // the whole text begins the longer one
  std::filesystem::remove(dir_.file("x.db"));
  std::string other = text("algebra", 1);
  other.replace(other.find("thirty-two"), 10, "seventeen");
  const ExpertIndex changed = indexed({other}, 1000);
  EXPECT_EQ(read({}, &changed).in_index, 0);
}

TEST_F(StudyCorpusTest, NothingLeftIsAnError) {
  std::vector<std::string> texts;
  for (int i = 0; i < 50; ++i) {
    texts.push_back(text("algebra", i));
    texts.push_back(text("law", i));
  }
  const ExpertIndex index = indexed(texts, 1000);
  const auto error = error_of([&] { read({}, &index, CorpusPart::kTrain); });
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("80"));
  EXPECT_EQ(error_of([&] { read({.max_tokens = 1}); })->code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
