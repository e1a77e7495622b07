#include "io/vector_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/file_descriptor.h"
#include "io/json.h"
#include "io/npy.h"

namespace expertoire {
namespace {

using nlohmann::json;

enum class Format { kNpy, kJsonl, kF32 };

Format format_of(const std::string& path) {
  if (path.ends_with(".npy")) return Format::kNpy;
  if (path.ends_with(".jsonl") || path == "-") return Format::kJsonl;
  if (path.ends_with(".f32")) return Format::kF32;
  throw Error(ErrorCode::kInvalidArgument,
              {"opening the output", path, "a name ending in .npy, .jsonl or .f32, or -", ""});
}

// A float's shortest decimal form that reads back as the same float.
std::string json_row(int64_t index, std::span<const float> row) {
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), "{{\"index\": {}, \"embedding\": [", index);
  for (size_t i = 0; i < row.size(); ++i) {
    fmt::format_to(std::back_inserter(text), "{}{}", i == 0 ? "" : ", ", row[i]);
  }
  fmt::format_to(std::back_inserter(text), "]}}\n");
  return fmt::to_string(text);
}

std::string encode(Format format, int64_t index, std::span<const float> row) {
  if (format == Format::kJsonl) return json_row(index, row);
  return {reinterpret_cast<const char*>(row.data()), row.size_bytes()};
}

class StreamWriter final : public VectorWriter {
 public:
  int64_t rows() const override { return 0; }
  void append(std::span<const float> row) override {
    const std::string text = json_row(rows_++, row);
    write_all(STDOUT_FILENO, text, "standard output");
  }
  void checkpoint() override {}
  void finish() override {}

 private:
  int64_t rows_ = 0;
};

class FileWriter final : public VectorWriter {
 public:
  explicit FileWriter(const VectorFile& file)
      : file_(file),
        format_(format_of(file.path)),
        partial_(file.path + ".partial"),
        journal_(partial_ + ".json") {
    const bool resumes = file.resume && std::filesystem::exists(journal_);
    if (resumes) read_journal();
    fd_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (resumes ? 0 : O_TRUNC), 0666);
    if (fd_ < 0) refuse("opening");
    if (resumes) {
      drop_unvouched();
    } else if (format_ == Format::kNpy) {
      pending_ = npy_header(0, file_.dim);
    }
  }

  ~FileWriter() override {
    if (fd_ >= 0) ::close(fd_);
  }

  int64_t rows() const override { return rows_; }

  void append(std::span<const float> row) override {
    pending_ += encode(format_, rows_++, row);
    if (pending_.size() > kBuffer) flush();
  }

  void checkpoint() override {
    flush();
    if (::fsync(fd_) != 0) refuse("writing");
    write_file(journal_, json{{"fingerprint", file_.fingerprint},
                              {"dim", file_.dim},
                              {"rows", rows_},
                              {"bytes", bytes_}}
                             .dump());
  }

  void finish() override {
    flush();
    if (format_ == Format::kNpy) {
      const std::string header = npy_header(rows_, file_.dim);
      if (::pwrite(fd_, header.data(), header.size(), 0) != static_cast<ssize_t>(header.size())) {
        refuse("writing");
      }
    }
    if (::fsync(fd_) != 0) refuse("writing");
    if (::rename(partial_.c_str(), file_.path.c_str()) != 0) refuse("replacing");
    ::unlink(journal_.c_str());
    sync_folder_of(file_.path);
  }

 private:
  static constexpr size_t kBuffer = size_t{1} << 20;

  [[noreturn]] void refuse(const char* operation) const {
    throw Error(ErrorCode::kIo, {fmt::format("{} {}", operation, file_.path), std::strerror(errno),
                                 "", "choose a writable place with room"});
  }

  void flush() {
    write_all(fd_, pending_, file_.path);
    bytes_ += static_cast<int64_t>(pending_.size());
    pending_.clear();
  }

  void read_journal() {
    const json journal = read_json_file(journal_);
    const auto number = [&](const char* key) {
      const json value = journal.is_object() ? journal.value(key, json()) : json();
      if (!value.is_number_integer() || value < 0) {
        throw Error(ErrorCode::kBadFile, {"reading " + journal_, fmt::format("no {}", key),
                                          "a journal of ours", "run again without --resume"});
      }
      return value.get<int64_t>();
    };
    rows_ = number("rows");
    bytes_ = number("bytes");
    if (number("dim") != file_.dim || journal.value("fingerprint", json()) != file_.fingerprint) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"resuming " + file_.path,
                   "another command: " + journal.value("fingerprint", json()).dump(),
                   json(file_.fingerprint).dump(), "run again without --resume to start over"});
    }
  }

  // What was written after the last checkpoint may be torn.
  void drop_unvouched() {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) refuse("opening");
    if (status.st_size < bytes_) {
      throw Error(
          ErrorCode::kBadFile,
          {"resuming " + file_.path, fmt::format("{} bytes in {}", status.st_size, partial_),
           fmt::format("at least {}", bytes_), "run again without --resume"});
    }
    if (::ftruncate(fd_, bytes_) != 0 || ::lseek(fd_, 0, SEEK_END) < 0) refuse("resuming");
  }

  VectorFile file_;
  Format format_;
  std::string partial_;
  std::string journal_;
  std::string pending_;
  int fd_ = -1;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;  // written, `pending_` not counted
};

}  // namespace

std::unique_ptr<VectorWriter> VectorWriter::open(const VectorFile& file) {
  if (file.path != "-") return std::make_unique<FileWriter>(file);
  if (file.resume) {
    throw Error(ErrorCode::kInvalidArgument,
                {"opening the output", "--resume with standard output", "an output file", ""});
  }
  return std::make_unique<StreamWriter>();
}

}  // namespace expertoire
