// Asking an HTTP server. The only place that knows the HTTP library (libcurl).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"

namespace expertoire {

struct HttpRequest {
  std::string url;                   ///< http:// or https://
  std::vector<std::string> headers;  ///< "Name: value"
  std::string body;                  ///< posted
};

struct HttpResponse {
  int status = 0;
  std::string body;
  std::optional<double> retry_after;  ///< seconds, when the server says so
};

struct HttpOptions {
  double timeout_seconds = 120;
  size_t max_bytes = size_t{16} << 20;  ///< of a body
  const CancelToken* cancel = nullptr;
};

/// Posts and waits for the answer, whatever its status. Redirections are not followed, since the
/// headers may hold a key; nor do errors quote headers. Errors: kInvalidArgument (another kind of
/// URL), kIo (no connection, timeout, too long a body), kCancelled.
HttpResponse http_post(const HttpRequest& request, const HttpOptions& options);

}  // namespace expertoire
