#include "fuzz.h"
#include "io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  fuzz::may_refuse([&] {
    const nlohmann::json value = parse_json(fuzz::text_of(data, size), "input", {.max_depth = 16});
    fuzz::require(parse_json(value.dump(), "output") == value, "what is written reads back");
    const std::string shown = in_short(value);
    fuzz::require(shown.size() < 400, "a value is shown in short");
  });
  return 0;
}
