// Labelled documents, from files of any number.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/document_source.h"

namespace expertoire {

/// Which documents of a corpus are read; `HoldOut` says which ones are held out.
enum class CorpusPart : uint8_t { kAll, kTrain, kHeldOut };
inline constexpr std::string_view kCorpusPartNames[] = {"all", "train", "held-out"};

struct CorpusOptions {
  /// .jsonl and .txt files, also with .gz behind, or folders: all such files in them, by name, but
  /// for hidden ones and README, INDEX, LICENSES and the like.
  std::vector<std::string> inputs;
  std::string text_field = "text";
  std::string label_field;  ///< empty: the file's name without its endings is the label
  std::string name_field;   ///< of the document's name; empty: "FILE line N"
  HoldOut hold_out{.every = 0};
  CorpusPart part = CorpusPart::kAll;
};

struct LabelledText {
  std::string name, label, text;
};

class Corpus {
 public:
  /// Errors: kNotFound, kInvalidArgument (no file of a known ending, a rule that makes no sense).
  explicit Corpus(CorpusOptions options);

  /// The next document in the order of the files. Errors: those of DocumentSource.
  std::optional<LabelledText> next();
  /// Share of the bytes that were read.
  double fraction() const;
  const std::vector<std::string>& files() const { return files_; }

 private:
  bool open_next();

  CorpusOptions options_;
  std::vector<std::string> files_;
  std::vector<int64_t> sizes_;  // bytes of each file
  size_t at_ = 0;               // file after the open one
  std::unique_ptr<DocumentSource> source_;
};

}  // namespace expertoire
