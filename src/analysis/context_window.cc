#include "analysis/context_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "eval/bootstrap.h"
#include "io/refuse.h"

namespace expertoire {

ContextWindow cut_window(const ExpertIndex& index, const IndexedDocument& document,
                         const ContextPlace& place, int before, int after) {
  const auto size = static_cast<int32_t>(document.ids.size());
  if (place.position < 0 || place.position >= size) {
    bad_file(index.path(),
             fmt::format("a context at token {} of document {}", place.position, place.document),
             fmt::format("less than {}", size));
  }
  const int32_t begin = std::max(0, place.position - before);
  const int32_t end = std::min(size, place.position + after + 1);
  return {place,
          {document.ids.begin() + begin, document.ids.begin() + end},
          {document.pieces.begin() + begin, document.pieces.begin() + end},
          static_cast<size_t>(place.position - begin)};
}

bool windows_touch(const ContextPlace& a, const ContextPlace& b) {
  return a.document == b.document &&
         std::abs(a.position - b.position) <= kTokensBefore + kTokensAfter;
}

std::vector<ContextWindow> read_windows(const ExpertIndex& index,
                                        std::span<const ContextPlace> places) {
  std::vector<uint32_t> order = each_item(places.size());
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return places[a] < places[b]; });
  std::vector<ContextWindow> windows(places.size());
  std::optional<IndexedDocument> document;
  for (const uint32_t i : order) {
    if (!document || document->number != places[i].document) {
      document = index.document(places[i].document);
    }
    windows[i] = cut_window(index, *document, places[i], kTokensBefore, kTokensAfter);
  }
  return windows;
}

std::string window_text(const ContextWindow& window, bool marks) {
  std::string text;
  for (size_t i = 0; i < window.pieces.size(); ++i) {
    const bool marked = marks && i == window.marked;
    const std::string& piece = window.pieces[i];
    const size_t blank = marked ? std::min(piece.find_first_not_of(' '), piece.size()) : 0;
    text += piece.substr(0, blank);
    if (marked) text += "<<";
    text += piece.substr(blank);
    if (marked) text += ">>";
  }
  return text;
}

}  // namespace expertoire
