// A chat model behind an OpenAI-compatible endpoint: POST <base>/chat/completions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "io/http_client.h"
#include "io/sqlite.h"

namespace expertoire {

/// One question: the model sees these two messages and nothing else.
struct ChatQuestion {
  std::string system, user;
  int max_tokens = 64;  ///< of the answer
};

/// Answers a question. What asks does not know whether a network lies between.
using Ask = std::function<std::string(const ChatQuestion&)>;

struct EndpointOptions {
  std::string base_url;  ///< "https://host/v1"
  std::string model;
  std::string key;           ///< sent as a bearer token; empty: none. Never shown or stored.
  int64_t max_requests = 0;  ///< of this run, retries too; 0 = no cap
  int64_t max_tokens = 0;    ///< of this run, as the endpoint counts them; 0 = no cap
  int retries = 5;           ///< of one question
  double first_wait = 1;     ///< seconds before the first retry; twice as long before each next
  double longest_wait = 300;
};

/// Answers that were given, in table endpoint_answers of an index: a run that is stopped or fails
/// asks nothing twice.
class AnswerStore {
 public:
  explicit AnswerStore(const Database& database);
  std::optional<std::string> find(const std::string& request) const;
  void keep(const std::string& request, const std::string& answer) const;

 private:
  const Database& database_;
};

class ChatEndpoint {
 public:
  using Post = std::function<HttpResponse(const HttpRequest&)>;
  using Wait = std::function<void(double seconds)>;

  ChatEndpoint(EndpointOptions options, const AnswerStore& answers, Post post, Wait wait);

  /// The stored answer, or the endpoint's. Asked again after no connection, status 408, 409, 429 or
  /// 5xx, and what is no answer in JSON. Errors: kTooLong at a cap, kIo when retries are used up or
  /// the endpoint refuses; errors of `post` and `wait`.
  std::string ask(const ChatQuestion& question);

  int64_t requests() const { return requests_; }
  int64_t tokens() const { return tokens_; }
  int64_t stored() const { return stored_; }  ///< questions that needed no request

 private:
  void check_caps() const;
  /// The answer, or nothing and why.
  std::optional<std::string> try_once(const std::string& body, std::string& why,
                                      std::optional<double>& wait);
  std::optional<std::string> read_answer(const std::string& request, const HttpResponse& response,
                                         std::string& why);

  EndpointOptions options_;
  const AnswerStore& answers_;
  Post post_;
  Wait wait_;
  int64_t requests_ = 0, tokens_ = 0, stored_ = 0;
};

}  // namespace expertoire
