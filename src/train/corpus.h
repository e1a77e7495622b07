// Text files to a folder of token shards.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "io/document_source.h"
#include "train/manifest.h"

namespace expertoire::train {

/// Files of one collection.
struct CorpusGroup {
  std::string source;
  std::string licence;  ///< as DocumentOptions::licence
  std::vector<std::string> files;
};

struct CorpusOptions {
  std::vector<CorpusGroup> groups;
  std::string field = "text";
  HoldOut hold_out;
  /// Called now and then with the tokens so far and the part of the input that is read (0 … 1).
  std::function<void(int64_t tokens, double fraction)> progress;
  const CancelToken* cancel = nullptr;
};

/// Calls `take` for every document of all files in their order, with the group and the file it is
/// from. Errors: as DocumentSource, and kCancelled.
void for_each_document(
    const CorpusOptions& options,
    const std::function<void(const CorpusGroup&, const std::string& file, Document&&)>& take);

/// Tokenizes all documents, each followed by EOS, into one shard a file and split, and writes the
/// folder `out` (temporary folder, fsync, rename: it is whole or not there). `tokenizer`: a folder
/// or a tokenizer.json; `eos`: the token that ends a document, "" for the tokenizer's own. Memory
/// holds one document. Errors: as for_each_document and Tokenizer::load; kInvalidArgument when
/// `out` is there already, two files would get one name, or there is no EOS; kIo.
Manifest build_corpus(const CorpusOptions& options, const std::string& tokenizer,
                      const std::string& eos, const std::string& out);

}  // namespace expertoire::train
