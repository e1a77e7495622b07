// expertoire trace
#include <fmt/format.h>

#include <cstring>
#include <fstream>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "engine/capture.h"
#include "io/atomic_file.h"
#include "io/text_source.h"
#include "io/token_ids.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  ModelOptions model;
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

std::vector<std::string> stages_of(const Options& options) {
  std::vector<std::string> stages = {"topk_ids", "topk_weights", "shared_weights"};
  if (options.logits) stages.emplace_back("router_logits");
  return stages;
}

void trace_lines(const Options& options, LoadedModel& loaded, const std::vector<int>& layers) {
  std::unique_ptr<AtomicFile> file;
  if (!options.out.empty() && options.out != "-") file = std::make_unique<AtomicFile>(options.out);
  int64_t index = 0;
  for_each_input(options, loaded, [&](const std::vector<int32_t>& ids) {
    Capture capture(stages_of(options));
    capture.run(*loaded.session, {&ids, 1});
    const json line = record(capture, layers, options.logits, ids, index++);
    if (file) {
      file->write(line.dump() + "\n");
    } else {
      print_json(line);
    }
  });
  if (file) file->commit();
}

void trace_tensors(const Options& options, LoadedModel& loaded) {
  Capture capture(stages_of(options));
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
  write_safetensors(options.out, tensors);
}

void trace(const Options& options) {
  if (!options.out.empty() && options.out != "-") check_writable(options.out);
  LoadedModel loaded(options.model, false);
  std::vector<int> layers;
  for (int layer = 0; layer < loaded.model->config().num_hidden_layers; ++layer) {
    if (loaded.model->config().sparse[static_cast<size_t>(layer)]) layers.push_back(layer);
  }
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
  app.add_option("--input", options->input, "One text a line: .jsonl, .txt, or - for stdin")
      ->capture_default_str();
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_option("--ids", options->ids, "JSON list of lists of token ids, instead of texts");
  app.add_option("--out", options->out, ".jsonl or .safetensors (default: JSON Lines on stdout)");
  app.add_flag("--logits", options->logits, "The router's logits of all experts too");
  return [options] { trace(*options); };
}

}  // namespace

extern const Command kTraceCommand = {"trace", "Which experts each token used, layer by layer",
                                      setup};

}  // namespace expertoire::cli
