#include "io/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

#include "io/refuse.h"

namespace expertoire {
namespace {

[[noreturn]] void sqlite_error(sqlite3* database, int code, std::string_view operation,
                               const std::string& path) {
  const std::string words = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: bad_file(path, words, "an intact SQLite file"); break;
    case SQLITE_NOMEM: throw std::bad_alloc();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(ErrorCode::kIo, {fmt::format("{} {}", operation, path), words, "",
                                   "another program is using the file: wait for its end"});
    // What our own statements ask for is missing from the file, or of another kind.
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
      bad_file(path, words, "the tables of its format", "make it again with this version");
      break;
    default: throw Error(ErrorCode::kIo, {fmt::format("{} {}", operation, path), words, "", ""});
  }
}

int open_flags(Database::Mode mode) {
  const int one_thread = SQLITE_OPEN_NOMUTEX;
  switch (mode) {
    case Database::Mode::kRead: return one_thread | SQLITE_OPEN_READONLY;
    case Database::Mode::kWrite: return one_thread | SQLITE_OPEN_READWRITE;
    default: return one_thread | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  }
}

}  // namespace

Statement::Statement(sqlite3* database, std::string_view sql, const std::string& path)
    : database_(database), path_(path), statement_(nullptr, sqlite3_finalize) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) sqlite_error(database, code, "reading", path);
  statement_.reset(statement);
}

void Statement::fail(std::string_view operation) const {
  sqlite_error(database_, sqlite3_extended_errcode(database_), operation, path_);
}

void Statement::refuse_blob(size_t size, size_t unit) const {
  bad_file(path_, fmt::format("an array of {} bytes", size), fmt::format("a multiple of {}", unit));
}

Statement& Statement::bind(int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), next_++, value) != SQLITE_OK) fail("writing");
  return *this;
}

Statement& Statement::bind(double value) {
  if (sqlite3_bind_double(statement_.get(), next_++, value) != SQLITE_OK) fail("writing");
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  if (sqlite3_bind_text64(statement_.get(), next_++, text.data(), text.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8) != SQLITE_OK) {
    fail("writing");
  }
  return *this;
}

Statement& Statement::bind_null() {
  if (sqlite3_bind_null(statement_.get(), next_++) != SQLITE_OK) fail("writing");
  return *this;
}

Statement& Statement::bind_blob(std::span<const std::byte> bytes) {
  // A null pointer would bind NULL, and an empty array is no NULL.
  const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
  if (sqlite3_bind_blob64(statement_.get(), next_++, data, bytes.size(), SQLITE_STATIC) !=
      SQLITE_OK) {
    fail("writing");
  }
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(sqlite3_stmt_readonly(statement_.get()) ? "reading" : "writing");
  reset();
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  next_ = 1;
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string() : std::string(text, static_cast<size_t>(size));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::span<const std::byte> Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Database::Database(const std::string& path, Mode mode)
    : path_(path), database_(nullptr, sqlite3_close) {
  if (mode != Mode::kCreate && !std::filesystem::exists(path)) {
    throw Error(ErrorCode::kNotFound, {fmt::format("opening {}", path), "no such file", "", ""});
  }
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database, open_flags(mode), nullptr);
  database_.reset(database);
  if (code != SQLITE_OK) sqlite_error(database, code, "opening", path);
  // A hostile schema may call no functions, and a damaged page is seen when it is read.
  run("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
  // SQLite reads a file only when it must: ask now whether it is one.
  prepare("SELECT count(*) FROM sqlite_master").step();
}

Statement Database::prepare(std::string_view sql) const { return {database_.get(), sql, path_}; }

void Database::run(std::string_view sql) const {
  const int code =
      sqlite3_exec(database_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) sqlite_error(database_.get(), code, "writing", path_);
}

int64_t Database::integer(std::string_view sql) const {
  Statement statement = prepare(sql);
  if (!statement.step()) bad_file(path_, "an empty table", "a row");
  return statement.integer(0);
}

void Database::transaction(const std::function<void()>& work) const {
  run("BEGIN IMMEDIATE");
  try {
    work();
    run("COMMIT");
  } catch (...) {
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

}  // namespace expertoire
