#include "cli/progress_on.h"

#include <optional>

namespace expertoire::cli {

ProgressSink progress_on(ProgressBar& bar, const char* operation, std::string note) {
  return [&bar, operation, note = std::move(note)](int64_t done, int64_t total) {
    interrupt_token().check(operation);
    std::optional<double> fraction;
    if (total > 0) fraction = static_cast<double>(done) / static_cast<double>(total);
    bar.update(done, fraction, note);
  };
}

}  // namespace expertoire::cli
