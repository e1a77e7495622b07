// The one error type of the library. The library never prints, aborts or exits: it throws Error.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace expertoire {

/// What kind of failure it is. Tables map these to exit codes, HTTP statuses and exceptions.
enum class ErrorCode {
  kInvalidArgument,  ///< the caller asked for something that makes no sense
  kNotFound,         ///< a file, model, prompt or tensor that does not exist
  kBadFile,          ///< a file whose content is not what its format says
  kUnsupported,      ///< valid, but a thing that we do not implement
  kTooLong,          ///< a text or request over a stated limit
  kIo,               ///< the operating system refused: disk full, permission, closed pipe
  kNumeric,          ///< NaN or infinity in weights or activations
  kCancelled,        ///< the user stopped the work
  kInternal,         ///< a bug of ours
};

/// Lower-case word for a code, e.g. "bad_file"; the same in JSON output and in the docs.
std::string_view error_code_name(ErrorCode code);

/// A complete sentence about what went wrong: operation, what was found, what was expected, and
/// what to do. Empty parts are left out of what(), which is one line whatever the parts quote:
/// control characters are escaped.
class Error : public std::runtime_error {
 public:
  struct Parts {
    std::string operation;  ///< e.g. "reading config.json"
    std::string found;      ///< e.g. "hidden_size is -3"
    std::string expected;   ///< e.g. "a positive integer"
    std::string advice;     ///< e.g. "check that the download is complete"
  };

  Error(ErrorCode code, Parts parts);

  ErrorCode code() const { return code_; }
  const Parts& parts() const { return parts_; }

 private:
  ErrorCode code_;
  Parts parts_;
};

}  // namespace expertoire
