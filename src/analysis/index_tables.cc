#include "analysis/index_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <tuple>
#include <type_traits>

#include "base/error.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays lie in the file as in memory");
static_assert(std::is_trivially_copyable_v<LabelUse> && sizeof(LabelUse) == 16);
static_assert(std::is_trivially_copyable_v<TokenUse> && sizeof(TokenUse) == 24);
static_assert(std::is_trivially_copyable_v<Context> && sizeof(Context) == 12);

constexpr const char* kTables = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE labels (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  documents INTEGER NOT NULL, tokens INTEGER NOT NULL);
CREATE TABLE layers (layer INTEGER PRIMARY KEY, experts INTEGER NOT NULL, keys INTEGER NOT NULL,
  heads INTEGER NOT NULL, top_k INTEGER NOT NULL, mass REAL NOT NULL, dropped REAL NOT NULL);
CREATE TABLE documents (id INTEGER PRIMARY KEY, name TEXT NOT NULL, label INTEGER NOT NULL,
  tokens INTEGER NOT NULL, text TEXT NOT NULL, ids BLOB NOT NULL, pieces BLOB NOT NULL,
  units BLOB NOT NULL, masses BLOB NOT NULL);
CREATE TABLE units (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, mass REAL NOT NULL,
  max REAL NOT NULL, histogram BLOB NOT NULL, positions BLOB NOT NULL, labels BLOB NOT NULL,
  tokens BLOB NOT NULL, contexts BLOB NOT NULL);
CREATE TABLE together (layer INTEGER NOT NULL, kind INTEGER NOT NULL, counts BLOB NOT NULL,
  PRIMARY KEY (layer, kind)) WITHOUT ROWID;
CREATE TABLE passages (id INTEGER PRIMARY KEY, document INTEGER NOT NULL,
  begin INTEGER NOT NULL, end INTEGER NOT NULL);
CREATE VIRTUAL TABLE passages_fts USING fts5(text, content='');
CREATE TABLE expert_labels (unit INTEGER NOT NULL, method TEXT NOT NULL, text TEXT NOT NULL,
  score REAL, low REAL, high REAL, p REAL, items INTEGER, reliable INTEGER,
  source TEXT NOT NULL, made TEXT NOT NULL, PRIMARY KEY (unit, method)) WITHOUT ROWID;
)sql";

template <class T, size_t N>
void read_counts(const Statement& row, int column, std::array<T, N>& out, const std::string& path) {
  const std::vector<T> values = row.array<T>(column);
  if (values.size() != N) {
    bad_file(path, fmt::format("a unit with {} counts", values.size()), fmt::format("{}", N));
  }
  std::ranges::copy(values, out.begin());
}

}  // namespace

void create_index_tables(const Database& database) {
  database.transaction([&] {
    database.run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};",
                             kIndexApplication, kIndexVersion));
    database.run(kTables);
  });
}

void check_index_tables(const Database& database) {
  if (database.integer("PRAGMA application_id") != kIndexApplication) {
    bad_file(database.path(), "another kind of SQLite file", "an expert index",
             "make one with `expertoire experts index`");
  }
  const int64_t version = database.integer("PRAGMA user_version");
  if (version != kIndexVersion) {
    throw Error(ErrorCode::kUnsupported,
                {fmt::format("opening {}", database.path()), fmt::format("version {}", version),
                 fmt::format("version {}", kIndexVersion), "make the index again"});
  }
}

std::map<std::string, std::string> read_meta(const Database& database) {
  std::map<std::string, std::string> meta;
  Statement rows = database.prepare("SELECT key, value FROM meta");
  while (rows.step()) meta[rows.text(0)] = rows.text(1);
  return meta;
}

void write_meta(const Database& database, const std::string& key, const std::string& value) {
  database.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)").bind(key).bind(value).run();
}

void check_facts(const Database& database, const std::map<std::string, std::string>& now) {
  const std::map<std::string, std::string> before = read_meta(database);
  std::set<std::string> keys;
  for (const auto& [key, value] : now) keys.insert(key);
  if (!before.contains("complete")) {
    for (const auto& [key, value] : before) keys.insert(key);
    for (const char* key : kTableNumbers) keys.erase(key);
  }
  const auto said = [](const std::map<std::string, std::string>& facts, const std::string& key) {
    const auto found = facts.find(key);
    return found == facts.end() ? "not said" : found->second;
  };
  for (const std::string& key : keys) {
    if (said(before, key) == said(now, key)) continue;
    throw Error(ErrorCode::kInvalidArgument,
                {fmt::format("resuming {}", database.path()),
                 fmt::format("{} was {}", key, said(before, key)), said(now, key),
                 "give what the first run was given, or delete the file"});
  }
}

// Labels without a use at the end are left out: how many there are depends on when a unit was
// written.
void write_unit(Statement& insert, int64_t number, const UnitRecord& record) {
  std::span<const LabelUse> labels = record.labels;
  while (!labels.empty() && labels.back() == LabelUse{}) labels = labels.first(labels.size() - 1);
  insert.bind(number).bind(record.count).bind(record.mass).bind(double{record.max});
  insert.bind_array<uint32_t>(record.histogram).bind_array<uint32_t>(record.positions);
  insert.bind_array<LabelUse>(labels).bind_array<TokenUse>(record.tokens);
  insert.bind_array<Context>(record.contexts).run();
}

UnitRecord sorted(UnitRecord record) {
  std::ranges::sort(record.tokens, {},
                    [](const TokenUse& use) { return std::pair(-use.mass, use.token); });
  std::ranges::sort(record.contexts, {}, [](const Context& context) {
    return std::tuple(-context.score, context.document, context.position);
  });
  return record;
}

int64_t read_unit_number(const Statement& row, int column, const UnitTable& units) {
  const int64_t number = row.integer(column);
  if (number < 0 || number >= units.size()) {
    bad_file(row.path(), fmt::format("unit {}", number), fmt::format("less than {}", units.size()));
  }
  return number;
}

UnitRecord read_unit(const Statement& row, const UnitTable& units, size_t labels) {
  const std::string& path = row.path();
  const int64_t number = read_unit_number(row, 0, units);
  UnitRecord record;
  record.unit = units.unit(number);
  record.count = row.integer(1);
  record.mass = row.real(2);
  record.max = static_cast<float>(row.real(3));
  read_counts(row, 4, record.histogram, path);
  read_counts(row, 5, record.positions, path);
  record.labels = row.array<LabelUse>(6);
  record.tokens = row.array<TokenUse>(7);
  record.contexts = row.array<Context>(8);
  if (record.labels.size() > labels) {
    bad_file(path, fmt::format("a unit with {} labels", record.labels.size()),
             fmt::format("at most {}", labels));
  }
  record.labels.resize(labels);
  return record;
}

}  // namespace expertoire
