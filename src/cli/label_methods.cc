#include "cli/label_methods.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "analysis/endpoint_labeller.h"
#include "analysis/word_labeller.h"
#include "base/error.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

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

EndpointOptions settled(const LabelMethodOptions& options) {
  EndpointOptions endpoint = options.endpoint;
  if (endpoint.base_url.empty() || endpoint.model.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"labelling experts by an endpoint", "no address or no model",
                 "--base-url URL and --chat-model NAME", ""});
  }
  const char* key = std::getenv(options.key_variable.c_str());
  endpoint.key = key == nullptr ? "" : key;
  if (std::ranges::any_of(endpoint.key, [](char c) { return c < ' '; })) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + options.key_variable,
                 "a key with line ends or other control characters", "printable characters", ""});
  }
  return endpoint;
}

void with_words(const ExpertIndex& index, const UseLabeller& use) {
  WordLabeller labeller(index);
  use(labeller, [] { return json{{"by", "log-odds of words and token classes"}}; });
}

void with_endpoint(const LabelMethodOptions& options, const ExpertIndex& index,
                   const UseLabeller& use) {
  const AnswerStore answers(index.database());
  HttpOptions http;
  http.cancel = &interrupt_token();
  ChatEndpoint endpoint(
      settled(options), answers,
      [&](const HttpRequest& request) { return http_post(request, http); }, wait);
  EndpointLabeller labeller([&](const ChatQuestion& question) { return endpoint.ask(question); });
  use(labeller, [&] {
    return json{{"endpoint", options.endpoint.base_url}, {"model", options.endpoint.model},
                {"requests", endpoint.requests()},       {"tokens", endpoint.tokens()},
                {"stored_answers", endpoint.stored()},   {"unusable_answers", labeller.unusable()}};
  });
}

void with_self(const LabelMethodOptions& options, const ExpertIndex& index,
               const UseLabeller& use) {
  LoadedModel loaded(options.model, true);
  check_same_model(index, *loaded.model);
  const Tokenizer tokenizer = loaded.tokenizer();
  SelfLabeller labeller(*loaded.session, tokenizer, index, options.self);
  use(labeller, [&] {
    json how = loaded.provenance(options.model);
    how.erase("threads");
    how["top_tokens"] = options.self.top_tokens;
    return how;
  });
}

}  // namespace

void LabelMethodOptions::add_to(CLI::App& app) {
  model.add_to(app);
  app.add_option("--top-tokens", self.top_tokens,
                 "self: tokens of an expert whose embeddings are averaged")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
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

void with_labeller(LabelMethod method, const LabelMethodOptions& options, const ExpertIndex& index,
                   const UseLabeller& use) {
  switch (method) {
    case LabelMethod::kWords: with_words(index, use); break;
    case LabelMethod::kEndpoint: with_endpoint(options, index, use); break;
    case LabelMethod::kSelf: with_self(options, index, use); break;
  }
}

void with_dry_labeller(const std::function<void(const ChatQuestion&)>& show,
                       const UseLabeller& use) {
  EndpointLabeller labeller([&](const ChatQuestion& question) {
    show(question);
    return std::string("LABEL: (the endpoint's answer)");
  });
  use(labeller, [] { return json::object(); });
}

}  // namespace expertoire::cli
