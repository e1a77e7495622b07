#include "cli/eval_embedding.h"

#include <fmt/format.h>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/npy.h"

namespace expertoire::cli {
namespace {

struct OtherSystem {
  System about;
  SystemVectors vectors;
};

OtherSystem read_other(const std::string& option, size_t texts) {
  const size_t at = option.find('=');
  if (at == 0 || at == std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading --vectors", option, "NAME=F.npy", "name the system: it has a row"});
  }
  const std::string path = option.substr(at + 1);
  NpyMatrix matrix = read_npy(path);
  if (matrix.rows != static_cast<int64_t>(texts)) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + path, fmt::format("{} vectors", matrix.rows),
                 fmt::format("one for each of the {} texts", texts),
                 "embed the lines of --texts-out, in their order"});
  }
  TextVectors vectors(matrix.columns);
  vectors.values = std::move(matrix.values);
  OtherSystem other{{.name = option.substr(0, at)}, std::move(vectors)};
  other.about.provenance = {{"vectors", path}, {"vectors_hash", file_hash(path)}};
  return other;
}

std::vector<OtherSystem> read_others(const EmbeddingEvalOptions& options, size_t texts) {
  std::vector<OtherSystem> all;
  for (const std::string& option : options.vectors) all.push_back(read_other(option, texts));
  return all;
}

void write_texts(const std::string& path, const std::vector<std::string>& texts) {
  AtomicFile file(path);
  for (const std::string& text : texts) {
    const nlohmann::json line = {{"text", text}};
    file.write(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  file.commit();
}

}  // namespace

void EmbeddingEvalOptions::add_to(CLI::App& app, const std::vector<std::string>& fields) {
  data.add_to(app, fields);
  systems.add_to(app);
  app.add_option("--texts-out", texts_out,
                 "Also every text once, a .jsonl file: what --vectors wants the vectors of");
  app.add_option("--vectors", vectors,
                 "NAME=F.npy: a row for another system, whose vectors (float32) of the lines of "
                 "--texts-out F.npy holds in their order; several = a row each");
}

void run_embedding_eval(const EmbeddingEvalOptions& options, const TextTable& texts,
                        const ScoreVectors& score) {
  const nlohmann::json data = options.data.provenance();
  if (!options.texts_out.empty()) write_texts(options.texts_out, texts.texts());
  const std::vector<OtherSystem> others = read_others(options, texts.size());
  std::vector<EvalResult> results;
  const auto add = [&](const System& system, const SystemVectors& vectors) {
    for (EvalResult& result : score(vectors)) {
      result.system = system.name;
      result.details.update(system.about);
      result.provenance.update(system.provenance);
      result.provenance.update(data);
      if (!options.data.items) result.items.clear();
      results.push_back(std::move(result));
    }
  };
  for_each_system(options.systems, texts.texts(), add);
  for (const OtherSystem& other : others) add(other.about, other.vectors);
  options.data.publish(results);
}

}  // namespace expertoire::cli
