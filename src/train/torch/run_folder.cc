#include "train/torch/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "io/refuse.h"

namespace expertoire::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kRemoved = ".removed";  // a checkpoint on its way out is none any more

// The step of "step-00000500"; nothing for any other name.
std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc() || stop != end) return std::nullopt;
  return step;
}

std::vector<int64_t> steps_in(const std::string& path) {
  std::vector<int64_t> steps;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (const auto step = step_of(entry.path().filename().string())) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

}  // namespace

RunLogWriter::RunLogWriter(const std::string& path, int64_t bytes)
    : path_(path),
      file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666)),
      bytes_(bytes) {
  if (!file_ || ::ftruncate(file_.get(), bytes) != 0 ||
      ::lseek(file_.get(), bytes, SEEK_SET) != bytes) {
    system_error("writing " + path, errno);
  }
}

void RunLogWriter::add(const nlohmann::json& record) {
  const std::string line =
      record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_all(file_.get(), line, path_);
  bytes_ += static_cast<int64_t>(line.size());
}

int64_t RunLogWriter::sync() {
  sync_file(file_.get(), path_);
  return bytes_;
}

RunFolder::RunFolder(std::string path) : path_(std::move(path)) {
  std::error_code failed;
  fs::create_directories(path_, failed);
  if (failed) system_error("making the folder " + path_, failed.value());
  if (!fs::is_directory(path_)) {
    throw Error(ErrorCode::kInvalidArgument,
                {"writing the run", path_ + " is a file", "a folder", "name another one"});
  }
}

void RunFolder::claim() {
  lock_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock_) system_error("opening " + path_, errno);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) system_error("locking " + path_, errno);
  throw Error(ErrorCode::kIo,
              {"writing the run " + path_, "another process that trains it",
               "a folder of this process alone", "wait for it or stop it, or name another folder"});
}

std::string RunFolder::checkpoint_path(int64_t step) const {
  return fmt::format("{}/{}{:08}", path_, kPrefix, step);
}

std::optional<int64_t> RunFolder::newest() const {
  const std::vector<int64_t> steps = steps_in(path_);
  return steps.empty() ? std::nullopt : std::optional(steps.back());
}

void RunFolder::prune(int64_t keep) const {
  std::vector<int64_t> steps = steps_in(path_);
  std::error_code ignored;
  while (static_cast<int64_t>(steps.size()) > keep) {
    const std::string path = checkpoint_path(steps.front());
    fs::rename(path, path + kRemoved, ignored);
    steps.erase(steps.begin());
  }
  for (const auto& entry : fs::directory_iterator(path_, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with(kPrefix) && !step_of(name);
    if (ours) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace expertoire::train
