#include "analysis/chat_endpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr int64_t kCharactersPerToken = 4;  // where an endpoint does not say how many it used

bool passes(int status) { return status == 408 || status == 409 || status == 429 || status >= 500; }

json body_of(const EndpointOptions& options, const ChatQuestion& question) {
  return {{"model", options.model},
          {"messages",
           {{{"role", "system"}, {"content", question.system}},
            {{"role", "user"}, {"content", question.user}}}},
          {"max_tokens", question.max_tokens},
          {"temperature", 0}};
}

}  // namespace

AnswerStore::AnswerStore(const Database& database) : database_(database) {
  database.run(
      "CREATE TABLE IF NOT EXISTS endpoint_answers (request TEXT PRIMARY KEY, "
      "answer TEXT NOT NULL) WITHOUT ROWID");
}

std::optional<std::string> AnswerStore::find(const std::string& request) const {
  Statement row = database_.prepare("SELECT answer FROM endpoint_answers WHERE request = ?");
  row.bind(request);
  return row.step() ? std::optional(row.text(0)) : std::nullopt;
}

void AnswerStore::keep(const std::string& request, const std::string& answer) const {
  database_.prepare("INSERT OR REPLACE INTO endpoint_answers VALUES (?, ?)")
      .bind(request)
      .bind(answer)
      .run();
}

ChatEndpoint::ChatEndpoint(EndpointOptions options, const AnswerStore& answers, Post post,
                           Wait wait)
    : options_(std::move(options)),
      answers_(answers),
      post_(std::move(post)),
      wait_(std::move(wait)) {
  while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
}

void ChatEndpoint::check_caps() const {
  const auto refuse = [](int64_t count, const char* what, const char* option) {
    throw Error(ErrorCode::kTooLong, {"asking the endpoint", fmt::format("{} {} used", count, what),
                                      fmt::format("at most what {} allows", option),
                                      "run again to go on: answers that came are kept"});
  };
  if (options_.max_requests > 0 && requests_ >= options_.max_requests) {
    refuse(requests_, "requests", "--max-requests");
  }
  if (options_.max_tokens > 0 && tokens_ >= options_.max_tokens) {
    refuse(tokens_, "tokens", "--max-tokens");
  }
}

std::optional<std::string> ChatEndpoint::read_answer(const std::string& request,
                                                     const HttpResponse& response,
                                                     std::string& why) {
  json answer;
  try {
    answer = parse_json(response.body, "the endpoint's answer");
  } catch (const Error& error) {
    why = error.what();
    return std::nullopt;
  }
  const json::json_pointer used("/usage/total_tokens"), text("/choices/0/message/content");
  const auto characters = static_cast<int64_t>(request.size() + response.body.size());
  tokens_ += answer.contains(used) && answer[used].is_number_integer()
                 ? answer[used].get<int64_t>()
                 : characters / kCharactersPerToken;
  if (answer.contains(text) && answer[text].is_string()) return answer[text].get<std::string>();
  why = "no choices[0].message.content in " + in_short(answer);
  return std::nullopt;
}

std::optional<std::string> ChatEndpoint::try_once(const std::string& body, std::string& why,
                                                  std::optional<double>& wait) {
  HttpRequest request{
      options_.base_url + "/chat/completions", {"Content-Type: application/json"}, body};
  if (!options_.key.empty()) request.headers.push_back("Authorization: Bearer " + options_.key);
  ++requests_;
  HttpResponse response;
  try {
    response = post_(request);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kIo) throw;
    why = error.what();
    return std::nullopt;
  }
  if (response.status == 200) return read_answer(body, response, why);
  wait = response.retry_after;
  why = fmt::format("status {} {}", response.status, in_quotes(response.body));
  if (passes(response.status)) return std::nullopt;
  throw Error(ErrorCode::kIo, {"asking " + options_.base_url, why, "status 200",
                               "check the address, the model's name and the key"});
}

std::string ChatEndpoint::ask(const ChatQuestion& question) {
  const std::string body =
      body_of(options_, question).dump(-1, ' ', false, json::error_handler_t::replace);
  if (const std::optional<std::string> known = answers_.find(options_.base_url + "\n" + body)) {
    ++stored_;
    return *known;
  }
  double next_wait = options_.first_wait;
  std::string why;
  for (int attempt = 0; attempt <= options_.retries; ++attempt) {
    check_caps();
    std::optional<double> wait;
    if (const std::optional<std::string> answer = try_once(body, why, wait)) {
      answers_.keep(options_.base_url + "\n" + body, *answer);
      return *answer;
    }
    if (attempt < options_.retries) {
      wait_(std::min(std::max(next_wait, wait.value_or(0)), options_.longest_wait));
    }
    next_wait *= 2;
  }
  throw Error(ErrorCode::kIo, {"asking " + options_.base_url,
                               fmt::format("{} attempts without an answer, the last one: {}",
                                           options_.retries + 1, why),
                               "an answer", "run again to go on: answers that came are kept"});
}

}  // namespace expertoire
