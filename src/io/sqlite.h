// SQLite as objects that close themselves and throw Error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace expertoire {

/// A prepared statement: bind in order, then step through its rows. Errors of all: kIo (disk full,
/// locked …), kBadFile (a damaged file).
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql, const std::string& path);

  /// The next parameter.
  Statement& bind(int64_t value);
  Statement& bind(int value) { return bind(static_cast<int64_t>(value)); }
  Statement& bind(double value);
  Statement& bind(std::string_view text);
  Statement& bind(const std::string& text) { return bind(std::string_view(text)); }
  Statement& bind(const char* text) { return bind(std::string_view(text)); }
  Statement& bind_null();
  /// Bytes that live until the statement is reset.
  Statement& bind_blob(std::span<const std::byte> bytes);
  template <class T>
  Statement& bind_array(std::span<const T> values) {
    return bind_blob(std::as_bytes(values));
  }

  /// Is there another row? After the last one the statement can be bound again.
  bool step();
  /// Runs a statement without rows to its end.
  void run();
  /// Forgets the row and the parameters.
  void reset();

  /// Columns of the current row, from 0.
  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;
  std::span<const std::byte> blob(int column) const;  ///< valid until the next step
  const std::string& path() const { return path_; }
  /// A blob as values. Errors: kBadFile when its size is not a multiple of one.
  template <class T>
  std::vector<T> array(int column) const;

 private:
  [[noreturn]] void fail(std::string_view operation) const;
  [[noreturn]] void refuse_blob(size_t size, size_t unit) const;

  sqlite3* database_;
  std::string path_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  int next_ = 1;
};

class Database {
 public:
  enum class Mode : uint8_t { kRead, kWrite, kCreate };

  /// Errors: kNotFound, kIo, kBadFile (not a SQLite file).
  Database(const std::string& path, Mode mode);

  const std::string& path() const { return path_; }
  Statement prepare(std::string_view sql) const;
  /// One or more statements without rows.
  void run(std::string_view sql) const;
  /// The first column of the only row. Errors: kBadFile when there is none.
  int64_t integer(std::string_view sql) const;
  /// `work` whole or not at all.
  void transaction(const std::function<void()>& work) const;

 private:
  std::string path_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_;
};

template <class T>
std::vector<T> Statement::array(int column) const {
  const std::span<const std::byte> bytes = blob(column);
  if (bytes.size() % sizeof(T) != 0) refuse_blob(bytes.size(), sizeof(T));
  std::vector<T> values(bytes.size() / sizeof(T));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(values.data()));
  return values;
}

}  // namespace expertoire
