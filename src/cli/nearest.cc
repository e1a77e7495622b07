// expertoire similarity, nearest: embedded files put to use.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "cli/command.h"
#include "cli/embed_options.h"
#include "cli/vector_metadata.h"
#include "embed/pipeline.h"
#include "io/npy.h"
#include "io/text_source.h"

namespace expertoire::cli {
namespace {

struct Options {
  EmbedCliOptions embed;
  std::string vectors, texts, field = "text", query;
  std::vector<std::string> pair = {"", ""};
  int64_t row = -1;
  int top = 10;
  bool json = false;
};

struct Embedded {
  std::vector<std::vector<float>> vectors;
  std::map<std::string, std::string> edit;  // what LoadedModel says of it
};

// Embeds texts as `expertoire embed` would, into the space of a file whose metadata is given.
Embedded embed_texts(const Options& options, const std::vector<std::string>& texts,
                     const nlohmann::json& metadata = nullptr) {
  LoadedModel loaded(options.embed.model, false);
  check_model(metadata, loaded);
  const Tokenizer tokenizer = loaded.tokenizer();
  Embedder embedder(*loaded.session, tokenizer, options.embed.parse());
  const auto calibration = CalibrationChoice::choose(options.embed, embedder, loaded);
  if (calibration->mode == CalibrationChoice::Mode::kBatch) {
    throw Error(ErrorCode::kInvalidArgument, {"reading --calibration", "batch", "a file or none",
                                              "z-scores of a batch mean nothing for single texts"});
  }
  Embedded embedded;
  EmbedPipeline pipeline(embedder, options.embed.batch_tokens, [&](EmbedParts parts) {
    embedded.vectors.push_back(embedder.combine(std::move(parts), calibration->set));
  });
  for (const std::string& text : texts) pipeline.add(text);
  pipeline.flush();
  embedded.edit = loaded.edit;
  return embedded;
}

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double cosine(const float* a, const float* b, int64_t n) {
  const double norms = std::sqrt(dot(a, a, n) * dot(b, b, n));
  return norms > 0 ? dot(a, b, n) / norms : 0.0;
}

// Inner product for sum, whose vectors carry their weights; cosine for the others.
double similarity_of(const Options& options, const float* a, const float* b, int64_t n) {
  return options.embed.kind == "sum" ? dot(a, b, n) : cosine(a, b, n);
}

void similarity(const Options& options) {
  const auto [vectors, edit] = embed_texts(options, options.pair);
  const double value = similarity_of(options, vectors[0].data(), vectors[1].data(),
                                     static_cast<int64_t>(vectors[0].size()));
  if (options.json) {
    nlohmann::json row = {{"kind", options.embed.kind}, {"similarity", value}};
    row.update(edit);
    print_json(row);
  } else {
    fmt::print("{:.6f}\n", value);
  }
}

std::vector<std::string> read_texts(const Options& options) {
  std::vector<std::string> texts;
  if (options.texts.empty()) return texts;
  TextSource source(options.texts, options.field);
  while (auto text = source.next()) texts.push_back(std::move(*text));
  return texts;
}

// The query's one vector.
Embedded query_vector(const Options& options, const NpyMatrix& matrix,
                      const nlohmann::json& metadata) {
  if (!options.query.empty()) return embed_texts(options, {options.query}, metadata);
  if (options.row < 0 || options.row >= matrix.rows) {
    throw Error(ErrorCode::kInvalidArgument,
                {"searching " + options.vectors, fmt::format("row {}", options.row),
                 fmt::format("--query TEXT, or --row from 0 to {}", matrix.rows - 1), ""});
  }
  const float* row = matrix.values.data() + options.row * matrix.columns;
  return {{{row, row + matrix.columns}}, {}};
}

std::vector<double> scores_of(const Options& options, const NpyMatrix& matrix,
                              const std::vector<float>& query) {
  if (static_cast<int64_t>(query.size()) != matrix.columns) {
    throw Error(ErrorCode::kInvalidArgument,
                {"searching " + options.vectors, fmt::format("{} dimensions", matrix.columns),
                 fmt::format("{}, the query's", query.size()),
                 "use the model, kind and prompt that made the file"});
  }
  std::vector<double> scores;
  for (int64_t i = 0; i < matrix.rows; ++i) {
    scores.push_back(similarity_of(options, query.data(), matrix.values.data() + i * matrix.columns,
                                   matrix.columns));
  }
  return scores;
}

// Rows of the best scores, best first; the lower row of equals.
std::vector<size_t> best_rows(const std::vector<double>& scores, int top) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t count = std::min(static_cast<size_t>(top), order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
      [&](size_t a, size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  order.resize(count);
  return order;
}

void nearest(Options options, const CLI::App& app) {
  const NpyMatrix matrix = read_npy(options.vectors);
  const nlohmann::json metadata = read_metadata(options.vectors, matrix.rows, matrix.columns);
  adopt(metadata, app, options.embed);
  const auto [vectors, edit] = query_vector(options, matrix, metadata);
  const std::vector<double> scores = scores_of(options, matrix, vectors[0]);
  const std::vector<std::string> texts = read_texts(options);
  for (const size_t row : best_rows(scores, options.top)) {
    const std::string text = row < texts.size() ? texts[row] : "";
    if (options.json) {
      nlohmann::json line = {{"row", row}, {"score", scores[row]}, {"text", text}};
      line.update(edit);
      print_json(line);
    } else {
      fmt::print("{:9.4f}  {:6}  {}\n", scores[row], row, text);
    }
  }
}

std::shared_ptr<Options> common(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->embed.add_kind(app);
  options->embed.add_calibration(app);
  options->embed.add_to(app);
  app.add_flag("--json", options->json, "As JSON");
  return options;
}

std::function<void()> setup_similarity(CLI::App& app) {
  auto options = common(app);
  app.add_option("first", options->pair[0], "A text")->required();
  app.add_option("second", options->pair[1], "Another text")->required();
  return [options] { similarity(*options); };
}

std::function<void()> setup_nearest(CLI::App& app) {
  auto options = common(app);
  app.add_option("--vectors", options->vectors,
                 "A .npy written by `expertoire embed`; its .meta.json says how to embed the query")
      ->required();
  auto* query = app.add_option("--query", options->query, "Text to look for");
  app.add_option("--row", options->row, "Or a row of the file")->excludes(query);
  app.add_option("--texts", options->texts, "The embedded file, to show its texts");
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_option("--top", options->top, "How many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  return [options, &app] { nearest(*options, app); };
}

}  // namespace

extern const Command kSimilarityCommand = {"similarity", "How alike two texts are",
                                           setup_similarity};
extern const Command kNearestCommand = {"nearest", "Exact search in a file of vectors",
                                        setup_nearest};

}  // namespace expertoire::cli
