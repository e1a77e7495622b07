#include "support/planted_contexts.h"

#include <algorithm>
#include <map>
#include <random>

#include "analysis/index_tables.h"
#include "analysis/passages.h"

namespace expertoire::test {
namespace {

struct Planted {
  Database database;
  std::map<std::string, int64_t> labels;
  std::map<std::string, int32_t> vocabulary;
  std::vector<UnitRecord> units;
};

void count_use(UnitRecord& unit, int32_t document, size_t position, float score, int32_t in_it) {
  unit.count += 1;
  unit.mass += score;
  unit.max = std::max(unit.max, score);
  if (in_it < 2) unit.contexts.push_back({document, static_cast<int32_t>(position), score});
}

void count_label(UnitRecord& unit, size_t label, int64_t uses, double mass) {
  if (unit.labels.size() <= label) unit.labels.resize(label + 1);
  LabelUse& use = unit.labels[label];
  use.count += static_cast<uint32_t>(uses);
  use.mass += mass;
  use.documents += 1;
}

void write_document(Planted& index, int32_t number, const PlantedDocument& document,
                    const std::vector<PlantedExpert>& experts) {
  std::vector<int32_t> ids, units;
  std::vector<float> masses;
  for (const std::string& piece : document.pieces) {
    ids.push_back(index.vocabulary.try_emplace(piece, static_cast<int32_t>(index.vocabulary.size()))
                      .first->second);
  }
  const int64_t label =
      index.labels.try_emplace(document.label, static_cast<int64_t>(index.labels.size()))
          .first->second;
  for (size_t e = 0; e < experts.size(); ++e) {
    float mass = 0;
    int32_t uses = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      const float score = experts[e](document.pieces, i);
      if (score <= 0) continue;
      count_use(index.units[e], number, i, score, uses++);
      mass += score;
    }
    if (mass <= 0) continue;
    count_label(index.units[e], static_cast<size_t>(label), uses, mass);
    units.push_back(static_cast<int32_t>(e));
    masses.push_back(mass);
  }
  const TokenText text = join(document.pieces);
  index.database.prepare("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(int64_t{number})
      .bind(index.database.path() + " " + std::to_string(number))
      .bind(label)
      .bind(static_cast<int64_t>(ids.size()))
      .bind(text.text)
      .bind_array<int32_t>(ids)
      .bind_array<uint32_t>(text.begins)
      .bind_array<int32_t>(units)
      .bind_array<float>(masses)
      .run();
}

void write_labels_and_units(Planted& index, const std::vector<PlantedDocument>& documents,
                            size_t contexts) {
  for (const auto& [name, id] : index.labels) {
    int64_t count = 0, tokens = 0;
    for (const PlantedDocument& document : documents) {
      if (document.label != name) continue;
      ++count;
      tokens += static_cast<int64_t>(document.pieces.size());
    }
    index.database.prepare("INSERT INTO labels VALUES (?, ?, ?, ?)")
        .bind(id)
        .bind(name)
        .bind(count)
        .bind(tokens)
        .run();
  }
  Statement insert = index.database.prepare("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (UnitRecord& unit : index.units) {
    if (unit.count == 0) continue;
    unit = sorted(std::move(unit));
    if (unit.contexts.size() > contexts) unit.contexts.resize(contexts);
    write_unit(insert, unit.unit.id, unit);
  }
}

}  // namespace

std::string write_planted_index(const TempDir& folder, const std::string& name,
                                const std::vector<PlantedDocument>& documents,
                                const std::vector<PlantedExpert>& experts, size_t contexts,
                                const std::string& weights) {
  Planted index{Database(folder.file(name), Database::Mode::kCreate), {}, {}, {}};
  create_index_tables(index.database);
  index.database.transaction([&] {
    const std::map<std::string, std::string> meta = {
        {"complete", "1"}, {"threshold", "0"}, {"support", "0"}, {"weights_hash", weights}};
    for (const auto& [key, value] : meta) write_meta(index.database, key, value);
    index.database.prepare("INSERT INTO layers VALUES (0, ?, 0, 1, 1, 1, 0)")
        .bind(static_cast<int64_t>(experts.size()))
        .run();
    index.units.resize(experts.size());
    for (size_t e = 0; e < experts.size(); ++e) index.units[e].unit.id = static_cast<int64_t>(e);
    for (size_t i = 0; i < documents.size(); ++i) {
      write_document(index, static_cast<int32_t>(i), documents[i], experts);
    }
    write_labels_and_units(index, documents, contexts);
  });
  return folder.file(name);
}

std::vector<PlantedDocument> planted_documents(size_t count, uint32_t seed) {
  using Words = std::vector<std::string>;
  const std::map<std::string, Words> topics = {
      {"biology", {" cell", " membrane", " protein", " enzyme", " tissue", " organ", " gene"}},
      {"economics", {" market", " price", " demand", " supply", " firm", " wage", " trade"}},
      {"law", {" court", " judge", " law", " claim", " trial", " jury", " appeal"}}};
  const Words common = {" the", " a", " of", " and", " is", " in", " with", " some", " other"};
  std::mt19937 random(seed);
  const auto one_of = [&](const Words& words) { return words[random() % words.size()]; };
  std::vector<PlantedDocument> documents;
  for (size_t i = 0; i < count; ++i) {
    const auto topic = std::next(topics.begin(), static_cast<std::ptrdiff_t>(i % topics.size()));
    const bool numbers = random() % 3 == 0;
    PlantedDocument document{topic->first, {"The"}};
    // Each document knows only some of its topic's words.
    Words own = topic->second;
    std::shuffle(own.begin(), own.end(), random);
    own.resize(4);
    while (document.pieces.size() < 120) {
      document.pieces.push_back(one_of(random() % 2 == 0 ? common : own));
      if (numbers && random() % 12 == 0) {
        document.pieces.push_back(" " + std::to_string(random() % 90));
      }
      if (random() % 15 == 0) document.pieces.emplace_back(".");
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

}  // namespace expertoire::test
