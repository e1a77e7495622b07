#include "cli/endpoint_options.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "cli/common.h"

namespace expertoire::cli {
namespace {

// Sleeps in short pieces, so that Ctrl-C is heard.
void wait(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) {
    interrupt_token().check("waiting for the endpoint");
    std::this_thread::sleep_for(
        std::min<std::chrono::duration<double>>(end - Clock::now(), std::chrono::milliseconds(50)));
  }
}

}  // namespace

void EndpointFlags::add_to(CLI::App& app) {
  app.add_option("--base-url", endpoint.base_url,
                 "endpoint: its address, to which /chat/completions is added");
  app.add_option("--chat-model", endpoint.model, "endpoint: the model's name there");
  app.add_option("--key-variable", key_variable,
                 "endpoint: environment variable with the key; not set: none is sent")
      ->capture_default_str();
  app.add_option("--max-requests", endpoint.max_requests,
                 "endpoint: stop after so many requests, 0 = no cap")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-tokens", endpoint.max_tokens,
                 "endpoint: stop after so many tokens, as it counts them, 0 = no cap")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--retries", endpoint.retries, "endpoint: of a question that got no answer")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--first-wait", endpoint.first_wait,
                 "endpoint: seconds before the first retry; twice as long before each next one")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

ChatEndpoint EndpointFlags::open(const std::string& operation, const AnswerStore& answers) const {
  EndpointOptions settled = endpoint;
  if (settled.base_url.empty() || settled.model.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {operation, "no address or no model", "--base-url URL and --chat-model NAME", ""});
  }
  const char* key = std::getenv(key_variable.c_str());
  settled.key = key == nullptr ? "" : key;
  if (std::ranges::any_of(settled.key, [](char c) { return c < ' '; })) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + key_variable, "a key with line ends or other control characters",
                 "printable characters", ""});
  }
  HttpOptions http;
  http.cancel = &interrupt_token();
  return {settled, answers, [http](const HttpRequest& request) { return http_post(request, http); },
          wait};
}

}  // namespace expertoire::cli
