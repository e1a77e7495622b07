// Token sequences as a tree of their common prefixes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace expertoire {

/// Number of tokens that both begin with.
size_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b);

/// Node 0 is the root and holds no tokens. Every sequence ends where a node ends.
class PrefixTree {
 public:
  struct Node {
    int parent = 0;
    size_t start = 0;          ///< tokens before it, on the way from the root
    std::vector<int32_t> ids;  ///< its own; empty for the root only
    std::vector<int> children = {};

    size_t end() const { return start + ids.size(); }
  };

  /// Without `share`, only a sequence equal to the one before it joins another; each is a child of
  /// the root.
  explicit PrefixTree(bool share) : share_(share), nodes_(1) {}

  /// `ids` is not empty. Returns how many of its tokens no earlier sequence has.
  size_t add(std::span<const int32_t> ids);
  /// Number of sequences, and the node where one ends.
  size_t size() const { return leaves_.size(); }
  int leaf(size_t sequence) const { return leaves_[sequence]; }
  /// The node of a sequence with its token number `at`.
  int node_of(size_t sequence, size_t at) const;

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(int index) const { return nodes_[static_cast<size_t>(index)]; }

 private:
  int child_for(int node, int32_t first) const;
  int new_child(int parent, std::span<const int32_t> ids);
  int split(int node, size_t tokens);
  size_t end_with_new(int parent, std::span<const int32_t> ids);
  Node& at(int index) { return nodes_[static_cast<size_t>(index)]; }

  bool share_;
  std::vector<Node> nodes_;
  std::vector<int> leaves_;
};

}  // namespace expertoire
