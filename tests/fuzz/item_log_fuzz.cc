// The log of an interrupted evaluation: refused untouched, or gone on with after its last whole
// line; and what its lines say of items.
#include "eval/item_log.h"

#include "eval/logged_items.h"
#include "eval/measure_log.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  const std::string path = folder.path() + "/log";
  folder.write("log.partial", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    size_t lines = 0;
    {
      ItemLog log(path, "print", true);
      lines = log.lines().size();
      log.append({{"item", 0}});
    }
    const ItemLog again(path, "print", true);
    fuzz::require(again.lines().size() == lines + 1, "lines outlive the process");
  });
  folder.write("log.partial", fuzz::text_of(data, size));
  fuzz::may_refuse([&] {
    const ItemLog log(path, "print", true);
    for (const auto& item : logged_items(log, "model", "d")) (void)item.size();
  });
  fuzz::may_refuse([&] {
    MeasureLog log(path, "print", true);
    if (const nlohmann::json* known = log.find("model", "d", 0)) (void)known->dump();
  });
  return 0;
}
