// expertoire demo: the sentences that ship, embedded by the model that ships.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "cli/command.h"
#include "cli/embed_options.h"
#include "cli/temporary_folder.h"
#include "embed/pipeline.h"
#include "engine/shipped.h"
#include "eval/pair_order.h"
#include "eval/random_model.h"
#include "eval/tfidf.h"
#include "io/json.h"
#include "io/text_source.h"
#include "tokenizer/unicode.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;
using Similarity = std::function<double(size_t, size_t)>;

struct Options {
  EmbedCliOptions embed;
  int queries = 3;
  int top = 3;
  bool json = false;
};

struct Sentences {
  std::vector<std::string> texts;
  std::vector<TextOrigin> origins;
};

Sentences read_sentences() {
  LineReader lines(shipped_path("data/demo/openstax.jsonl"));
  Sentences sentences;
  while (const auto line = lines.next()) {
    const json row = json::parse(*line);
    sentences.texts.push_back(row.at("text"));
    sentences.origins.push_back({row.at("subject"), row.at("module")});
  }
  return sentences;
}

constexpr EmbedKind kShown[] = {EmbedKind::kHidden, EmbedKind::kRouting, EmbedKind::kSum};
constexpr size_t kShownKinds = std::size(kShown);

// All sentences under the kinds that are shown, from one forward pass each.
struct Embedded {
  std::vector<std::vector<float>> vectors[kShownKinds];
  int64_t tokens = 0;
  double seconds = 0;
  std::map<std::string, std::string> edit;  // what LoadedModel says of it

  // Vectors of all kinds have a norm that does not depend on the text, or are divided by theirs.
  Similarity similarity(size_t kind) const {
    const auto& rows = vectors[kind];
    return [&rows](size_t i, size_t j) {
      return std::inner_product(rows[i].begin(), rows[i].end(), rows[j].begin(), 0.0);
    };
  }
};

void normalize(std::vector<float>& vector) {
  const double square = std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0);
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(square));
}

Embedded embed_all(const Options& options, const ModelOptions& model,
                   const std::vector<std::string>& texts) {
  LoadedModel loaded(model, false);
  const Tokenizer tokenizer = loaded.tokenizer();
  std::vector<Embedder> embedders;
  for (EmbedKind kind : kShown) {
    EmbedOptions parsed = options.embed.parse();
    parsed.kind = kind;
    embedders.emplace_back(*loaded.session, tokenizer, parsed);
  }
  Embedded embedded;
  ProgressBar bar("sentences");
  EmbedPipeline pipeline(embedders.back(), options.embed.batch_tokens, [&](EmbedParts parts) {
    for (size_t k = 0; k < kShownKinds; ++k) {
      embedded.vectors[k].push_back(embedders[k].combine(parts, nullptr));
      normalize(embedded.vectors[k].back());
    }
    const size_t done = embedded.vectors[0].size();
    bar.update(static_cast<int64_t>(done),
               static_cast<double>(done) / static_cast<double>(texts.size()));
  });
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& text : texts) pipeline.add(text);
  pipeline.flush();
  embedded.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  embedded.tokens = pipeline.tokens();
  embedded.edit = loaded.edit;
  return embedded;
}

Embedded embed_randomly(const Options& options, const std::vector<std::string>& texts) {
  const TemporaryFolder folder;
  write_random_model(options.embed.model.folder(), folder.path(), 17);
  ModelOptions model = options.embed.model;
  model.model = folder.path();
  model.edit.clear();
  return embed_all(options, model, texts);
}

// The first `width` characters, with "…" where something is missing.
std::string clipped(std::string_view text, size_t width) {
  size_t at = 0, shown = 0;
  for (; at < text.size() && shown + 1 < width; ++shown) {
    at += utf8_length(text[at]);
  }
  std::string cut(text.substr(0, at));
  if (at < text.size()) {
    cut += "…";
    ++shown;
  }
  return cut + std::string(width - std::min(shown, width), ' ');
}

std::vector<size_t> neighbours(size_t query, size_t texts, size_t count,
                               const Similarity& similarity) {
  std::vector<size_t> order;
  for (size_t i = 0; i < texts; ++i) {
    if (i != query) order.push_back(i);
  }
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](size_t a, size_t b) {
                      const double left = similarity(query, a), right = similarity(query, b);
                      return left != right ? left > right : a < b;
                    });
  order.resize(count);
  return order;
}

json neighbour_lists(const Options& options, const Sentences& sentences, const Embedded& embedded) {
  json lists = json::array();
  for (int q = 0; q < options.queries; ++q) {
    const size_t count = sentences.texts.size();
    const size_t query =
        count * static_cast<size_t>(2 * q + 1) / static_cast<size_t>(2 * options.queries);
    json list = {{"row", query},
                 {"text", sentences.texts[query]},
                 {"subject", sentences.origins[query].subject}};
    for (size_t k = 0; k < kShownKinds; ++k) {
      const Similarity similarity = embedded.similarity(k);
      for (size_t row : neighbours(query, count, static_cast<size_t>(options.top), similarity)) {
        list[kEmbedKindNames[static_cast<size_t>(kShown[k])]].push_back(
            {{"row", row},
             {"text", sentences.texts[row]},
             {"subject", sentences.origins[row].subject},
             {"similarity", similarity(query, row)}});
      }
    }
    lists.push_back(std::move(list));
  }
  return lists;
}

json order_row(const std::string& name, const std::vector<TextOrigin>& origins,
               const Similarity& similarity) {
  const PairOrder order = pair_order(origins, similarity);
  return {{"embedding", name},
          {"module_over_subject", order.module_over_subject},
          {"subject_over_other", order.subject_over_other},
          {"nearest_same_module", order.nearest_same_module},
          {"nearest_same_subject", order.nearest_same_subject}};
}

json order_table(const Sentences& sentences, const Embedded& trained, const Embedded& random) {
  json rows = json::array();
  for (const auto& [suffix, embedded] :
       {std::pair("", &trained), std::pair(", random weights", &random)}) {
    for (size_t k = 0; k < kShownKinds; ++k) {
      rows.push_back(
          order_row(std::string(kEmbedKindNames[static_cast<size_t>(kShown[k])]) + suffix,
                    sentences.origins, embedded->similarity(k)));
    }
  }
  const auto words = tfidf(sentences.texts);
  rows.push_back(order_row("TF-IDF", sentences.origins,
                           [&](size_t i, size_t j) { return sparse_dot(words[i], words[j]); }));
  return rows;
}

void print_neighbours(const json& lists) {
  constexpr size_t kColumn = 38;
  for (const json& list : lists) {
    fmt::print("\n\"{}\"  [{}]\n  ", list["text"].get<std::string>(),
               list["subject"].get<std::string>());
    for (EmbedKind kind : kShown) {
      fmt::print("{:<{}}", kEmbedKindNames[static_cast<size_t>(kind)], kColumn + 2);
    }
    const size_t shown = list["hidden"].size();
    for (size_t i = 0; i < shown; ++i) {
      fmt::print("\n  ");
      for (EmbedKind kind : kShown) {
        const json& found = list[kEmbedKindNames[static_cast<size_t>(kind)]][i];
        fmt::print("{}  ", clipped(fmt::format("{:.2f} [{}] {}", found["similarity"].get<double>(),
                                               found["subject"].get<std::string>(),
                                               found["text"].get<std::string>()),
                                   kColumn));
      }
    }
    fmt::print("\n");
  }
}

void print_orders(const json& rows) {
  fmt::print(
      "\nHow often similarity orders two pairs of sentences rightly (50 % is chance), and whose "
      "the\n"
      "nearest neighbour is. Modules are sections of a book, subjects are books.\n\n"
      "{:<26}{:>18}{:>18}{:>16}{:>16}\n",
      "", "same module >", "same subject >", "nearest is of", "nearest is of");
  fmt::print("{:<26}{:>18}{:>18}{:>16}{:>16}\n", "", "same subject", "other subject", "same module",
             "same subject");
  for (const json& row : rows) {
    fmt::print("{:<26}", row["embedding"].get<std::string>());
    fmt::print("{:>16.1f} %{:>16.1f} %", 100 * row["module_over_subject"].get<double>(),
               100 * row["subject_over_other"].get<double>());
    fmt::print("{:>14.1f} %{:>14.1f} %\n", 100 * row["nearest_same_module"].get<double>(),
               100 * row["nearest_same_subject"].get<double>());
  }
}

void demo(const Options& options) {
  const Sentences sentences = read_sentences();
  const Embedded trained = embed_all(options, options.embed.model, sentences.texts);
  const Embedded random = embed_randomly(options, sentences.texts);
  json report = {
      {"model", options.embed.model.model.empty() ? kDefaultModel : options.embed.model.model},
      {"prompt", options.embed.prompt},
      {"compute", compute_name(options.embed.model.compute_type())},
      {"simd", default_kernels().name},
      {"sentences", sentences.texts.size()},
      {"tokens", trained.tokens},
      {"seconds", trained.seconds},
      {"tokens_per_second", static_cast<double>(trained.tokens) / trained.seconds},
      {"neighbours", neighbour_lists(options, sentences, trained)},
      {"order", order_table(sentences, trained, random)}};
  report.update(trained.edit);
  if (options.json) {
    print_json(report);
    return;
  }
  fmt::print(
      "{} sentences of OpenStax books embedded by {}: {} tokens in {:.2f} s, {:.0f} tokens/s ({}, "
      "{})\n",
      sentences.texts.size(), report["model"].get<std::string>(), trained.tokens, trained.seconds,
      report["tokens_per_second"].get<double>(), report["compute"].get<std::string>(),
      default_kernels().name);
  print_neighbours(report["neighbours"]);
  print_orders(report["order"]);
  fmt::print(
      "\nEmbed texts of your own:  expertoire embed --kind sum --input texts.txt --out "
      "vectors.npy\n");
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->embed.prompt = "prompteol";
  options->embed.add_to(app);
  options->embed.add_prompt(app);
  app.add_option("--alpha", options->embed.alpha, "Weight of routing in sum")
      ->capture_default_str();
  app.add_option("--queries", options->queries, "Sentences whose neighbours are shown")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--top", options->top, "Neighbours of each")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  app.add_flag("--json", options->json, "As JSON");
  return [options] { demo(*options); };
}

}  // namespace

extern const Command kDemoCommand = {
    "demo", "The sentences that ship, embedded: neighbours, speed, and controls", setup};

}  // namespace expertoire::cli
