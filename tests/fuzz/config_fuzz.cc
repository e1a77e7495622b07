#include <cmath>

#include "fuzz.h"
#include "io/json.h"
#include "model/config.h"
#include "model/rope.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  fuzz::may_refuse([&] {
    const ModelConfig config =
        parse_config(parse_json(fuzz::text_of(data, size), "config.json"), "config.json");
    fuzz::require(config.hidden_size > 0 && config.vocab_size > 0 && config.head_dim > 0 &&
                      config.num_hidden_layers > 0 && config.num_attention_heads > 0 &&
                      config.num_key_value_heads > 0,
                  "sizes are positive");
    fuzz::require(config.sparse.size() == static_cast<size_t>(config.num_hidden_layers),
                  "every layer is sparse or dense");
    fuzz::require(config.sparse_layers() == 0 || config.num_experts >= config.router.top_k,
                  "no more experts are chosen than there are");
    fuzz::require(config.parameters() > 0 && config.active_parameters() > 0,
                  "the parameters can be counted");
    if (config.head_dim > 1 << 16) return;
    for (const float frequency : rope_frequencies(config.rope, config.head_dim)) {
      fuzz::require(!std::isnan(frequency), "rope frequencies are numbers");
    }
  });
  return 0;
}
