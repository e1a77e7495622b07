#include "analysis/unit_contexts.h"

#include <algorithm>

#include "analysis/context_window.h"

namespace expertoire {

const IndexedDocument& DocumentCache::get(int32_t number) {
  const auto found = documents_.find(number);
  if (found != documents_.end()) {
    found->second.first = ++clock_;
    return found->second.second;
  }
  if (documents_.size() >= most_) {
    documents_.erase(
        std::ranges::min_element(documents_, {}, [](const auto& d) { return d.second.first; }));
  }
  return documents_.emplace(number, std::pair(++clock_, index_.document(number)))
      .first->second.second;
}

ShownContext shown_context(const ExpertIndex& index, DocumentCache& documents,
                           const UnitRecord& record, const Context& context, int before,
                           int after) {
  const IndexedDocument& document = documents.get(context.document);
  ContextWindow cut =
      cut_window(index, document, {context.document, context.position}, before, after);
  const auto size = static_cast<int32_t>(cut.pieces.size());
  const int32_t begin = context.position - static_cast<int32_t>(cut.marked), end = begin + size;
  ShownContext window{document.name,
                      index.info().labels.at(static_cast<size_t>(document.label)),
                      context.document,
                      context.position,
                      context.score,
                      cut.marked,
                      std::move(cut.pieces),
                      std::vector<float>(static_cast<size_t>(size)),
                      begin == 0,
                      end == static_cast<int32_t>(document.pieces.size())};
  for (const Context& other : record.contexts) {
    if (other.document != context.document || other.position < begin || other.position >= end) {
      continue;
    }
    window.scores[static_cast<size_t>(other.position - begin)] = other.score;
  }
  return window;
}

std::map<int32_t, std::string> token_texts(const ExpertIndex& index, std::set<int32_t> wanted) {
  std::map<int32_t, std::string> texts;
  const auto documents = static_cast<int32_t>(index.info().documents);
  for (int32_t number = 0; number < documents && !wanted.empty(); ++number) {
    const IndexedDocument document = index.document(number);
    for (size_t t = 0; t < document.ids.size(); ++t) {
      const auto found = wanted.find(document.ids[t]);
      if (found == wanted.end()) continue;
      texts.emplace(*found, document.pieces[t]);
      wanted.erase(found);
    }
  }
  return texts;
}

}  // namespace expertoire
