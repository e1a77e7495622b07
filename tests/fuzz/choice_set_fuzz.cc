// Rows of multiple choice, read as every task reads them, and of lambada.
#include "eval/choice_set.h"

#include "eval/last_word.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("a.jsonl", fuzz::text_of(data, size));
  for (const ChoiceTask& task : choice_tasks()) {
    fuzz::may_refuse([&] {
      for (const ChoiceItem& item : ChoiceSet::read(path, task, {.skip_bad = true}).items) {
        fuzz::require(item.size() >= 2, "there is a choice");
        fuzz::require(item.answer >= 0 && static_cast<size_t>(item.answer) < item.size(),
                      "the answer is one of the choices");
        for (size_t c = 0; c < item.size(); ++c) {
          (void)item.context(c).size();
          fuzz::require(!item.continuation(c).empty(), "there is something to score");
          fuzz::require(item.lengths[c] > 0, "acc_norm divides by the length");
        }
      }
    });
  }
  fuzz::may_refuse([&] {
    for (const LastWord& one : LastWordSet::read(path, {.skip_bad = true}).items) {
      fuzz::require(!one.context.empty() && one.word.size() > 1, "a word after a context");
    }
  });
  return 0;
}
