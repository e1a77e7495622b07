#include "analysis/expert_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "analysis/index_tables.h"
#include "analysis/passages.h"
#include "base/content_hash.h"
#include "base/error.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

double number_in(const std::map<std::string, std::string>& meta, const std::string& key,
                 const std::string& path) {
  const auto found = meta.find(key);
  char* end = nullptr;
  const double value = found == meta.end() ? 0 : std::strtod(found->second.c_str(), &end);
  if (end == nullptr || *end != '\0') bad_file(path, "no number " + in_quotes(key), "one");
  return value;
}

IndexInfo read_info(const Database& database) {
  IndexInfo info;
  info.provenance = read_meta(database);
  if (!info.provenance.contains("complete")) {
    throw Error(ErrorCode::kInvalidArgument,
                {fmt::format("opening {}", database.path()), "an index that is not finished", "",
                 "finish it with `expertoire experts index --resume`"});
  }
  info.threshold = number_in(info.provenance, "threshold", database.path());
  info.support = number_in(info.provenance, "support", database.path());
  Statement labels = database.prepare("SELECT name, documents, tokens FROM labels ORDER BY id");
  while (labels.step()) {
    info.labels.push_back(labels.text(0));
    info.label_documents.push_back(labels.integer(1));
    info.label_tokens.push_back(labels.integer(2));
    info.documents += labels.integer(1);
    info.tokens += labels.integer(2);
  }
  return info;
}

// Fills the masses of `info` too.
std::vector<IndexedLayer> read_layers(const Database& database, IndexInfo& info) {
  std::vector<IndexedLayer> layers;
  Statement rows = database.prepare(
      "SELECT layer, experts, keys, heads, top_k, mass, dropped FROM layers ORDER BY layer");
  while (rows.step()) {
    const auto integer = [&](int column) { return static_cast<int>(rows.integer(column)); };
    const IndexedLayer layer{integer(0), rows.integer(1), integer(2), integer(3), integer(4)};
    const int64_t keys = layer.keys;
    const bool sound = layer.layer >= 0 && layer.experts > 0 && layer.experts <= INT32_MAX &&
                       keys >= 0 && keys <= 46340 && layer.heads > 0 &&
                       (keys == 0 || layer.experts == keys * keys);
    if (!sound) bad_file(database.path(), fmt::format("layer {} of no shape", layer.layer), "");
    layers.push_back(layer);
    info.layer_mass.push_back(rows.real(5));
    info.layer_dropped.push_back(rows.real(6));
  }
  return layers;
}

// FTS5's own syntax has more than words, and errors of its own: each word is quoted. What stands in
// quotes stays together, and a word may end in *.
std::string fts_query(const std::string& words) {
  std::string query, word;
  bool quoted = false;
  const auto end_word = [&] {
    const bool prefix = !quoted && word.ends_with('*');
    if (prefix) word.pop_back();
    const bool speaks = std::ranges::any_of(
        word, [](unsigned char c) { return c >= 0x80 || std::isalnum(c) != 0; });
    if (speaks) query += fmt::format("\"{}\"{} ", word, prefix ? "*" : "");
    word.clear();
  };
  for (char c : words) {
    if (c == '"') {
      end_word();
      quoted = !quoted;
    } else if (!quoted && (c == ' ' || c == '\t' || c == '\n')) {
      end_word();
    } else {
      word += c;
    }
  }
  end_word();
  if (query.empty()) {
    throw Error(ErrorCode::kInvalidArgument, {"searching", in_quotes(words), "a word or more", ""});
  }
  return query;
}

}  // namespace

ExpertIndex::ExpertIndex(const std::string& path, bool writable)
    : path_(path),
      database_(std::make_unique<Database>(
          path, writable ? Database::Mode::kWrite : Database::Mode::kRead)) {
  check_index_tables(*database_);
  info_ = read_info(*database_);
  units_ = std::make_unique<UnitTable>(read_layers(*database_, info_));
}

std::optional<UnitRecord> ExpertIndex::find(const Unit& unit) const {
  Statement row =
      database_->prepare(fmt::format("SELECT id, {} FROM units WHERE id = ?", kUnitColumns));
  row.bind(units_->number(unit));
  if (!row.step()) return std::nullopt;
  return sorted(read_unit(row, *units_, info_.labels.size()));
}

void ExpertIndex::for_each(const std::function<void(const UnitRecord&)>& take) const {
  Statement rows =
      database_->prepare(fmt::format("SELECT id, {} FROM units ORDER BY id", kUnitColumns));
  while (rows.step()) take(sorted(read_unit(rows, *units_, info_.labels.size())));
}

std::vector<UnitSummary> ExpertIndex::summaries() const {
  std::vector<UnitSummary> all;
  Statement rows = database_->prepare("SELECT id, count, mass, max FROM units ORDER BY id");
  while (rows.step()) {
    all.push_back({read_unit_number(rows, 0, *units_), rows.integer(1), rows.real(2),
                   static_cast<float>(rows.real(3))});
  }
  return all;
}

IndexedDocument ExpertIndex::document(int32_t number) const {
  Statement row =
      database_->prepare("SELECT name, label, ids, text, pieces FROM documents WHERE id = ?");
  row.bind(number);
  if (!row.step()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + path_, fmt::format("document {}", number),
                 fmt::format("less than {}", info_.documents), ""});
  }
  IndexedDocument document{number, row.text(0), static_cast<int>(row.integer(1)),
                           row.array<int32_t>(2), split({row.text(3), row.array<uint32_t>(4)})};
  if (document.pieces.size() != document.ids.size() || document.label < 0 ||
      static_cast<size_t>(document.label) >= info_.labels.size()) {
    bad_file(path_, fmt::format("document {} of parts that do not fit", number), "");
  }
  return document;
}

void ExpertIndex::for_each_document(
    const std::function<void(int32_t, int, int64_t, std::span<const int32_t>,
                             std::span<const float>)>& take) const {
  Statement rows =
      database_->prepare("SELECT id, label, tokens, units, masses FROM documents ORDER BY id");
  while (rows.step()) {
    const std::vector<int32_t> units = rows.array<int32_t>(3);
    const std::vector<float> masses = rows.array<float>(4);
    const int64_t label = rows.integer(1);
    if (units.size() != masses.size() || label < 0 ||
        static_cast<size_t>(label) >= info_.labels.size()) {
      bad_file(path_, fmt::format("document {} of parts that do not fit", rows.integer(0)), "");
    }
    take(static_cast<int32_t>(rows.integer(0)), static_cast<int>(label), rows.integer(2), units,
         masses);
  }
}

std::vector<PassageHit> ExpertIndex::search(const std::string& query, size_t most) const {
  Statement rows = database_->prepare(
      "SELECT document, begin, end, -bm25(passages_fts) AS score FROM passages_fts "
      "JOIN passages ON passages.id = passages_fts.rowid WHERE passages_fts MATCH ? "
      "ORDER BY score DESC, passages.id LIMIT ?");
  rows.bind(fts_query(query)).bind(static_cast<int64_t>(most));
  std::vector<PassageHit> hits;
  while (rows.step()) {
    const auto integer = [&](int column) { return static_cast<int32_t>(rows.integer(column)); };
    hits.push_back({integer(0), integer(1), integer(2), rows.real(3)});
  }
  return hits;
}

std::vector<uint32_t> ExpertIndex::together(int layer, UnitKind kind) const {
  Statement row = database_->prepare("SELECT counts FROM together WHERE layer = ? AND kind = ?");
  row.bind(layer).bind(static_cast<int>(kind));
  if (!row.step()) return {};
  std::vector<uint32_t> counts = row.array<uint32_t>(0);
  const IndexedLayer& entry = units_->layer(layer);
  const auto n = static_cast<size_t>(kind == UnitKind::kExpert ? entry.experts : entry.keys);
  if (counts.size() != n * n) {
    bad_file(path_, fmt::format("{} counts of pairs", counts.size()), fmt::format("{}", n * n));
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) counts[i * n + j] = counts[j * n + i];
  }
  return counts;
}

bool same_model(const ExpertIndex& a, const ExpertIndex& b) {
  const auto weights = [](const ExpertIndex& index) {
    const auto found = index.info().provenance.find("weights_hash");
    return found == index.info().provenance.end() ? std::string() : found->second;
  };
  return weights(a) == weights(b) && a.units().layers() == b.units().layers();
}

void check_same_model(const ExpertIndex& index, const Model& model) {
  const std::map<std::string, std::string>& from = index.info().provenance;
  const auto weights = from.find("weights_hash");
  if (weights != from.end() && weights->second == content_hash(model.weights_sample())) return;
  const auto name = from.find("model");
  throw Error(
      ErrorCode::kInvalidArgument,
      {fmt::format("using the index {}", index.path()), fmt::format("the model {}", model.folder()),
       fmt::format("the one that the index was made with ({})",
                   name == from.end() ? "not said" : name->second),
       "index the corpus with this model, or name the other one with --model"});
}

}  // namespace expertoire
