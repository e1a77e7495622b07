// Rows of an evaluation data set: JSON Lines, compressed or not, with fields by name.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace expertoire {

/// What public files call the fields that tasks ask for, the task's own name first: the one table
/// of aliases. A field that it does not list has its own name only.
std::vector<std::string> field_aliases(const std::string& field);

struct RowOptions {
  std::map<std::string, std::string> names;  ///< field → its name in the file, where that is given
  std::string label;      ///< rows with null here are left out; "" = no such field
  bool skip_bad = false;  ///< broken rows are counted, not refused
};

/// One JSON object. Errors of all accessors: kBadFile naming the file and the line.
class DataRow {
 public:
  DataRow(nlohmann::json value, const std::string& path, int64_t line,
          const std::map<std::string, std::string>& names)
      : value_(std::move(value)), path_(path), line_(line), names_(names) {}

  bool has(const std::string& field) const { return find(field) != nullptr; }
  /// The value of a field. Errors: no such field.
  const nlohmann::json& at(const std::string& field) const;
  /// Text, without a BOM at its front. Errors: not a string, or only white space in it.
  std::string text(const std::string& field) const;
  /// What a class is called: text, an integer or true/false, as text. Errors: anything else.
  std::string label(const std::string& field) const;
  /// Errors: not a number.
  double number(const std::string& field) const;
  /// A list of texts, labels or numbers; one alone counts as a list of one. Errors: as above.
  std::vector<std::string> texts(const std::string& field) const;
  std::vector<std::string> labels(const std::string& field) const;
  std::vector<double> numbers(const std::string& field) const;

  /// "FILE line N".
  std::string where() const;
  /// Throws kBadFile: "reading FILE line N: found; expected …; advice".
  [[noreturn]] void refuse(std::string found, std::string expected,
                           std::string advice =
                               "mend the row, or leave such rows out with "
                               "--skip-bad-rows") const;

 private:
  const nlohmann::json* find(const std::string& field) const;
  template <class Read>
  auto list(const std::string& field, Read read) const;

  nlohmann::json value_;
  const std::string& path_;
  int64_t line_;
  const std::map<std::string, std::string>& names_;
};

struct RowCounts {
  int64_t used = 0;
  int64_t null_labels = 0;
  int64_t bad = 0;

  /// {"null_labels": …, "bad_rows": …}: what was left out.
  nlohmann::json left_out() const { return {{"null_labels", null_labels}, {"bad_rows", bad}}; }
};

/// Calls `take` with every row of a file in its order, and counts. An Error kBadFile of `take` is
/// that of a broken row. Errors: kNotFound, kIo, kBadFile: a broken row (unless skip_bad), a file
/// that is damaged, not UTF-8, or has no row to use.
RowCounts read_rows(const std::string& path, const RowOptions& options,
                    const std::function<void(const DataRow&)>& take);

}  // namespace expertoire
