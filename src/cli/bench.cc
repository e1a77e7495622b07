// expertoire bench: how fast this machine runs a model.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/common.h"

namespace expertoire::cli {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

struct Options {
  ModelOptions model;
  int texts = 64, tokens = 32, decode = 32, repeats = 5;
  bool json = false;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Made-up ids: routing spreads them over the experts.
std::vector<std::vector<int32_t>> make_texts(const Options& options, int64_t vocab) {
  std::vector<std::vector<int32_t>> texts(static_cast<size_t>(options.texts));
  uint64_t state = 12345;
  for (std::vector<int32_t>& ids : texts) {
    for (int i = 0; i < options.tokens; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      ids.push_back(static_cast<int32_t>((state >> 33) % static_cast<uint64_t>(vocab)));
    }
  }
  return texts;
}

double prefill(Session& session, const std::vector<std::vector<int32_t>>& texts) {
  const std::vector<std::span<const int32_t>> spans(texts.begin(), texts.end());
  const auto start = Clock::now();
  session.forward_once(spans);
  return seconds_since(start);
}

// One text, token by token, each with the lm_head.
double decode(Session& session, int32_t id, int steps) {
  KvCache cache = session.new_cache();
  std::vector<float> logits(static_cast<size_t>(session.model().config().vocab_size));
  const auto start = Clock::now();
  for (int i = 0; i < steps; ++i) {
    const Chunk chunk{&cache, {&id, 1}};
    session.forward({&chunk, 1});
    const int64_t row = session.decoder().last_row(0);
    session.decoder().logits({&row, 1}, logits.data());
    id = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  return seconds_since(start);
}

// The first run warms up and does not count.
json measure(const Options& options, int64_t tokens, const std::function<double()>& run) {
  std::vector<double> seconds;
  for (int i = -1; i < options.repeats; ++i) {
    const double taken = run();
    if (i >= 0) seconds.push_back(taken);
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  return {{"tokens", tokens},
          {"median_seconds", median},
          {"best_seconds", seconds.front()},
          {"worst_seconds", seconds.back()},
          {"tokens_per_second", static_cast<double>(tokens) / median}};
}

void bench(const Options& options) {
  const auto start = Clock::now();
  LoadedModel loaded(options.model, true);
  const double load_seconds = seconds_since(start);
  Session& session = *loaded.session;
  const auto texts = make_texts(options, loaded.model->config().vocab_size);
  const int64_t tokens = int64_t{options.texts} * options.tokens;
  const json report = {
      {"provenance", loaded.provenance(options.model)},
      {"threads", session.executor().pool().threads()},
      {"load_seconds", load_seconds},
      {"weight_bytes", loaded.model->weight_bytes()},
      {"prefill", measure(options, tokens, [&] { return prefill(session, texts); })},
      {"decode", measure(options, options.decode,
                         [&] { return decode(session, texts[0][0], options.decode); })}};
  if (options.json) {
    print_json(report);
    return;
  }
  const json& about = report["provenance"];
  fmt::print("{}, {}, {}, {} threads: {:.1f} MB of weights loaded in {:.2f} s\n",
             about["model"].get<std::string>(), about["compute"].get<std::string>(),
             about["simd"].get<std::string>(), report["threads"].get<int>(),
             static_cast<double>(loaded.model->weight_bytes()) / 1e6, load_seconds);
  fmt::print("prefill  {:9.0f} tokens/s  ({} texts of {} tokens at once)\n",
             report["prefill"]["tokens_per_second"].get<double>(), options.texts, options.tokens);
  fmt::print("decode   {:9.0f} tokens/s  (one text, {} tokens)\n",
             report["decode"]["tokens_per_second"].get<double>(), options.decode);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.add_option("--texts", options->texts, "Texts of one forward pass")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  app.add_option("--tokens", options->tokens, "Tokens of each")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--decode", options->decode, "Tokens decoded one by one")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--repeats", options->repeats, "Runs, of which the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { bench(*options); };
}

}  // namespace

extern const Command kBenchCommand = {"bench", "How fast this machine runs a model", setup};

}  // namespace expertoire::cli
