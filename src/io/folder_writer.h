// Writing a folder so that its name holds all of it or is not there.
#pragma once

#include <string>
#include <string_view>

namespace expertoire {

/// Makes the folder `path.tmp-<pid>` beside `path`; commit() gives it its name. Not committed, it
/// vanishes with the object. Those that killed runs left are removed when the next one begins.
class FolderWriter {
 public:
  /// Errors: kInvalidArgument when `path` is there already, kNotFound (no folder for it), kIo.
  explicit FolderWriter(const std::string& path);
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;
  ~FolderWriter();

  /// Where to write until then.
  const std::string& temporary() const { return temporary_; }
  /// Writes a file inside, and the folders that `name` has. commit() makes all of these safe at
  /// once, many times faster than one by one where there are thousands. Errors: kIo.
  void write(const std::string& name, std::string_view content);
  /// After the other files inside are synced: syncs the folder, renames it, syncs its parent.
  /// Errors: kIo, kInvalidArgument when `path` has come to be there.
  void commit();

 private:
  std::string path_;
  std::string temporary_;  // empty once committed
  bool unsynced_ = false;  // has files of write()
};

}  // namespace expertoire
