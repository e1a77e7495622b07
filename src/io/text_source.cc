#include "io/text_source.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

constexpr size_t kMaxLine = size_t{256} << 20;
constexpr std::string_view kBom = "\xef\xbb\xbf";

int keep_open(std::FILE* /*file*/) { return 0; }

}  // namespace

LineReader::LineReader(const std::string& path)
    : path_(path == "-" ? "standard input" : path),
      file_(path == "-" ? stdin : std::fopen(path.c_str(), "rb"),
            path == "-" ? keep_open : std::fclose) {
  struct stat status {};
  if (file_ && ::fstat(::fileno(file_.get()), &status) == 0 && S_ISREG(status.st_mode)) {
    total_ = status.st_size;
  }
  if (!file_ || S_ISDIR(status.st_mode)) {
    system_error("opening " + path_, file_ ? EISDIR : errno, "give a readable file");
  }
}

std::optional<std::string> LineReader::next() {
  std::string line;
  for (;;) {
    const int c = getc_unlocked(file_.get());
    if (c == EOF) break;
    ++bytes_;
    if (c == '\n') {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      break;
    }
    line.push_back(static_cast<char>(c));
    if (line.size() > kMaxLine) {
      bad_file(fmt::format("{} line {}", path_, line_ + 1), "more than 256 MB", "shorter lines",
               "cut the text into several lines");
    }
  }
  if (std::ferror(file_.get()) != 0) system_error("reading " + path_, errno);
  if (line.empty() && std::feof(file_.get()) != 0) return std::nullopt;
  if (line_ == 0 && line.starts_with(kBom)) line.erase(0, kBom.size());
  ++line_;
  return line;
}

bool names_json_lines(const std::string& path) {
  return path.ends_with(".jsonl") || path.ends_with(".json");
}

TextSource::TextSource(const std::string& path, std::string field)
    : path_(path), field_(std::move(field)), lines_(path), format_(Format::kPlain) {
  if (names_json_lines(path)) format_ = Format::kJson;
  if (path == "-") format_ = Format::kUnknown;
}

std::string TextSource::what() const {
  return fmt::format("{} line {}", path_ == "-" ? "standard input" : path_, lines_.line());
}

std::string TextSource::parse(const std::string& line) const {
  const nlohmann::json row = parse_json(line, what());
  if (row.is_string()) return row.get<std::string>();
  if (!row.is_object() || !row.contains(field_)) {
    bad_file(what(), fmt::format("{} without a field {}", in_short(row), in_quotes(field_)),
             "an object with the text in that field", "name the field with --field");
  }
  if (!row[field_].is_string()) {
    bad_file(what(), fmt::format("field {} is {}", in_quotes(field_), in_short(row[field_])),
             "a string", "name the field with the text with --field");
  }
  return row[field_].get<std::string>();
}

// The format is known once a line has something in it.
std::optional<std::string> TextSource::next_line() {
  while (format_ == Format::kUnknown) {
    std::optional<std::string> line = lines_.next();
    const size_t at = line ? line->find_first_not_of(" \t") : 0;
    if (!line || at != std::string::npos) {
      format_ = line && (*line)[at] == '{' ? Format::kJson : Format::kPlain;
    }
    if (line) waiting_.push_back(std::move(*line));
  }
  if (waiting_.empty()) return lines_.next();
  std::string line = std::move(waiting_.front());
  waiting_.pop_front();
  return line;
}

std::optional<std::string> TextSource::next() {
  for (;;) {
    std::optional<std::string> line = next_line();
    if (!line) return std::nullopt;
    if (format_ == Format::kPlain) {
      if (const size_t bad = first_invalid_utf8(*line); bad != line->size()) {
        bad_file(what(), fmt::format("a byte that is not UTF-8 at offset {}", bad), "UTF-8 text",
                 "convert the file to UTF-8");
      }
      return line;
    }
    if (line->find_first_not_of(" \t") != std::string::npos) return parse(*line);
  }
}

}  // namespace expertoire
