#include "analysis/export_neuronpedia.h"

#include <fmt/format.h>

#include <map>

#include "io/folder_writer.h"
#include "io/gzip.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr int kBatch = 1024;  // units of a file

std::string line(const json& row) {
  return row.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// Rows of a source that are not written yet.
struct Batch {
  int number = 0, units = 0;
  std::string features, activations, explanations;
};

class Writer {
 public:
  Writer(const ExportedUnits& units, FolderWriter& out, const NeuronpediaOptions& options)
      : rows_(units.index(), options), out_(out) {}

  void add(const UnitView& view) {
    const Unit& unit = view.record.unit;
    const NeuronpediaSource source{unit.layer, unit.kind};
    const auto [entry, fresh] = batches_.try_emplace(source);
    if (fresh) begin(source);
    Batch& batch = entry->second;
    batch.features += line(rows_.feature(source, view));
    for (size_t i = 0; i < view.contexts.size(); ++i) {
      batch.activations += line(rows_.activation(source, view, i));
    }
    for (const UnitLabel& label : view.labels) {
      batch.explanations += line(rows_.explanation(source, view, label));
    }
    if (++batch.units == kBatch) write(source, batch);
  }

  void finish() {
    for (auto& [source, batch] : batches_) {
      if (batch.units > 0) write(source, batch);
    }
  }

 private:
  std::string path(const NeuronpediaSource& source) const {
    return rows_.model_name() + "/" + source.id();
  }

  void begin(const NeuronpediaSource& source) const {
    const std::pair<const char*, json> tables[] = {{"release", rows_.release()},
                                                   {"model", rows_.model()},
                                                   {"sourceset", rows_.source_set(source)},
                                                   {"source", rows_.source(source)}};
    for (const auto& [name, row] : tables) {
      out_.write(fmt::format("{}/{}.jsonl", path(source), name), line(row));
    }
  }

  void write(const NeuronpediaSource& source, Batch& batch) const {
    const std::pair<const char*, std::string*> parts[] = {{"features", &batch.features},
                                                          {"activations", &batch.activations},
                                                          {"explanations", &batch.explanations}};
    for (const auto& [part, rows] : parts) {
      out_.write(fmt::format("{}/{}/batch-{}.jsonl.gz", path(source), part, batch.number),
                 gzip(*rows));
      rows->clear();
    }
    batch.units = 0;
    ++batch.number;
  }

  NeuronpediaRows rows_;
  FolderWriter& out_;
  std::map<NeuronpediaSource, Batch> batches_;
};

}  // namespace

void export_neuronpedia(ExportedUnits& units, const std::string& folder,
                        const NeuronpediaOptions& options,
                        const std::function<void(int64_t done)>& progress) {
  FolderWriter out(folder);
  Writer writer(units, out, options);
  int64_t done = 0;
  units.for_each([&](const UnitView& view) {
    writer.add(view);
    progress(++done);
  });
  writer.finish();
  out.commit();
}

}  // namespace expertoire
