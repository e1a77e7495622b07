#include "engine/prefix_tree.h"

#include <algorithm>

namespace expertoire {
size_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

size_t PrefixTree::add(std::span<const int32_t> ids) {
  if (!share_) {
    if (!leaves_.empty() && std::ranges::equal(node(leaves_.back()).ids, ids)) {
      leaves_.push_back(leaves_.back());
      return 0;
    }
    return end_with_new(0, ids);
  }
  int at_node = 0;
  size_t at = 0;
  while (at < ids.size()) {
    const int child = child_for(at_node, ids[at]);
    if (child == 0) return end_with_new(at_node, ids.subspan(at));
    const size_t same = common_prefix(node(child).ids, ids.subspan(at));
    at_node = same < node(child).ids.size() ? split(child, same) : child;
    at += same;
  }
  leaves_.push_back(at_node);
  return 0;
}

int PrefixTree::node_of(size_t sequence, size_t at) const {
  int index = leaves_[sequence];
  while (node(index).start > at) index = node(index).parent;
  return index;
}

int PrefixTree::child_for(int index, int32_t first) const {
  for (const int child : node(index).children) {
    if (node(child).ids.front() == first) return child;
  }
  return 0;
}

int PrefixTree::new_child(int parent, std::span<const int32_t> ids) {
  const int index = static_cast<int>(nodes_.size());
  nodes_.push_back({parent, node(parent).end(), {ids.begin(), ids.end()}});
  at(parent).children.push_back(index);
  return index;
}

size_t PrefixTree::end_with_new(int parent, std::span<const int32_t> ids) {
  leaves_.push_back(new_child(parent, ids));
  return ids.size();
}

// The first `tokens` tokens of a node become a node above it, which is returned: sequences that end
// in the node still do.
int PrefixTree::split(int index, size_t tokens) {
  const int parent = node(index).parent;
  const std::vector<int32_t> ids = node(index).ids;
  const auto cut = ids.begin() + static_cast<std::ptrdiff_t>(tokens);
  const int upper = static_cast<int>(nodes_.size());
  nodes_.push_back({parent, node(index).start, {ids.begin(), cut}, {index}});
  std::replace(at(parent).children.begin(), at(parent).children.end(), index, upper);
  Node& lower = at(index);
  lower.parent = upper;
  lower.start += tokens;
  lower.ids.assign(cut, ids.end());
  return upper;
}

}  // namespace expertoire
