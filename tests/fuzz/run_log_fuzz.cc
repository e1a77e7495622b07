// A training log: read, and drawn.
#include "fuzz.h"
#include "train/curves_page.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.write("log.jsonl", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    const train::RunLog log = train::read_run_log(path);
    const std::string svg = train::curves_svg({log, log});
    fuzz::require(svg.find("nan") == std::string::npos || log.name.find("nan") != std::string::npos,
                  "every place in a picture is a number");
  });
  return 0;
}
