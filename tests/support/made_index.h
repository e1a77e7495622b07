// An expert index that a test writes by hand, through the tables that `experts index` fills.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "analysis/expert_index.h"
#include "analysis/index_tables.h"
#include "analysis/passages.h"
#include "support/temp_dir.h"

namespace expertoire::test {

class MadeIndex {
 public:
  /// Two layers of 4 experts, and layer 4 of factored routing with 3 keys a side and 2 heads.
  explicit MadeIndex(std::vector<IndexedLayer> layers = {{0, 4, 0, 1, 2},
                                                         {1, 4, 0, 1, 2},
                                                         {4, 9, 3, 2, 2}})
      : table_(layers), path_(dir_.file("x.db")), database_(path_, Database::Mode::kCreate) {
    database_.run("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
    create_index_tables(database_);
    meta("threshold", "0.01");
    meta("support", "0");
    meta("complete", "1");
    meta("model", "made-up");
    meta("finished", "2026-01-02T03:04:05Z");
    for (const IndexedLayer& layer : layers) {
      database_.prepare("INSERT INTO layers VALUES (?, ?, ?, ?, ?, 100, 20)")
          .bind(layer.layer)
          .bind(layer.experts)
          .bind(layer.keys)
          .bind(layer.heads)
          .bind(layer.top_k)
          .run();
    }
  }

  const UnitTable& units() const { return table_; }
  const TempDir& dir() const { return dir_; }
  const std::string& path() const { return path_; }

  void meta(const std::string& key, const std::string& value) { write_meta(database_, key, value); }

  /// `tokens` of it were read, 0 = those of its documents.
  void label(const std::string& name, int64_t tokens = 0) {
    const auto id = static_cast<int64_t>(labels_.size());
    labels_[name] = id;
    database_.prepare("INSERT INTO labels VALUES (?, ?, 0, ?)")
        .bind(id)
        .bind(name)
        .bind(tokens)
        .run();
  }

  /// A document whose tokens are `pieces`, with ids that `id()` gives. One passage.
  void document(const std::string& label_name, const std::vector<std::string>& pieces) {
    const int64_t number = documents_++;
    std::vector<int32_t> ids;
    for (const std::string& piece : pieces) ids.push_back(id(piece));
    const TokenText text = join(pieces);
    database_.prepare("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(number)
        .bind(fmt::format("document {}", number))
        .bind(labels_.at(label_name))
        .bind(static_cast<int64_t>(pieces.size()))
        .bind(text.text)
        .bind_array<int32_t>(ids)
        .bind_array<uint32_t>(text.begins)
        .bind_array<int32_t>({})
        .bind_array<float>({})
        .run();
    database_.prepare("INSERT INTO passages VALUES (?, ?, 0, ?)")
        .bind(number)
        .bind(number)
        .bind(static_cast<int64_t>(pieces.size()))
        .run();
    database_.prepare("INSERT INTO passages_fts (rowid, text) VALUES (?, ?)")
        .bind(number)
        .bind(text.text)
        .run();
    database_
        .prepare("UPDATE labels SET documents = documents + 1, tokens = tokens + ? WHERE id = ?")
        .bind(static_cast<int64_t>(pieces.size()))
        .bind(labels_.at(label_name))
        .run();
  }

  /// The same text has the same id.
  int32_t id(const std::string& piece) {
    return ids_.try_emplace(piece, static_cast<int32_t>(ids_.size())).first->second;
  }

  /// Writes a record; the unit is what `name` says. Its histogram gets the contexts.
  void unit(const std::string& name, UnitRecord record) {
    record.unit = table_.parse(name);
    for (const Context& context : record.contexts) {
      record.max = std::max(record.max, context.score);
      ++record.histogram[static_cast<size_t>(histogram_bin(context.score, 1))];
    }
    Statement insert = database_.prepare(
        fmt::format("INSERT INTO units (id, {}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", kUnitColumns));
    write_unit(insert, table_.number(record.unit), record);
  }

  void together(int layer, UnitKind kind, const std::vector<uint32_t>& counts) {
    database_.prepare("INSERT INTO together VALUES (?, ?, ?)")
        .bind(layer)
        .bind(static_cast<int>(kind))
        .bind_array<uint32_t>(counts)
        .run();
  }

  void said(const std::string& unit_name, const std::string& method, const std::string& text,
            double score, bool reliable) {
    database_.prepare("INSERT INTO expert_labels VALUES (?, ?, ?, ?, ?, ?, 0.01, 44, ?, 'a', 'b')")
        .bind(table_.number(table_.parse(unit_name)))
        .bind(method)
        .bind(text)
        .bind(score)
        .bind(score - 0.1)
        .bind(score + 0.1)
        .bind(reliable ? 1 : 0)
        .run();
  }

  ExpertIndex open() const { return ExpertIndex(path_); }

 private:
  UnitTable table_;
  TempDir dir_;
  std::string path_;
  Database database_;
  std::map<std::string, int64_t> labels_;
  std::map<std::string, int32_t> ids_;
  int64_t documents_ = 0;
};

}  // namespace expertoire::test
