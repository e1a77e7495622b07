#include "support/planted_index.h"

#include "analysis/index_tables.h"

namespace expertoire::test {
namespace {

void write_documents(const PlantedIndex& index, const UnitTable& units, const Database& database) {
  for (size_t i = 0; i < index.documents.size(); ++i) {
    const PlantedIndex::Document& document = index.documents[i];
    std::map<int32_t, float> masses;
    for (const auto& [name, mass] : document.masses) {
      masses[static_cast<int32_t>(units.number(units.parse(name)))] = mass;
    }
    std::vector<int32_t> numbers;
    std::vector<float> values;
    for (const auto& [number, mass] : masses) {
      numbers.push_back(number);
      values.push_back(mass);
    }
    Statement insert =
        database.prepare("INSERT INTO documents VALUES (?, ?, ?, ?, '', ?, x'', ?, ?)");
    insert.bind(static_cast<int64_t>(i)).bind(document.name).bind(document.label);
    insert.bind(document.tokens).bind_array<int32_t>(document.ids);
    insert.bind_array<int32_t>(numbers).bind_array<float>(values).run();
  }
}

std::map<int64_t, UnitRecord> records_of(const PlantedIndex& index, const UnitTable& units) {
  std::map<int64_t, UnitRecord> records;
  const auto record_of = [&](const std::string& name) -> UnitRecord& {
    const Unit unit = units.parse(name);
    UnitRecord& record = records[units.number(unit)];
    record.unit = unit;
    record.labels.resize(index.labels.size());
    return record;
  };
  for (const PlantedIndex::Document& document : index.documents) {
    for (const auto& [name, mass] : document.masses) {
      UnitRecord& record = record_of(name);
      LabelUse& use = record.labels[static_cast<size_t>(document.label)];
      use.mass += mass;
      ++use.count;
      ++use.documents;
      record.mass += mass;
      ++record.count;
    }
  }
  for (const auto& [name, by_label] : index.rest) {
    UnitRecord& record = record_of(name);
    for (const auto& [label, mass] : by_label) {
      record.labels[static_cast<size_t>(label)].mass += mass;
      record.mass += mass;
      ++record.count;
    }
  }
  return records;
}

}  // namespace

void PlantedIndex::write(const std::string& path) const {
  const Database database(path, Database::Mode::kCreate);
  create_index_tables(database);
  database.transaction([&] { fill(database); });
}

void PlantedIndex::fill(const Database& database) const {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"complete", "1"},
                                                                     {"threshold", "0.01"},
                                                                     {"support", "0.1"},
                                                                     {"weights_hash", weights}}) {
    write_meta(database, key, value);
  }
  for (const IndexedLayer& layer : layers) {
    Statement insert = database.prepare("INSERT INTO layers VALUES (?, ?, ?, ?, ?, 0, 0)");
    insert.bind(layer.layer).bind(layer.experts).bind(layer.keys).bind(layer.heads);
    insert.bind(layer.top_k).run();
  }
  for (size_t label = 0; label < labels.size(); ++label) {
    int64_t count = 0, tokens = 0;
    for (const Document& document : documents) {
      if (document.label != static_cast<int>(label)) continue;
      ++count;
      tokens += document.tokens;
    }
    Statement insert = database.prepare("INSERT INTO labels VALUES (?, ?, ?, ?)");
    insert.bind(static_cast<int64_t>(label)).bind(labels[label]).bind(count).bind(tokens).run();
  }
  const UnitTable units(layers);
  write_documents(*this, units, database);
  Statement insert = database.prepare("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const auto& [number, record] : records_of(*this, units)) write_unit(insert, number, record);
}

}  // namespace expertoire::test
