// A list of data sets and tasks.
#include "eval/suite.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("suite.json", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    const Suite suite = read_suite(path, {"sts", "choice"});
    fuzz::require(!suite.runs.empty(), "a suite has runs");
    for (const SuiteRun& run : suite.runs) {
      fuzz::require(run.task == "sts" || run.task == "choice", "a run's task is known");
      fuzz::require(!run.data.empty(), "a run has data");
    }
  });
  return 0;
}
