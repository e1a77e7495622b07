#include "analysis/even_sample.h"

#include <map>

#include "base/error.h"
#include "base/utf8.h"

namespace expertoire {

std::vector<std::string> even_sample(CorpusOptions options, size_t most, size_t bytes) {
  Corpus corpus(std::move(options));
  std::map<std::string, std::vector<std::string>> by_label;
  while (const auto document = corpus.next()) {
    std::vector<std::string>& texts = by_label[document->label];
    if (texts.size() == most) continue;
    const std::string front = document->text.substr(0, bytes);
    texts.push_back(front.substr(0, first_invalid_utf8(front)));
  }
  if (by_label.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + corpus.files().front(), "no document of the part that was asked for",
                 "at least one", "give more documents, or hold out others"});
  }
  std::vector<std::string> chosen;
  for (size_t turn = 0; turn < most; ++turn) {
    for (const auto& [label, texts] : by_label) {
      if (turn < texts.size() && chosen.size() < most) chosen.push_back(texts[turn]);
    }
  }
  return chosen;
}

}  // namespace expertoire
