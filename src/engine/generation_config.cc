#include "engine/generation_config.h"

#include "io/json.h"
#include "io/refuse.h"
#include "io/token_ids.h"

namespace expertoire {

std::vector<int32_t> read_stop_ids(const std::string& path) {
  const nlohmann::json config = read_json_file(path);
  if (!config.is_object()) {
    bad_file(path, in_short(config) + ", no object", "an object with defaults of generation");
  }
  const nlohmann::json eos = config.value("eos_token_id", nlohmann::json());
  const auto ids = token_ids(eos);
  if (!ids) {
    bad_file(path, "\"eos_token_id\" is " + in_short(eos), "a token id, a list of them, or null");
  }
  return *ids;
}

}  // namespace expertoire
