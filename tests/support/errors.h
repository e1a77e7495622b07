// Looking at errors in tests.
#pragma once

#include <optional>

#include "base/error.h"

namespace expertoire::test {

/// The Error that `action` throws; nothing when it throws none.
template <typename Action>
std::optional<Error> error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace expertoire::test
