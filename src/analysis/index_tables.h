// The tables of an expert index, shared by what writes and what reads them (docs/experts.md).
#pragma once

#include <map>
#include <string>

#include "analysis/unit_record.h"
#include "io/sqlite.h"

namespace expertoire {

inline constexpr int64_t kIndexApplication = 0x45787049;  ///< application_id: "ExpI"
inline constexpr int64_t kIndexVersion = 1;               ///< user_version

/// Creates all tables in an empty database. Arrays are little-endian blobs.
void create_index_tables(const Database& database);

/// Errors: kBadFile (another kind of file), kUnsupported (another version).
void check_index_tables(const Database& database);

/// The key/value pairs of table `meta`, which says where an index comes from.
std::map<std::string, std::string> read_meta(const Database& database);
void write_meta(const Database& database, const std::string& key, const std::string& value);

/// Keys of `meta` with numbers of IndexOptions, which also stand in its text; for readers.
inline constexpr const char* kTableNumbers[] = {"threshold", "support"};

/// Errors: kInvalidArgument where the run that began this index was not told what this one is, or
/// was told more. An index that only lacks its name may have what was told at its end.
void check_facts(const Database& database, const std::map<std::string, std::string>& now);

/// Columns of table `units` after its id, in their order.
inline constexpr const char* kUnitColumns =
    "count, mass, max, histogram, positions, labels, tokens, contexts";

/// Binds a record to a statement whose parameters are id and kUnitColumns, and runs it.
void write_unit(Statement& insert, int64_t number, const UnitRecord& record);
/// A unit's number in a column of the current row. Errors: kBadFile when there is no such unit.
int64_t read_unit_number(const Statement& row, int column, const UnitTable& units);
/// A record with its lists in the order that unit_record.h says.
UnitRecord sorted(UnitRecord record);
/// Reads columns `id, kUnitColumns` of the current row. `labels`: how many the record gets. Errors:
/// kBadFile.
UnitRecord read_unit(const Statement& row, const UnitTable& units, size_t labels);

}  // namespace expertoire
