// Options that name an OpenAI-compatible endpoint, and asking it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "analysis/chat_endpoint.h"

namespace expertoire::cli {

/// --base-url, --chat-model, --key-variable, --max-requests, --max-tokens, --retries, --first-wait.
struct EndpointFlags {
  EndpointOptions endpoint;
  std::string key_variable = "OPENAI_API_KEY";

  void add_to(CLI::App& app);
  /// Answers are kept in `answers`, which outlives the endpoint. Ctrl-C ends a request or a wait.
  /// Errors: kInvalidArgument naming `operation`: no address, no model, a key that is none.
  ChatEndpoint open(const std::string& operation, const AnswerStore& answers) const;
};

}  // namespace expertoire::cli
