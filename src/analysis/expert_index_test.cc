// From a corpus to an index and back: planted experts, a recount of everything, and every way in
// which a run may be cut.
#include "analysis/expert_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "analysis/index_writer.h"
#include "support/errors.h"
#include "support/planted.h"

namespace expertoire {
namespace {

using test::Miniature;
using test::planted_token;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// What the Error says that `action` throws; nothing when it throws none.
template <class Action>
std::string refusal(Action action) {
  const std::optional<Error> error = test::error_of(action);
  return error ? error->what() : "";
}

const std::vector<LabelledText> kTexts = {
    {"one", "letters", "abc aeiou"}, {"two", "letters", "zzz"},
    {"three", "lines", "a\nb\nc\n"}, {"four", "lines", "the quick brown fox jumps over the dog"},
    {"five", "letters", "e"},        {"six", "lines", "eeee eeee eeee eeee eeee eeee eeee"}};

struct Trial {
  explicit Trial(const Miniature& miniature) {
    write_planted(miniature, dir.file("model"));
    model = Model::load(dir.file("model"), {Compute::kF32, false, 1, {}});
    session = std::make_unique<Session>(model, SessionOptions{1, nullptr});
    tokenizer = std::make_unique<Tokenizer>(Tokenizer::load(dir.file("model")));
  }
  std::string path() const { return dir.file("x.db"); }
  IndexWriter writer(IndexOptions options = {}, bool resume = false) {
    options.window = std::min<int64_t>(options.window, 20);
    return {path(), *session, *tokenizer, options, facts, resume};
  }
  ExpertIndex index(const IndexOptions& options = {}) {
    IndexWriter made = writer(options);
    for (const LabelledText& text : kTexts) made.add(text);
    made.finish({});
    return ExpertIndex(path());
  }

  std::map<std::string, std::string> facts = {{"model", "planted"}};
  TempDir dir;
  std::shared_ptr<const Model> model;
  std::unique_ptr<Session> session;
  std::unique_ptr<Tokenizer> tokenizer;
};

// Occurrences of the letters in all texts of a label ("" = all).
int64_t occurrences(const std::string& letters, const std::string& label = "") {
  int64_t count = 0;
  for (const LabelledText& text : kTexts) {
    if (!label.empty() && text.label != label) continue;
    count += std::ranges::count_if(text.text,
                                   [&](char c) { return letters.find(c) != std::string::npos; });
  }
  return count;
}

TEST(ExpertIndexTest, PlantedExpertsAreFound) {
  Trial trial(test::planted_top_k());
  const ExpertIndex index = trial.index();
  EXPECT_THAT(index.info().labels, ElementsAre("letters", "lines"));
  EXPECT_THAT(index.info().label_documents, ElementsAre(3, 3));
  const std::optional<UnitRecord> vowels = index.find(index.units().parse("0:0"));
  ASSERT_TRUE(vowels);
  EXPECT_EQ(vowels->count, occurrences("aeiou"));
  EXPECT_NEAR(vowels->mass, 0.85 * static_cast<double>(vowels->count), 0.1);
  EXPECT_EQ(vowels->labels[0].count, occurrences("aeiou", "letters"));
  EXPECT_EQ(vowels->labels[0].documents, 2U);
  EXPECT_EQ(vowels->tokens[0].token, planted_token('e'));
  EXPECT_EQ(vowels->tokens[0].count, occurrences("e"));
  EXPECT_THAT(vowels->tokens, SizeIs(5));
  // Two contexts of a document at most, the first ones where scores are equal.
  EXPECT_EQ(vowels->contexts.size(), 2U + 1U + 2U + 1U + 2U);
  for (const Context& context : vowels->contexts) {
    const IndexedDocument document = index.document(context.document);
    const std::string piece = document.pieces[static_cast<size_t>(context.position)];
    EXPECT_NE(std::string("aeiou").find(piece), std::string::npos) << piece;
  }
  EXPECT_EQ(vowels->positions[0], 5U);  // of "abc…", "a\n…", "e" and two windows of "eeee…"
}

TEST(ExpertIndexTest, PlantedJointExpertsAndKeysAreFound) {
  Trial trial(test::planted_monet());
  const ExpertIndex index = trial.index();
  for (int layer : {0, 1}) {
    for (const char letter : std::string("aeiouz")) {
      const int token = planted_token(letter);
      const int left = test::planted_class(layer, token);
      const int right = test::planted_class(1 - layer, token);
      const Unit unit{layer, UnitKind::kExpert, left * 4 + right};
      const std::optional<UnitRecord> record = index.find(unit);
      ASSERT_TRUE(record) << index.units().name(unit);
      const auto use = std::ranges::find(record->tokens, token, &TokenUse::token);
      ASSERT_NE(use, record->tokens.end());
      EXPECT_EQ(use->count, occurrences(std::string(1, letter)));
    }
  }
  const std::optional<UnitRecord> vowels = index.find(index.units().parse("0:left:0"));
  ASSERT_TRUE(vowels);
  EXPECT_EQ(vowels->count, occurrences("aeiou"));
  EXPECT_EQ(index.find(index.units().parse("1:right:0"))->count, occurrences("aeiou"));
  EXPECT_EQ(index.info().layer_dropped[0], 0);
}

// Everything that an index holds, counted anew from the routing itself, plainly.
class Recount final : public RoutingSink {
 public:
  Recount(const UnitTable& units, const Tokenizer& tokenizer, const IndexOptions& options)
      : units_(units), tokenizer_(tokenizer), options_(options) {}

  void read(Session& session, const std::string& text, int32_t document, int label) {
    const std::vector<int32_t> ids = tokenizer_.encode(text);
    document_ = document;
    label_ = label;
    for (size_t begin = 0; begin < ids.size(); begin += 20) {
      window_.assign(ids.begin() + static_cast<int64_t>(begin),
                     ids.begin() + static_cast<int64_t>(std::min(begin + 20, ids.size())));
      begin_ = static_cast<int32_t>(begin);
      const std::span<const int32_t> window = window_;
      session.forward_once({&window, 1}, this);
    }
  }

  void on_routing(const RoutingEvent& event) override {
    for (size_t t = 0; t < window_.size(); ++t) {
      if (const TopKRouting* routing = event.top_k()) {
        std::map<int32_t, float> weights;  // heads of PEER may choose the same
        for (int i = 0; i < routing->top_k; ++i) {
          const size_t at = t * static_cast<size_t>(routing->top_k) + static_cast<size_t>(i);
          weights[routing->selected[at]] += routing->weights[at];
        }
        for (const auto& [expert, weight] : weights) {
          use({event.layer, UnitKind::kExpert, expert}, weight, t);
        }
      }
      const FactoredRouting* routing = event.factored();
      if (routing == nullptr) continue;
      const auto token = static_cast<int64_t>(t);
      for (const JointExpert& joint :
           routing->joint(token, static_cast<float>(options_.threshold))) {
        use({event.layer, UnitKind::kExpert, joint.id}, joint.score, t);
      }
      for (int side : {0, 1}) {
        const float* scores = routing->scores(side, token);
        for (int32_t key : routing->kept(side, token)) {
          float score = 0;
          for (int h = 0; h < routing->heads; ++h) score += *scores++;
          use({event.layer, side == 0 ? UnitKind::kLeft : UnitKind::kRight, key}, score, t);
        }
      }
    }
  }

  std::map<int64_t, UnitRecord> records() {
    for (auto& [number, record] : records_) {
      for (const auto& [label, masses] : documents_[number]) {
        record.labels[static_cast<size_t>(label)].documents = static_cast<uint32_t>(masses.size());
      }
      std::ranges::sort(record.tokens, {},
                        [](const TokenUse& use) { return std::pair(-use.mass, use.token); });
      std::vector<Context>& all = record.contexts;
      std::ranges::sort(
          all, {}, [](const Context& c) { return std::tuple(-c.score, c.document, c.position); });
      std::map<int32_t, int> of_document;
      std::erase_if(all, [&](const Context& c) {
        return ++of_document[c.document] > options_.contexts_per_document;
      });
      if (all.size() > static_cast<size_t>(options_.contexts)) {
        all.resize(static_cast<size_t>(options_.contexts));
      }
    }
    return records_;
  }

 private:
  void use(const Unit& unit, float score, size_t t) {
    const int64_t number = units_.number(unit);
    UnitRecord& record = records_[number];
    record.unit = unit;
    record.labels.resize(2);
    ++record.count;
    record.mass += score;
    record.max = std::max(record.max, score);
    const auto top = static_cast<float>(units_.layer(unit.layer).heads);
    ++record.histogram[static_cast<size_t>(
        std::min(kHistogramBins - 1, static_cast<int>(score / top * kHistogramBins)))];
    ++record.positions[static_cast<size_t>(position_bin(static_cast<int>(t)))];
    record.labels[static_cast<size_t>(label_)].mass += score;
    ++record.labels[static_cast<size_t>(label_)].count;
    documents_[number][label_].insert(document_);
    const auto known = std::ranges::find(record.tokens, window_[t], &TokenUse::token);
    TokenUse& token =
        known != record.tokens.end() ? *known : record.tokens.emplace_back(TokenUse{window_[t]});
    ++token.count;
    token.mass += score;
    record.contexts.push_back({document_, begin_ + static_cast<int32_t>(t), score});
  }

  const UnitTable& units_;
  const Tokenizer& tokenizer_;
  IndexOptions options_;
  int32_t document_ = 0, begin_ = 0;
  int label_ = 0;
  std::vector<int32_t> window_;
  std::map<int64_t, UnitRecord> records_;
  std::map<int64_t, std::map<int, std::set<int32_t>>> documents_;
};

class RecountTest : public testing::TestWithParam<const char*> {};

TEST_P(RecountTest, EveryNumberOfTheIndex) {
  Trial trial(Miniature::random(GetParam()));
  IndexOptions options;
  options.contexts = 5;
  options.tokens_per_unit = 29;  // room for all: exact
  options.support = 0;
  const ExpertIndex index = trial.index(options);
  Recount recount(index.units(), *trial.tokenizer, options);
  for (size_t i = 0; i < kTexts.size(); ++i) {
    recount.read(*trial.session, kTexts[i].text, static_cast<int32_t>(i),
                 kTexts[i].label == "letters" ? 0 : 1);
  }
  std::map<int64_t, UnitRecord> expected = recount.records();
  ASSERT_GT(expected.size(), 8U);
  std::map<int64_t, double> masses;
  index.for_each([&](const UnitRecord& record) {
    const int64_t number = index.units().number(record.unit);
    EXPECT_EQ(record, expected[number]) << index.units().name(record.unit);
    masses[number] = record.mass;
    expected.erase(number);
  });
  EXPECT_THAT(expected, IsEmpty());
  std::map<int64_t, double> by_document;
  index.for_each_document(
      [&](int32_t, int, int64_t, std::span<const int32_t> units, std::span<const float> of_units) {
        EXPECT_TRUE(std::ranges::is_sorted(units));
        for (size_t i = 0; i < units.size(); ++i) by_document[units[i]] += of_units[i];
      });
  ASSERT_EQ(by_document.size(), masses.size());
  for (const auto& [number, mass] : masses) EXPECT_NEAR(by_document[number], mass, 1e-5 * mass);
}

INSTANTIATE_TEST_SUITE_P(Models, RecountTest,
                         testing::Values("olmoe", "monet_hd", "monet_vd", "peer"));

// All rows of all tables that tell something, apart from when it was made.
std::vector<std::string> dump(const std::string& path) {
  const Database database(path, Database::Mode::kRead);
  std::vector<std::string> rows;
  for (const char* query :
       {"SELECT key || value FROM meta",
        "SELECT id || name || documents || '/' || tokens FROM labels",
        "SELECT layer || '/' || mass || '/' || dropped FROM layers",
        "SELECT id || name || label || text || hex(ids) || hex(pieces) || hex(units) || hex(masses)"
        " FROM documents",
        "SELECT id || '/' || count || '/' || mass || '/' || max || hex(histogram) || hex(positions)"
        " || hex(labels) || hex(tokens) || hex(contexts) FROM units",
        "SELECT layer || kind || hex(counts) FROM together",
        "SELECT id || '/' || document || '/' || begin || '/' || end FROM passages"}) {
    Statement statement = database.prepare(query);
    while (statement.step()) rows.push_back(statement.text(0));
  }
  return rows;
}

TEST(ExpertIndexTest, NeitherBatchesNorCheckpointsNorAStopChangeIt) {
  Trial trial(Miniature::random("monet_vd"));
  IndexOptions options;
  options.contexts = 3;
  options.tokens_per_unit = 2;
  trial.index(options);
  const std::vector<std::string> expected = dump(trial.path());
  ASSERT_GT(expected.size(), 50U);
  for (size_t stop = 0; stop < kTexts.size(); ++stop) {
    options.batch_tokens = stop % 2 == 0 ? 1 : 1000;
    options.checkpoint_seconds = stop % 3 == 0 ? 1000 : 0;
    options.pending_tokens = stop % 2 == 0 ? 1 : 30;
    {
      IndexWriter writer = trial.writer(options);
      for (size_t i = 0; i < stop; ++i) writer.add(kTexts[i]);
    }  // without finish: what a killed process leaves
    IndexWriter writer = trial.writer(options, true);
    EXPECT_LE(writer.documents(), static_cast<int64_t>(stop));
    for (size_t i = static_cast<size_t>(writer.documents()); i < kTexts.size(); ++i) {
      writer.add(kTexts[i]);
    }
    writer.finish({});
    EXPECT_EQ(dump(trial.path()), expected) << stop;
    EXPECT_FALSE(std::filesystem::exists(trial.path() + ".part"));
  }
}

TEST(ExpertIndexTest, ExpertsUsedTogether) {
  Trial trial(Miniature::random("olmoe"));
  const ExpertIndex index = trial.index();
  const std::vector<uint32_t> together = index.together(0, UnitKind::kExpert);
  const auto experts = static_cast<size_t>(index.units().layer(0).experts);
  const auto top_k = static_cast<uint32_t>(index.units().layer(0).top_k);
  ASSERT_EQ(together.size(), experts * experts);
  for (size_t i = 0; i < experts; ++i) {
    uint32_t sum = 0;
    for (size_t j = 0; j < experts; ++j) {
      EXPECT_EQ(together[i * experts + j], together[j * experts + i]);
      sum += together[i * experts + j];
    }
    EXPECT_EQ(sum, top_k * together[i * experts + i]);  // each token that used i used k
  }
}

TEST(ExpertIndexTest, PassagesAreFoundByTheirWords) {
  Trial trial(test::planted_top_k());
  const ExpertIndex index = trial.index();
  const auto documents = [&](const std::string& query) {
    std::vector<int32_t> found;
    for (const PassageHit& hit : index.search(query, 10)) found.push_back(hit.document);
    return found;
  };
  EXPECT_THAT(documents("fox QUICK"), ElementsAre(3));
  EXPECT_THAT(documents("\"brown fox\""), ElementsAre(3));
  EXPECT_THAT(documents("\"fox brown\""), IsEmpty());
  EXPECT_THAT(documents("zz*"), ElementsAre(1));
  EXPECT_THAT(documents("fox AND (NEAR dog"), IsEmpty());  // words, not FTS5's language
  EXPECT_THAT(refusal([&] { index.search(" * \"", 10); }), HasSubstr("a word or more"));
}

// A run under an edit, or of what the model writes, has facts that others have not.
TEST(ExpertIndexTest, ResumesOnlyWithTheFactsOfTheFirstRunAndAllOfThem) {
  for (const bool dropped : {true, false}) {
    Trial trial(test::planted_top_k());
    if (dropped) trial.facts["edit_hash"] = "12";
    { IndexWriter begun = trial.writer(); }
    if (dropped) {
      trial.facts.erase("edit_hash");
    } else {
      trial.facts["edit_hash"] = "12";
    }
    EXPECT_THAT(refusal([&] { trial.writer({}, true); }),
                HasSubstr(dropped ? "edit_hash was 12" : "edit_hash was not said"));
  }
}

TEST(ExpertIndexTest, GoesOnWithAPartThatOnlyLacksItsName) {
  Trial trial(test::planted_top_k());
  trial.index();  // no .part is left
  std::filesystem::rename(trial.path(), trial.path() + ".part");
  trial.writer({}, true).finish({{"command", "again"}});
  EXPECT_EQ(ExpertIndex(trial.path()).info().documents, static_cast<int64_t>(kTexts.size()));
}

TEST(ExpertIndexTest, WhatItRefuses) {
  Trial trial(test::planted_top_k());
  { IndexWriter unfinished = trial.writer(); }
  EXPECT_THAT(refusal([&] { trial.writer(); }), HasSubstr("--resume"));
  EXPECT_THAT(refusal([&] { ExpertIndex(trial.path() + ".part"); }), HasSubstr("not finished"));
  IndexOptions other;
  other.contexts = 7;
  EXPECT_THAT(refusal([&] { trial.writer(other, true); }), HasSubstr("options was threshold"));
  EXPECT_THAT(refusal([&] { trial.writer({}, true).finish({}); }), HasSubstr("without a document"));
  other.contexts = 0;
  EXPECT_THAT(refusal([&] { trial.writer(other, true); }), HasSubstr("1 to 1000"));
  EXPECT_THAT(refusal([&] { ExpertIndex(trial.dir.file("none.db")); }), HasSubstr("no such file"));
  trial.dir.write("text.db", "no database, but long enough to have a header of one, if it were");
  EXPECT_THAT(refusal([&] { ExpertIndex(trial.dir.file("text.db")); }),
              HasSubstr("not a database"));
  { const Database empty(trial.dir.file("empty.db"), Database::Mode::kCreate); }
  EXPECT_THAT(refusal([&] { ExpertIndex(trial.dir.file("empty.db")); }),
              HasSubstr("another kind of SQLite file"));
  std::filesystem::remove(trial.path() + ".part");
  const ExpertIndex index = trial.index();
  check_same_model(index, *trial.model);
  EXPECT_THAT(refusal([&] { check_same_model(index, *test::planted_monet().load()); }),
              HasSubstr("the one that the index was made with (planted)"));
}

TEST(UnitTableTest, NamesAndNumbers) {
  const UnitTable units({{0, 4, 2, 1, 1}, {2, 3, 0, 1, 2}});
  EXPECT_EQ(units.size(), 4 + 2 + 2 + 3);
  std::vector<std::string> names;
  for (int64_t number = 0; number < units.size(); ++number) {
    const Unit unit = units.unit(number);
    EXPECT_EQ(units.number(unit), number);
    names.push_back(units.name(unit));
    EXPECT_EQ(units.parse(names.back()), unit);
  }
  EXPECT_THAT(names, ElementsAre("0:0,0", "0:0,1", "0:1,0", "0:1,1", "0:left:0", "0:left:1",
                                 "0:right:0", "0:right:1", "2:0", "2:1", "2:2"));
  for (const char* wrong :
       {"", "0", ":", "0:", "0:1", "0:0,2", "0:2,0", "0:0,0,0", "0:left:2", "0:up:1", "2:3", "2:-1",
        "2:0,1", "2:left:0", "1:0", "x:0", "2:0 ", "99999999999:0"}) {
    EXPECT_THAT(refusal([&] { (void)units.parse(wrong); }), testing::Not(IsEmpty())) << wrong;
  }
}

}  // namespace
}  // namespace expertoire
