#include "io/gzip_lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/utf8.h"
#include "io/file_descriptor.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

constexpr size_t kPiece = size_t{1} << 17;
constexpr size_t kMaxLine = size_t{256} << 20;
constexpr std::string_view kBom = "\xef\xbb\xbf";

}  // namespace

struct GzipLines::File {
  gzFile handle = nullptr;
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (handle != nullptr) gzclose(handle);
  }
};

GzipLines::GzipLines(const std::string& path)
    : path_(path), file_(std::make_unique<File>()), piece_(kPiece) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer; it is refused below.
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (number < 0) system_error("opening " + path, errno);
  FileDescriptor owner(number);
  struct stat status = {};
  if (::fstat(number, &status) != 0) system_error("opening " + path, errno);
  if (!S_ISREG(status.st_mode)) {
    bad_file(path, "it is not a regular file", "a file", "name the file itself");
  }
  total_ = status.st_size;
  file_->handle = gzdopen(::dup(number), "rb");
  if (file_->handle == nullptr) system_error("opening " + path, errno);
  gzbuffer(file_->handle, kPiece);
  if (path.ends_with(".gz") && gzdirect(file_->handle) == 1) {
    bad_file(path, "its content is not compressed by gzip", "a gzip file",
             "check that the file is complete, or drop .gz from its name");
  }
}

GzipLines::~GzipLines() = default;

int64_t GzipLines::bytes_read() const { return gzoffset(file_->handle); }

bool GzipLines::fill() {
  const int count = gzread(file_->handle, piece_.data(), kPiece);
  int code = Z_OK;
  const std::string_view message = gzerror(file_->handle, &code);
  if (code == Z_ERRNO) system_error("reading " + path_, errno);
  // zlib reports data that ends early only as a state, beside the bytes that it could still give.
  if (count < 0 || (count == 0 && code != Z_OK && code != Z_STREAM_END)) {
    bad_file(path_, fmt::format("damaged compressed data after line {} ({})", line_, message),
             "a complete gzip file");
  }
  begin_ = 0;
  end_ = static_cast<size_t>(count);
  return count > 0;
}

void GzipLines::check(const std::string& line) const {
  const std::string what = fmt::format("{} line {}", path_, line_);
  if (line.size() > kMaxLine) {
    bad_file(what, "more than 256 MB", "shorter lines", "cut the text into several lines");
  }
  if (const size_t bad = first_invalid_utf8(line); bad != line.size()) {
    bad_file(what, fmt::format("a byte that is not UTF-8 at offset {}", bad), "UTF-8 text",
             "convert the file to UTF-8");
  }
}

std::optional<std::string> GzipLines::next() {
  std::string line;
  while (begin_ < end_ || fill()) {
    const auto* first = piece_.data() + begin_;
    const auto* last = piece_.data() + end_;
    const auto* newline = std::find(first, last, '\n');
    const auto* stop = newline == last ? last : newline + 1;
    line.append(first, stop);
    begin_ += static_cast<size_t>(stop - first);
    if (newline != last || line.size() > kMaxLine) break;
  }
  if (line.empty()) return std::nullopt;
  ++line_;
  if (line_ == 1 && line.starts_with(kBom)) line.erase(0, kBom.size());
  check(line);
  return line;
}

}  // namespace expertoire
