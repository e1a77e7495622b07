// Results of evaluations, compared with themselves and shown.
#include "eval/compare.h"
#include "eval/report.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("a.jsonl", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    const std::vector<EvalResult> results = read_results(path);
    (void)report_page(results);
    for (const Comparison& one : compare_results(results, results, {.resamples = 3})) {
      fuzz::require(!one.verdict(), "a run is not better than itself");
      (void)one.to_json();
    }
  });
  return 0;
}
