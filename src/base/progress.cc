#include "base/progress.h"

#include "base/error.h"

namespace expertoire {

void CancelToken::check(const char* operation) const {
  if (cancelled()) throw Error(ErrorCode::kCancelled, {operation, "stopped on request", "", ""});
}

}  // namespace expertoire
