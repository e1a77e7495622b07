#include "io/vector_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/file_descriptor.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/refuse.h"

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

// What sets two fingerprints apart: the first key that differs when both are JSON objects.
std::pair<std::string, std::string> difference(const json& before, const std::string& now) {
  const json a =
      before.is_string() ? json::parse(before.get<std::string>(), nullptr, false) : before;
  const json b = json::parse(now, nullptr, false);
  if (a.is_object() && b.is_object()) {
    const auto shown = [](const std::string& key, const json& object) {
      return in_quotes(key) + " = " + in_short(object.value(key, json()));
    };
    for (const json* keys : {&a, &b}) {
      for (const auto& [key, value] : keys->items()) {
        if (a.value(key, json()) != b.value(key, json())) return {shown(key, a), shown(key, b)};
      }
    }
  }
  return {in_short(before), in_quotes(now)};
}

class StreamWriter final : public VectorWriter {
 public:
  int64_t rows() const override { return 0; }
  void append(std::span<const float> row) override {
    const std::string text = json_row(rows_++, row);
    write_all(STDOUT_FILENO, text, "standard output");
  }
  const std::string& mark() const override { return no_mark_; }
  void checkpoint(const std::string& /*mark*/) override {}
  void finish(const std::function<void()>& before_rename) override { before_rename(); }

 private:
  std::string no_mark_;
  int64_t rows_ = 0;
};

class FileWriter final : public VectorWriter {
 public:
  explicit FileWriter(const VectorFile& file)
      : file_(file),
        format_(format_of(file.path)),
        path_(replaceable_path(file.path)),
        partial_(path_ + ".partial"),
        journal_(partial_ + ".json") {
    open_partial();
    remove_abandoned(journal_);
    // A run that was killed between its last two steps has left a journal alone: nothing to resume.
    resumable_ = file.resume && exists(journal_) && size() > 0;
    if (resumable_) {
      read_journal();
    } else {
      start_over();
    }
    if (resumable_) {
      drop_unvouched();
    } else if (format_ == Format::kNpy) {
      pending_ = npy_header(0, file_.dim);
    }
  }

  ~FileWriter() override {
    if (fd_ && !finished_ && !resumable_) ::unlink(partial_.c_str());
  }

  int64_t rows() const override { return rows_; }

  void append(std::span<const float> row) override {
    pending_ += encode(format_, rows_++, row);
    if (pending_.size() > kBuffer) flush();
  }

  const std::string& mark() const override { return mark_; }

  void checkpoint(const std::string& mark) override {
    flush();
    sync_file(fd_.get(), file_.path);
    write_file(journal_, json{{"fingerprint", file_.fingerprint},
                              {"dim", file_.dim},
                              {"rows", rows_},
                              {"bytes", bytes_},
                              {"mark", mark}}
                             .dump());
    resumable_ = true;
  }

  void finish(const std::function<void()>& before_rename) override {
    flush();
    if (format_ == Format::kNpy) {
      write_all_at(fd_.get(), npy_header(rows_, file_.dim), 0, file_.path);
    }
    sync_file(fd_.get(), file_.path);
    before_rename();
    if (::rename(partial_.c_str(), path_.c_str()) != 0) {
      system_error("writing " + file_.path, errno);
    }
    finished_ = true;
    ::unlink(journal_.c_str());
    sync_folder_of(path_);
  }

 private:
  static constexpr size_t kBuffer = size_t{1} << 20;

  // Nothing is touched before the file is ours: another run may be writing it.
  void open_partial() {
    do {
      fd_ = FileDescriptor(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
      if (!fd_) {
        system_error("writing " + file_.path, errno,
                     "check that its folder exists and is writable");
      }
      lock_partial();
    } while (!is_partial());  // another run has just finished, and renamed it
  }

  bool is_partial() const {
    struct stat named {};
    struct stat open {};
    return ::stat(partial_.c_str(), &named) == 0 && ::fstat(fd_.get(), &open) == 0 &&
           named.st_dev == open.st_dev && named.st_ino == open.st_ino;
  }

  void lock_partial() const {
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      throw Error(ErrorCode::kIo,
                  {"writing " + file_.path, "another run writes it", "a file of this run alone",
                   "wait for it, or choose another --out"});
    }
  }

  // The journal first, and for good: it must never vouch for what this run writes.
  void start_over() {
    if (::unlink(journal_.c_str()) != 0 && errno != ENOENT) {
      system_error("removing " + journal_, errno);
    }
    sync_folder_of(journal_);
    if (::ftruncate(fd_.get(), 0) != 0) system_error("writing " + file_.path, errno);
  }

  int64_t size() const {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) system_error("writing " + file_.path, errno);
    return status.st_size;
  }

  static bool exists(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
  }

  void flush() {
    write_all(fd_.get(), pending_, file_.path);
    bytes_ += static_cast<int64_t>(pending_.size());
    pending_.clear();
  }

  void read_journal() {
    const json journal = read_json_file(journal_);
    const auto value = [&](const char* key) {
      return journal.is_object() ? journal.value(key, json()) : json();
    };
    for (const char* key : {"rows", "bytes", "dim"}) {
      if (!value(key).is_number_integer() || value(key) < 0) refuse_journal(key, value(key));
    }
    if (!value("mark").is_string()) refuse_journal("mark", value("mark"));
    rows_ = value("rows").get<int64_t>();
    bytes_ = value("bytes").get<int64_t>();
    mark_ = value("mark").get<std::string>();
    if (value("dim") != file_.dim || value("fingerprint") != file_.fingerprint) {
      const auto [before, now] = difference(value("fingerprint"), file_.fingerprint);
      throw Error(ErrorCode::kInvalidArgument,
                  {"resuming " + file_.path, "it was begun with " + before, now,
                   "use the same options, or run again without --resume to start over"});
    }
  }

  [[noreturn]] void refuse_journal(const char* key, const json& value) const {
    bad_file(journal_, fmt::format("\"{}\" is {}", key, in_short(value)),
             "a journal of ours, unedited", "run again without --resume to start over");
  }

  // What was written after the last checkpoint may be torn.
  void drop_unvouched() {
    if (const int64_t have = size(); have < bytes_) {
      bad_file(partial_, fmt::format("{} bytes", have),
               fmt::format("at least {}, by its journal", bytes_),
               "run again without --resume to start over");
    }
    if (::ftruncate(fd_.get(), bytes_) != 0 || ::lseek(fd_.get(), 0, SEEK_END) < 0) {
      system_error("resuming " + file_.path, errno);
    }
  }

  VectorFile file_;
  Format format_;
  std::string path_;  // what the file's name leads to
  std::string partial_;
  std::string journal_;
  std::string mark_;
  std::string pending_;
  FileDescriptor fd_;
  bool resumable_ = false;  // the journal is there and true
  bool finished_ = false;
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
