#include "io/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "base/error.h"

namespace expertoire {
namespace {

struct Transfer {
  const HttpOptions& options;
  std::string body;
  bool too_long = false;
};

size_t take_body(const char* bytes, size_t size, size_t count, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  if (transfer.body.size() + size * count > transfer.options.max_bytes) {
    transfer.too_long = true;
    return 0;  // ends the transfer
  }
  transfer.body.append(bytes, size * count);
  return size * count;
}

int check_cancelled(void* of, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const CancelToken* cancel = static_cast<Transfer*>(of)->options.cancel;
  return cancel != nullptr && cancel->cancelled() ? 1 : 0;
}

// libcurl wants to be told once that it is used.
void initialise() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) {
    throw Error(ErrorCode::kIo, {"preparing HTTP", curl_easy_strerror(code), "", ""});
  }
}

void check_url(const std::string& url) {
  if (url.starts_with("http://") || url.starts_with("https://")) return;
  throw Error(ErrorCode::kInvalidArgument,
              {"asking a server", url, "a URL that begins with http:// or https://", ""});
}

using Handle = std::unique_ptr<CURL, void (*)(CURL*)>;
using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

Headers list_of(const std::vector<std::string>& headers) {
  Headers list(nullptr, curl_slist_free_all);
  for (const std::string& header : headers) {
    curl_slist* longer = curl_slist_append(list.get(), header.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());  // part of the longer one
    list.reset(longer);
  }
  return list;
}

void set_options(CURL* handle, const HttpRequest& request, const Headers& headers,
                 Transfer& transfer) {
  const auto milliseconds = static_cast<long>(transfer.options.timeout_seconds * 1000);
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, milliseconds);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, check_cancelled);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
}

[[noreturn]] void fail(const std::string& url, CURLcode code, const Transfer& transfer) {
  if (transfer.options.cancel != nullptr) transfer.options.cancel->check("asking a server");
  throw Error(ErrorCode::kIo, {"asking " + url,
                               transfer.too_long ? fmt::format("an answer of more than {} bytes",
                                                               transfer.options.max_bytes)
                                                 : std::string(curl_easy_strerror(code)),
                               "an answer", "is the address right, and the server running?"});
}

}  // namespace

HttpResponse http_post(const HttpRequest& request, const HttpOptions& options) {
  check_url(request.url);
  initialise();
  const Handle handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) throw std::bad_alloc();
  const Headers headers = list_of(request.headers);
  Transfer transfer{options, {}};
  set_options(handle.get(), request, headers, transfer);
  const CURLcode code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) fail(request.url, code, transfer);
  long status = 0;
  curl_off_t wait = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle.get(), CURLINFO_RETRY_AFTER, &wait);
  HttpResponse response{static_cast<int>(status), std::move(transfer.body), {}};
  if (wait > 0) response.retry_after = static_cast<double>(wait);
  return response;
}

}  // namespace expertoire
