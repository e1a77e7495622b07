#include "cli/eval_embedding.h"

namespace expertoire::cli {

void EmbeddingEvalOptions::add_to(CLI::App& app, const std::vector<std::string>& fields) {
  data.add_to(app, fields);
  systems.add_to(app);
}

void run_embedding_eval(const EmbeddingEvalOptions& options, const TextTable& texts,
                        const ScoreVectors& score) {
  const nlohmann::json data = options.data.provenance();
  std::vector<EvalResult> results;
  for_each_system(options.systems, texts.texts(),
                  [&](const System& system, const SystemVectors& vectors) {
                    for (EvalResult& result : score(vectors)) {
                      result.system = system.name;
                      result.details.update(system.about);
                      result.provenance.update(system.provenance);
                      result.provenance.update(data);
                      if (!options.data.items) result.items.clear();
                      results.push_back(std::move(result));
                    }
                  });
  options.data.publish(results);
}

}  // namespace expertoire::cli
