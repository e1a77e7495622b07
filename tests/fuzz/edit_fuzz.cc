#include "fuzz.h"
#include "routing/edit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  fuzz::may_refuse([&] {
    const RoutingEdit edit = RoutingEdit::parse(fuzz::text_of(data, size), "edit.json");
    const std::string text = edit.to_json();
    fuzz::require(RoutingEdit::parse(text, "edit.json").to_json() == text,
                  "what is written reads back");
    const auto compiled =
        edit.compile({"olmoe", 3, 4}, {{4, 2, true}, {0, 0, false}, {4, 2, false}});
    for (const auto& [layer, layer_edit] : compiled) {
      fuzz::require(layer == 0 || layer == 2, "only layers with experts are edited");
      for (const auto* flags : {&layer_edit.rerouted, &layer_edit.forced}) {
        fuzz::require(flags->empty() || flags->size() == 4, "a flag for each expert");
      }
    }
  });
  return 0;
}
