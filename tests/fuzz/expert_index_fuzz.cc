// An expert index with one cell of it replaced: it is refused, or read to its end.
#include "analysis/expert_index.h"

#include <filesystem>

#include "analysis/index_tables.h"
#include "fuzz.h"

namespace expertoire {
namespace {

// Where the input goes: its first byte chooses.
constexpr const char* kCells[] = {
    "units SET histogram = ?",  "units SET labels = ?",
    "units SET tokens = ?",     "units SET contexts = ?",
    "units SET id = ?",         "units SET count = ?",
    "layers SET keys = ?",      "layers SET experts = ?",
    "layers SET layer = ?",     "documents SET ids = ?",
    "documents SET text = ?",   "documents SET pieces = ?",
    "documents SET label = ?",  "documents SET units = ?",
    "documents SET masses = ?", "meta SET value = ? WHERE key = 'threshold'",
    "together SET counts = ?",  "passages SET document = ?",
    "labels SET id = ?"};

constexpr const char* kRows = R"sql(
INSERT INTO meta VALUES ('complete', 'yes'), ('threshold', '0.01'), ('support', '0.1');
INSERT INTO labels VALUES (0, 'a', 1, 2);
INSERT INTO layers VALUES (0, 4, 2, 1, 1, 1.0, 0.0);
INSERT INTO documents VALUES (0, 'one', 0, 2, 'ab', x'0100000002000000',
  x'000000000100000002000000', x'01000000', x'0000803f');
INSERT INTO units VALUES (1, 1, 0.5, 0.5, zeroblob(80), zeroblob(48), zeroblob(16), zeroblob(24),
  zeroblob(12));
INSERT INTO together VALUES (0, 1, zeroblob(16));
INSERT INTO passages VALUES (1, 0, 0, 2);
INSERT INTO passages_fts (rowid, text) VALUES (1, 'ab');
)sql";

void make_base(const std::string& path) {
  const Database database(path, Database::Mode::kCreate);
  create_index_tables(database);
  database.run(kRows);
}

void read_all(const std::string& path) {
  const ExpertIndex index(path);
  index.for_each([&](const UnitRecord& record) {
    fuzz::require(index.units().number(record.unit) < index.units().size(), "units are in range");
    fuzz::require(record.labels.size() == index.info().labels.size(), "a use for each label");
    (void)index.find(record.unit);
  });
  index.for_each_document(
      [](int32_t, int, int64_t, std::span<const int32_t>, std::span<const float>) {});
  const IndexedDocument document = index.document(0);
  fuzz::require(document.ids.size() == document.pieces.size(), "a piece for each token");
  (void)index.search("ab", 3);
  for (const IndexedLayer& layer : index.units().layers()) {
    for (UnitKind kind : {UnitKind::kExpert, UnitKind::kLeft, UnitKind::kRight}) {
      (void)index.together(layer.layer, kind);
    }
  }
}

}  // namespace
}  // namespace expertoire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace expertoire;
  static const fuzz::Folder folder;
  static const std::string base = folder.path() + "/base.db";
  if (!std::filesystem::exists(base)) make_base(base);
  if (size < 2) return 0;
  const std::string path = folder.path() + "/x.db";
  std::filesystem::copy_file(base, path, std::filesystem::copy_options::overwrite_existing);
  fuzz::may_refuse([&] {
    {
      const Database database(path, Database::Mode::kWrite);
      Statement update =
          database.prepare(std::string("UPDATE ") + kCells[data[0] % std::size(kCells)]);
      const std::string_view value = fuzz::text_of(data + 2, size - 2);
      data[1] % 2 == 0 ? update.bind_blob(std::as_bytes(std::span(value))) : update.bind(value);
      update.run();
    }
    read_all(path);
  });
  return 0;
}
