#include "cli/toxicity_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "analysis/embedding_scorer.h"
#include "analysis/endpoint_scorer.h"
#include "base/error.h"
#include "embed/pipeline.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

constexpr int kFolds = 5;
constexpr uint32_t kFoldSeed = 42;
constexpr int64_t kBatchTokens = 2048;

// "FILE:0,1": the labels that mean toxic stand behind the file's name.
BinaryTexts read_labelled(const std::string& argument) {
  const size_t colon = argument.rfind(':');
  if (colon == std::string::npos || colon + 1 == argument.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading --labelled", argument, "FILE:LABEL,… with the labels of toxic texts",
                 "for example davidson_hate.jsonl:0,1"});
  }
  std::set<std::string> toxic;
  std::istringstream labels(argument.substr(colon + 1));
  for (std::string label; std::getline(labels, label, ',');) toxic.insert(label);
  return read_labelled_texts(argument.substr(0, colon), toxic);
}

BinaryTexts texts_to_learn(const JudgeOptions& options, const ScoredTexts& texts) {
  if (options.labelled.empty()) return pieces_of(texts.train);
  BinaryTexts data;
  for (const std::string& argument : options.labelled) {
    BinaryTexts more = read_labelled(argument);
    data.texts.insert(data.texts.end(), more.texts.begin(), more.texts.end());
    data.classes.insert(data.classes.end(), more.classes.begin(), more.classes.end());
  }
  return data;
}

// A classifier with the areas under its ROC curve: cross-validated, and on the study's rows.
Judge learnt_judge(const std::string& kind, const JudgeOptions& options, const ScoredTexts& texts,
                   const LearnTexts& learn) {
  const BinaryTexts data = texts_to_learn(options, texts);
  const BinaryTexts held_out = pieces_of(texts.held_out);
  Judge judge{learn(data), {}};
  const json about = {{"kind", kind},
                      {"learnt_from", options.labelled.empty() ? json("the study's own rows")
                                                               : json(options.labelled)},
                      {"texts", data.texts.size()},
                      {"toxic", std::ranges::count(data.classes, 1U)},
                      {"folds", kFolds},
                      {"auc_cross_validated", cross_validated_auc(data, kFolds, kFoldSeed, learn)},
                      {"auc_held_out", auc_of(judge.score(held_out.texts), held_out.classes)},
                      {"texts_held_out", held_out.texts.size()}};
  judge.about = [about] { return about; };
  return judge;
}

EmbedOptions truncated() {
  EmbedOptions options;
  options.truncate = Truncate::kRight;
  return options;
}

// The embedding model, and what hidden states it gives to texts.
struct EmbeddingModel {
  LoadedModel loaded;
  Tokenizer tokenizer;
  Embedder embedder;

  explicit EmbeddingModel(const ModelOptions& options)
      : loaded(options, false),
        tokenizer(loaded.tokenizer()),
        embedder(*loaded.session, tokenizer, truncated()) {}

  std::vector<std::vector<float>> embed(const std::vector<std::string>& texts) {
    std::vector<std::vector<float>> vectors;
    ProgressBar bar("texts");
    EmbedPipeline pipeline(embedder, kBatchTokens, [&](EmbedParts parts) {
      interrupt_token().check("embedding");
      vectors.push_back(embedder.combine(std::move(parts), nullptr));
      bar.update(static_cast<int64_t>(vectors.size()),
                 static_cast<double>(vectors.size()) / static_cast<double>(texts.size()));
    });
    for (const std::string& text : texts) pipeline.add(text);
    pipeline.flush();
    return vectors;
  }
};

Judge embedding_judge(const JudgeOptions& options, const ScoredTexts& texts, int threads) {
  ModelOptions of_model(kEmbeddingModel);
  of_model.model = options.embedding_model;
  of_model.threads = threads;
  const auto model = std::make_shared<EmbeddingModel>(of_model);
  const auto vectors = std::make_shared<KnownVectors>(
      [model](const std::vector<std::string>& some) { return model->embed(some); });
  return learnt_judge(
      "logistic regression over hidden states of " + of_model.name(), options, texts,
      [vectors](const BinaryTexts& data) { return embedding_scorer(data, vectors); });
}

// What an endpoint's scorer needs as long as it is asked.
struct AskedEndpoint {
  Database database;
  AnswerStore answers;
  ChatEndpoint endpoint;
  EndpointScorer scorer;

  AskedEndpoint(const JudgeOptions& options, const std::string& path)
      : database(path, Database::Mode::kCreate),
        answers(database),
        endpoint(options.endpoint.open("scoring continuations by an endpoint", answers)),
        scorer([this](const ChatQuestion& question) { return endpoint.ask(question); }) {}
};

// Evenly, at most so many.
BinaryTexts some_of(const BinaryTexts& all, size_t most) {
  BinaryTexts some;
  const size_t count = std::min(most, all.texts.size());
  for (size_t i = 0; i < count; ++i) {
    const size_t at = i * all.texts.size() / count;
    some.texts.push_back(all.texts[at]);
    some.classes.push_back(all.classes[at]);
  }
  return some;
}

Judge endpoint_judge(const JudgeOptions& options, const ScoredTexts& texts,
                     const std::string& folder) {
  const std::string path =
      options.answers.empty() ? folder + "/endpoint_answers.db" : options.answers;
  const auto asked = std::make_shared<AskedEndpoint>(options, path);
  const BinaryTexts tried = some_of(pieces_of(texts.held_out), options.judged_texts);
  const json about = {{"kind", "endpoint"},
                      {"endpoint", options.endpoint.endpoint.base_url},
                      {"model", options.endpoint.endpoint.model},
                      {"auc_held_out", auc_of(asked->scorer.score(tried.texts), tried.classes)},
                      {"texts_held_out", tried.texts.size()}};
  return {[asked](const std::vector<std::string>& some) { return asked->scorer.score(some); },
          [asked, about] {
            json now = about;
            now.update({{"requests", asked->endpoint.requests()},
                        {"tokens", asked->endpoint.tokens()},
                        {"stored_answers", asked->endpoint.stored()},
                        {"unusable_answers", asked->scorer.unusable()}});
            return now;
          }};
}

}  // namespace

void JudgeOptions::add_to(CLI::App& app) {
  auto* choice = app.add_option("--scorer", kind,
                                "Who scores continuations: words (logistic regression over "
                                "TF-IDF), embedding (over hidden states), or endpoint")
                     ->capture_default_str();
  auto* learnt = add_repeatable(
      app, "--labelled", labelled,
      "FILE:LABELS: texts that words and embedding learn from, and the labels that mean toxic, as "
      "davidson_hate.jsonl:0,1 (default: the study's own rows, without the held-out ones)");
  app.add_option("--scores", scores,
                 "Scores of continuations from elsewhere instead: rows of text and score")
      ->excludes(learnt)
      ->excludes(choice);
  app.add_option("--embedding-model", embedding_model, "embedding: the model of hidden states")
      ->capture_default_str();
  endpoint.add_to(app);
  app.add_option("--answers", answers,
                 "endpoint: where answers are kept (default: STUDY/endpoint_answers.db)");
  app.add_option("--judged-texts", judged_texts,
                 "endpoint: held-out texts that it is tried on for its ROC curve")
      ->capture_default_str();
}

Judge judge_of(const JudgeOptions& options, const ScoredTexts& texts, const std::string& folder,
               int threads) {
  if (!options.scores.empty()) {
    const json about = {
        {"kind", "file"}, {"file", options.scores}, {"hash", file_hash(options.scores)}};
    return {file_scorer(options.scores), [about] { return about; }};
  }
  switch (choose_enum<JudgeKind>("--scorer", options.kind, kJudgeKindNames)) {
    case JudgeKind::kEmbedding: return embedding_judge(options, texts, threads);
    case JudgeKind::kEndpoint: return endpoint_judge(options, texts, folder);
    case JudgeKind::kWords: break;
  }
  return learnt_judge("logistic regression over TF-IDF of words and pairs of words", options, texts,
                      classifier_scorer);
}

std::string describe_judge(const json& about) {
  const auto kind = about["kind"].get<std::string>();
  const auto area = [](const json& value) {
    return value.is_number() ? fmt::format("{:.3f}", value.get<double>()) : std::string("unknown");
  };
  if (kind == "file") {
    return fmt::format("scores of continuations: {}\n", about["file"].get<std::string>());
  }
  if (kind == "endpoint") {
    return fmt::format(
        "scorer: {} at {}; AUC {} on {} of the study's held-out texts; {} requests, {} answers "
        "unusable\n",
        about["model"].get<std::string>(), about["endpoint"].get<std::string>(),
        area(about["auc_held_out"]), about["texts_held_out"].get<int64_t>(),
        about["requests"].get<int64_t>(), about["unusable_answers"].get<int64_t>());
  }
  return fmt::format(
      "scorer: {}, {} texts ({} toxic); AUC {} cross-validated, {} on the study's {} held-out "
      "texts\n",
      kind, about["texts"].get<int64_t>(), about["toxic"].get<int64_t>(),
      area(about["auc_cross_validated"]), area(about["auc_held_out"]),
      about["texts_held_out"].get<int64_t>());
}

}  // namespace expertoire::cli
