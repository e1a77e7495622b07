// expertoire trace
#include <fmt/format.h>

#include <cstring>
#include <fstream>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/token_experts.h"
#include "engine/capture.h"
#include "io/atomic_file.h"
#include "io/text_source.h"
#include "io/token_ids.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  ModelOptions model{kExpertsModel};
  std::string input = "-", field = "text", ids, out;
  bool logits = false;
};

// Calls body with the tokens of each input, one after the other.
void for_each_input(const Options& options, const LoadedModel& loaded,
                    const std::function<void(const std::vector<int32_t>&)>& body) {
  ProgressBar bar("texts");
  int64_t done = 0;
  const auto one = [&](const std::vector<int32_t>& ids) {
    interrupt_token().check("tracing");
    body(ids);
    bar.update(++done, std::nullopt);
  };
  if (!options.ids.empty()) {
    for (const std::vector<int32_t>& ids : read_ids(options.ids)) one(ids);
    return;
  }
  const Tokenizer tokenizer = loaded.tokenizer();
  TextSource texts(options.input, options.field);
  while (const auto text = texts.next()) one(tokenizer.encode(*text));
}

// Joint experts of factored routing, by layer and token.
class JointTrace final : public RoutingSink {
 public:
  /// `capture` sees what this sees.
  explicit JointTrace(Capture& capture) : capture_(capture) {}

  void on_routing(const RoutingEvent& event) override {
    capture_.on_routing(event);
    if (const FactoredRouting* routing = event.factored()) {
      for (int64_t t = 0; t < routing->tokens; ++t) {
        experts_[event.layer].push_back(routing->joint(t, kTracedScore));
      }
    }
  }

  // [tokens][layers][experts]
  template <class Get>
  json by_token(size_t tokens, Get get) const {
    json rows = json::array();
    for (size_t t = 0; t < tokens; ++t) {
      json row = json::array();
      for (const auto& [layer, of_tokens] : experts_) {
        json values = json::array();
        for (const JointExpert& expert : of_tokens[t]) values.push_back(get(expert));
        row.push_back(std::move(values));
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  Capture& capture_;
  std::map<int, std::vector<std::vector<JointExpert>>> experts_;
};

// [tokens][layers][width] from the per-layer tensors of a capture.
template <class T>
json by_token(const Capture& capture, const std::string& stage, const std::vector<int>& layers,
              int64_t tokens) {
  json rows = json::array();
  for (int64_t t = 0; t < tokens; ++t) {
    json row = json::array();
    for (int layer : layers) {
      const CapturedTensor& tensor = capture.tensors().at(fmt::format("{}.{}", stage, layer));
      std::vector<T> values(static_cast<size_t>(tensor.width));
      const size_t bytes = values.size() * sizeof(T);
      std::memcpy(values.data(), tensor.bytes.data() + static_cast<size_t>(t) * bytes, bytes);
      row.push_back(values);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

json record(const Capture& capture, const std::vector<int>& layers, bool logits,
            const std::vector<int32_t>& ids, int64_t index) {
  const int64_t tokens = static_cast<int64_t>(ids.size());
  json line = {{"index", index},
               {"ids", ids},
               {"layers", layers},
               {"routed_experts", by_token<int32_t>(capture, "topk_ids", layers, tokens)},
               {"routed_weights", by_token<float>(capture, "topk_weights", layers, tokens)}};
  if (logits) line["router_logits"] = by_token<float>(capture, "router_logits", layers, tokens);
  if (capture.tensors().contains(fmt::format("shared_weights.{}", layers.front()))) {
    line["shared_weights"] = by_token<float>(capture, "shared_weights", layers, tokens);
  }
  return line;
}

// The same for factored routing: its joint experts, as many as a token has.
json joint_record(const Options& options, LoadedModel& loaded, const std::vector<int>& layers,
                  const std::vector<int32_t>& ids, int64_t index) {
  using Stages = std::vector<std::string>;
  const Stages stages = options.logits ? Stages{"router_logits1", "router_logits2"} : Stages{};
  Capture capture(stages);
  JointTrace trace(capture);
  const std::span<const int32_t> text = ids;
  loaded.session->forward_once({&text, 1}, &trace);
  json line = {
      {"index", index},
      {"ids", ids},
      {"layers", layers},
      {"routed_experts", trace.by_token(ids.size(), [](const JointExpert& e) { return e.id; })},
      {"routed_weights", trace.by_token(ids.size(), [](const JointExpert& e) { return e.score; })}};
  for (const std::string& stage : stages) {
    line[stage] = by_token<float>(capture, stage, layers, static_cast<int64_t>(ids.size()));
  }
  return line;
}

bool is_factored(const LoadedModel& loaded) { return loaded.model->config().monet.keys > 0; }

std::vector<std::string> stages_of(const Options& options, const LoadedModel& loaded) {
  if (is_factored(loaded)) {
    std::vector<std::string> stages = {"joint_top_ids", "joint_top_scores", "active1", "active2",
                                       "experts_above_1e-2"};
    if (options.logits) stages.insert(stages.end(), {"router_logits1", "router_logits2"});
    return stages;
  }
  std::vector<std::string> stages = {"topk_ids", "topk_weights", "shared_weights"};
  if (options.logits) stages.emplace_back("router_logits");
  return stages;
}

json top_k_record(const Options& options, LoadedModel& loaded, const std::vector<int>& layers,
                  const std::vector<int32_t>& ids, int64_t index) {
  Capture capture(stages_of(options, loaded));
  capture.run(*loaded.session, {&ids, 1});
  return record(capture, layers, options.logits, ids, index);
}

void trace_lines(const Options& options, LoadedModel& loaded, const std::vector<int>& layers) {
  std::unique_ptr<AtomicFile> file;
  if (!options.out.empty() && options.out != "-") file = std::make_unique<AtomicFile>(options.out);
  int64_t index = 0;
  for_each_input(options, loaded, [&](const std::vector<int32_t>& ids) {
    json line =
        (is_factored(loaded) ? joint_record : top_k_record)(options, loaded, layers, ids, index++);
    line.update(loaded.edit);
    if (file) {
      file->write(line.dump() + "\n");
    } else {
      print_json(line);
    }
  });
  if (file) file->commit();
}

void trace_tensors(const Options& options, LoadedModel& loaded) {
  Capture capture(stages_of(options, loaded));
  std::vector<int32_t> all_ids;
  std::vector<int32_t> lengths;
  for_each_input(options, loaded, [&](const std::vector<int32_t>& ids) {
    capture.run(*loaded.session, {&ids, 1});
    all_ids.insert(all_ids.end(), ids.begin(), ids.end());
    lengths.push_back(static_cast<int32_t>(ids.size()));
  });
  std::vector<NamedTensor> tensors = capture.named_tensors();
  const auto integers = [&](const char* name, const std::vector<int32_t>& values) {
    tensors.push_back({name,
                       {DType::kI32,
                        {static_cast<int64_t>(values.size())},
                        reinterpret_cast<const std::byte*>(values.data()),
                        values.size() * sizeof(int32_t)}});
  };
  integers("input_ids", all_ids);
  integers("seq_lens", lengths);
  write_safetensors(options.out, tensors, loaded.provenance(options.model));
}

void trace(const Options& options) {
  if (!options.out.empty() && options.out != "-") {
    check_ending(options.out, {".jsonl", ".safetensors"});
    check_writable(options.out);
  }
  LoadedModel loaded(options.model, false);
  const std::vector<int> layers = loaded.model->config().routing_layers();
  if (layers.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"tracing", "a dense model", "a model with experts", ""});
  }
  if (options.out.ends_with(".safetensors")) {
    trace_tensors(options, loaded);
  } else {
    trace_lines(options, loaded, layers);
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  auto* input =
      app.add_option("--input", options->input, "One text a line: .jsonl, .txt, or - for stdin");
  input->capture_default_str();
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_option("--ids", options->ids, "JSON list of lists of token ids, instead of texts")
      ->excludes(input);
  app.add_option("--out", options->out, ".jsonl or .safetensors (default: JSON Lines on stdout)");
  app.add_flag("--logits", options->logits, "The router's logits of all experts too");
  return [options] { trace(*options); };
}

}  // namespace

extern const Command kTraceCommand = {"trace", "Which experts each token used, layer by layer",
                                      setup};

}  // namespace expertoire::cli
