// manifest.json of a folder of token shards: what is in it, where it came from, how it was split.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/hold_out.h"

namespace expertoire::train {

/// The part of one input file that lies in one split, and the shard that holds it.
struct Shard {
  std::string path;  ///< below the folder: "train/openstax-algebra.u16"
  int64_t documents = 0;
  int64_t bytes = 0;   ///< of text, in UTF-8
  int64_t tokens = 0;  ///< with the EOS of each document
  std::string sha256;

  bool operator==(const Shard&) const = default;
};

struct CorpusFile {
  std::string source;                       ///< what the user calls the collection
  std::string name;                         ///< of the input file, without its folder
  std::string sha256;                       ///< of the input file
  std::map<std::string, int64_t> licences;  ///< documents under each
  Shard train;
  Shard held_out;

  bool operator==(const CorpusFile&) const = default;
};

struct Manifest {
  std::string tokenizer_sha256;  ///< of tokenizer.json
  int64_t vocab_size = 0;
  int64_t eos_id = 0;
  HoldOut hold_out;
  std::vector<CorpusFile> files;

  /// Errors: kNotFound, kIo, kBadFile (one sentence), kUnsupported for a newer version. A manifest
  /// that was read names shards inside its folder only, each once, and its sums fit 63 bits.
  static Manifest read(const std::string& path);
  static Manifest parse(std::string_view text, const std::string& what);
  /// The text of the file, with sums a split. The same content gives the same bytes.
  std::string to_json() const;

  /// Bytes of an id in a shard: 2 (uint16) for vocabularies up to 65,536 ids, else 4 (uint32).
  int64_t id_bytes() const { return vocab_size <= 65536 ? 2 : 4; }
  bool operator==(const Manifest&) const = default;
};

/// "train" | "held_out". Errors: kInvalidArgument for another word.
const Shard& shard_of(const CorpusFile& file, const std::string& split);

}  // namespace expertoire::train
