// Data sets of the tasks that embed: every row that they name is one of the table's texts.
#include "eval/classification.h"
#include "eval/clustering.h"
#include "eval/pairs.h"
#include "eval/rerank.h"
#include "eval/sts.h"
#include "eval/summarization.h"
#include "fuzz.h"

namespace expertoire {
namespace {

void check_rows(const std::vector<size_t>& rows, const TextTable& texts) {
  for (const size_t row : rows) fuzz::require(row < texts.texts().size(), "rows are of the table");
}

void read_all(const std::string& path) {
  const RowOptions skip{.skip_bad = true};
  fuzz::may_refuse([&] {
    TextTable texts;
    const StsPairs set = StsPairs::read(path, {.label = "score", .skip_bad = true}, texts);
    fuzz::require(set.first.size() == set.gold.size(), "a score for each pair");
    check_rows(set.first, texts);
    check_rows(set.second, texts);
  });
  fuzz::may_refuse([&] {
    TextTable texts;
    LabelledPairs::read(path, {.label = "label", .skip_bad = true}, texts);
  });
  fuzz::may_refuse([&] {
    TextTable texts;
    RerankSet::read(path, skip, texts);
  });
  fuzz::may_refuse([&] {
    TextTable texts;
    for (const RatedSummaries& one : SummarySet::read(path, skip, texts).texts) {
      fuzz::require(one.machine.size() == one.ratings.size(), "a rating for each summary");
      check_rows(one.human, texts);
      check_rows(one.machine, texts);
    }
  });
  fuzz::may_refuse([&] {
    TextTable texts;
    for (const ClusterSplit& split : ClusteringSet::read(path, skip, {}, texts).splits) {
      fuzz::require(split.rows.size() == split.classes.size() && split.labels > 1, "labels differ");
      check_rows(split.rows, texts);
    }
  });
  fuzz::may_refuse([&] {
    TextTable texts;
    ClassificationSet::read("", path, {.label = "label", .skip_bad = true}, {}, texts);
  });
}

}  // namespace
}  // namespace expertoire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  read_all(folder.write("a.jsonl", fuzz::text_of(data, size)));
  return 0;
}
