// Rows of a data set, read as every task reads them, broken rows refused and skipped.
#include "eval/rows.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("a.jsonl", fuzz::text_of(data, size));
  for (const bool skip : {false, true}) {
    int64_t taken = 0;
    fuzz::may_refuse([&] {
      const RowCounts counts =
          read_rows(path, {.label = "label", .skip_bad = skip}, [&](const DataRow& row) {
            const std::string text = row.text("text");
            fuzz::require(first_invalid_utf8(text) == text.size(), "texts are UTF-8");
            if (row.has("score")) (void)row.number("score");
            if (row.has("label")) (void)row.label("label");
            if (row.has("sentences")) (void)row.texts("sentences");
            if (row.has("labels")) (void)row.labels("labels");
            if (row.has("relevance")) (void)row.numbers("relevance");
            ++taken;
          });
      fuzz::require(counts.used == taken && taken > 0, "rows are counted");
    });
  }
  return 0;
}
