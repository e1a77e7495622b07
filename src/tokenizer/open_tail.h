// How much of a decoded text may still change when more tokens follow it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace expertoire {

enum class OpenTail : uint8_t {
  kCharacter,  ///< a last U+FFFD at most
  kByteRun,    ///< that, and the text of the byte tokens ("<0xAB>") at its end
  kAll         ///< anything
};

/// Of the decoder of a tokenizer.json, which make_token_decoder() took (null for none). kAll where
/// nothing less is known to hold.
OpenTail open_tail(const nlohmann::json& decoder);

}  // namespace expertoire
