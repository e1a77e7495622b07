// What texts were embedded to, in a file that grows and outlives a killed process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "embed/embedder.h"
#include "io/file_descriptor.h"

namespace expertoire {

/// A file of records, each a key and the parts of one text, only ever appended to:
///
///   "EXPVEC1\n", then for each record, little-endian:
///   u32 bytes of the key, u32 values of hidden, u32 values of routing,
///   key, hidden f32…, routing f32…, u32 CRC-32 of all this
///
/// Records that a kill tore, and whatever lies behind them, are cut off when it is opened. One
/// process has it open at a time.
class VectorCache {
 public:
  /// Makes the file when there is none. Errors: kBadFile for a file that is something else (it is
  /// left as it is), kInvalidArgument when another process has it open, kNotFound, kIo.
  explicit VectorCache(std::string path);

  size_t size() const { return places_.size(); }
  /// Errors: kIo; kBadFile when the file was changed meanwhile.
  std::optional<EmbedParts> find(const std::string& key) const;
  /// Appends; a key that is there already stays as it is. Errors: kIo.
  void add(const std::string& key, const EmbedParts& parts);

 private:
  struct Place {
    uint64_t offset = 0;  // of the values
    uint32_t hidden = 0, routing = 0;
  };
  struct Record {
    std::string_view key;
    Place place;
    uint64_t end = 0;
  };
  static std::optional<Record> record_at(std::string_view file, uint64_t offset);
  void index();

  std::string path_;
  FileDescriptor file_;
  uint64_t end_ = 0;
  std::unordered_map<std::string, Place> places_;
};

}  // namespace expertoire
