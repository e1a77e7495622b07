#include "cli/label_methods.h"

#include "analysis/endpoint_labeller.h"
#include "analysis/word_labeller.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

void with_words(const ExpertIndex& index, const UseLabeller& use) {
  WordLabeller labeller(index);
  use(labeller, [] { return json{{"by", "log-odds of words and token classes"}}; });
}

void with_endpoint(const LabelMethodOptions& options, const ExpertIndex& index,
                   const UseLabeller& use) {
  const AnswerStore answers(index.database());
  ChatEndpoint endpoint = options.endpoint.open("labelling experts by an endpoint", answers);
  EndpointLabeller labeller([&](const ChatQuestion& question) { return endpoint.ask(question); });
  use(labeller, [&] {
    return json{{"endpoint", options.endpoint.endpoint.base_url},
                {"model", options.endpoint.endpoint.model},
                {"requests", endpoint.requests()},
                {"tokens", endpoint.tokens()},
                {"stored_answers", endpoint.stored()},
                {"unusable_answers", labeller.unusable()}};
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
  endpoint.add_to(app);
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
