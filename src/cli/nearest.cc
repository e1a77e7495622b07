// expertoire similarity, nearest: embedded files put to use.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "cli/command.h"
#include "cli/embed_options.h"
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

// Embeds texts as `expertoire embed` would.
std::vector<std::vector<float>> embed_texts(const Options& options,
                                            const std::vector<std::string>& texts) {
  LoadedModel loaded(options.embed.model, false);
  const Tokenizer tokenizer = loaded.tokenizer();
  Embedder embedder(*loaded.session, tokenizer, options.embed.parse());
  const auto calibration = CalibrationChoice::choose(options.embed, embedder, *loaded.model);
  if (calibration->mode == CalibrationChoice::Mode::kBatch) {
    throw Error(ErrorCode::kInvalidArgument, {"reading --calibration", "batch", "a file or none",
                                              "z-scores of a batch mean nothing for single texts"});
  }
  std::vector<std::vector<float>> vectors;
  EmbedPipeline pipeline(embedder, options.embed.batch_tokens, [&](EmbedParts parts) {
    vectors.push_back(embedder.combine(std::move(parts), calibration->set));
  });
  for (const std::string& text : texts) pipeline.add(text);
  pipeline.flush();
  return vectors;
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
  const auto vectors = embed_texts(options, options.pair);
  const double value = similarity_of(options, vectors[0].data(), vectors[1].data(),
                                     static_cast<int64_t>(vectors[0].size()));
  if (options.json) {
    print_json({{"kind", options.embed.kind}, {"similarity", value}});
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

std::vector<float> query_vector(const Options& options, const NpyMatrix& matrix) {
  if (!options.query.empty()) return embed_texts(options, {options.query})[0];
  if (options.row < 0 || options.row >= matrix.rows) {
    throw Error(ErrorCode::kInvalidArgument,
                {"searching " + options.vectors, fmt::format("row {}", options.row),
                 fmt::format("--query TEXT, or --row from 0 to {}", matrix.rows - 1), ""});
  }
  const float* row = matrix.values.data() + options.row * matrix.columns;
  return {row, row + matrix.columns};
}

void nearest(const Options& options) {
  const NpyMatrix matrix = read_npy(options.vectors);
  const std::vector<float> query = query_vector(options, matrix);
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
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto count =
      std::min<std::ptrdiff_t>(options.top, static_cast<std::ptrdiff_t>(order.size()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int64_t a, int64_t b) {
    const double left = scores[static_cast<size_t>(a)];
    const double right = scores[static_cast<size_t>(b)];
    return left != right ? left > right : a < b;
  });
  const std::vector<std::string> texts = read_texts(options);
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const size_t row = static_cast<size_t>(order[static_cast<size_t>(i)]);
    const std::string text = row < texts.size() ? texts[row] : "";
    if (options.json) {
      print_json({{"row", row}, {"score", scores[row]}, {"text", text}});
    } else {
      fmt::print("{:9.4f}  {:6}  {}\n", scores[row], row, text);
    }
  }
}

std::shared_ptr<Options> common(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->embed.kind = "sum";
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
  app.add_option("--vectors", options->vectors, "A .npy written by `expertoire embed`")->required();
  app.add_option("--query", options->query, "Text to look for");
  app.add_option("--row", options->row, "Or a row of the file");
  app.add_option("--texts", options->texts, "The embedded file, to show its texts");
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_option("--top", options->top, "How many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  return [options] { nearest(*options); };
}

}  // namespace

extern const Command kSimilarityCommand = {"similarity", "How alike two texts are",
                                           setup_similarity};
extern const Command kNearestCommand = {"nearest", "Exact search in a file of vectors",
                                        setup_nearest};

}  // namespace expertoire::cli
