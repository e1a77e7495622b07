#include "eval/item_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {

using nlohmann::json;

ItemLog::ItemLog(const std::string& path, const json& fingerprint, bool resume)
    : path_(replaceable_path(path)), partial_(path_ + ".partial") {
  file_ = FileDescriptor(::open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file_) system_error("opening " + partial_, errno);
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(ErrorCode::kIo, {"opening " + partial_, "another process is writing it",
                                 "one process a file", "wait for it, or choose another --out"});
  }
  if (resume) read(read_text_file(partial_), fingerprint);
  if (::ftruncate(file_.get(), static_cast<off_t>(valid_)) != 0 ||
      ::lseek(file_.get(), 0, SEEK_END) < 0) {
    system_error("writing " + partial_, errno);
  }
  if (valid_ == 0) append({{"fingerprint", fingerprint}});
}

void ItemLog::read(const std::string& text, const json& fingerprint) {
  for (size_t end = 0; (end = text.find('\n', valid_)) != std::string::npos; valid_ = end + 1) {
    json line = parse_json(std::string_view(text).substr(valid_, end - valid_), partial_);
    if (!line.is_object()) bad_file(partial_, in_short(line), "an object a line");
    if (valid_ > 0) {
      lines_.push_back(std::move(line));
    } else if (line.value("fingerprint", json()) != fingerprint) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"resuming " + partial_, "items of another model, data or options",
                   "those of the run that began it", "run without --resume to start over"});
    }
  }
}

void ItemLog::append(const json& line) {
  write_all(file_.get(), line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n",
            partial_);
}

void ItemLog::finish() {
  sync_file(file_.get(), partial_);
  if (::rename(partial_.c_str(), path_.c_str()) != 0) system_error("writing " + path_, errno);
  sync_folder_of(path_);
}

}  // namespace expertoire
