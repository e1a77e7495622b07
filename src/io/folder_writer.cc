#include "io/folder_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "io/file_descriptor.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = ".tmp-";  // between a folder's name and the number of its writer

[[noreturn]] void refuse_existing(const std::string& path) {
  throw Error(ErrorCode::kInvalidArgument, {"writing the folder " + path, "it exists", "a new name",
                                            "remove it first, or name another one"});
}

void remove_abandoned_folders(const fs::path& path) {
  const std::string stem = path.filename().string() + kMark;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) {
    if (entry.path().filename().string().starts_with(stem)) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

FolderWriter::FolderWriter(const std::string& path) {
  std::error_code failed;
  fs::path full = fs::absolute(path, failed).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();  // "out/"
  path_ = full.string();
  if (fs::exists(path_, failed)) refuse_existing(path_);
  remove_abandoned_folders(full);
  const std::string wanted = fmt::format("{}{}{}", path_, kMark, ::getpid());
  if (::mkdir(wanted.c_str(), 0777) != 0) {
    system_error("making the folder " + wanted, errno,
                 "check that the folder above it exists and is writable");
  }
  temporary_ = wanted;
}

FolderWriter::~FolderWriter() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void FolderWriter::write(const std::string& name, std::string_view content) {
  const fs::path path = fs::path(temporary_) / name;
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file) system_error("writing " + path.string(), errno);
  write_all(file.get(), content, path.string());
  unsynced_ = true;
}

void FolderWriter::commit() {
  if (unsynced_) {
    const FileDescriptor folder(::open(temporary_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::syncfs(folder.get()) != 0) system_error("writing " + temporary_, errno);
  }
  sync_folder_of(temporary_ + "/.");
  // rename() replaces an empty folder and refuses a full one.
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) refuse_existing(path_);
    system_error("writing the folder " + path_, errno);
  }
  temporary_.clear();
  sync_folder_of(path_);
}

}  // namespace expertoire
