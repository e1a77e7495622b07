#include "engine/prefix_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace expertoire {
namespace {

using Ids = std::vector<int32_t>;

// The tokens from the root to the end of a node.
Ids path_of(const PrefixTree& tree, int index) {
  Ids ids;
  for (; index != 0; index = tree.node(index).parent) {
    const Ids& own = tree.node(index).ids;
    ids.insert(ids.begin(), own.begin(), own.end());
    EXPECT_EQ(tree.node(index).start, tree.node(tree.node(index).parent).end());
  }
  return ids;
}

TEST(PrefixTree, SharesWhatSequencesBeginWith) {
  PrefixTree tree(true);
  EXPECT_EQ(tree.add(Ids{1, 2, 3, 4}), 4U);
  EXPECT_EQ(tree.add(Ids{1, 2, 5}), 1U);
  EXPECT_EQ(tree.add(Ids{1, 2}), 0U);
  EXPECT_EQ(tree.add(Ids{1, 2, 5}), 0U);
  EXPECT_EQ(tree.add(Ids{7}), 1U);
  EXPECT_EQ(path_of(tree, tree.leaf(0)), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(path_of(tree, tree.leaf(1)), (Ids{1, 2, 5}));
  EXPECT_EQ(path_of(tree, tree.leaf(2)), (Ids{1, 2}));
  EXPECT_EQ(tree.leaf(3), tree.leaf(1));
  EXPECT_EQ(tree.node_of(0, 1), tree.leaf(2));
  EXPECT_EQ(tree.node_of(0, 2), tree.leaf(0));
  EXPECT_EQ(tree.nodes().size(), 5U);  // root, 1 2, 3 4, 5, 7
}

TEST(PrefixTree, WithoutSharingOnlyEqualNeighboursJoin) {
  PrefixTree tree(false);
  EXPECT_EQ(tree.add(Ids{1, 2}), 2U);
  EXPECT_EQ(tree.add(Ids{1, 2}), 0U);
  EXPECT_EQ(tree.add(Ids{1, 2, 3}), 3U);
  EXPECT_EQ(tree.add(Ids{1, 2}), 2U);
  EXPECT_EQ(tree.leaf(0), tree.leaf(1));
  EXPECT_EQ(tree.node(0).children.size(), 3U);
}

TEST(PrefixTree, HoldsEverySequenceAndNoTokenTwice) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    PrefixTree tree(true);
    std::vector<Ids> sequences;
    size_t news = 0;
    for (int i = 0; i < 30; ++i) {
      Ids ids(1 + random() % 8);
      for (int32_t& id : ids) id = static_cast<int32_t>(random() % 2);
      news += tree.add(ids);
      sequences.push_back(ids);
    }
    size_t held = 0;
    for (const PrefixTree::Node& node : tree.nodes()) {
      held += node.ids.size();
      for (const int child : node.children) {
        const auto same = std::ranges::count_if(node.children, [&](int other) {
          return tree.node(other).ids.front() == tree.node(child).ids.front();
        });
        EXPECT_EQ(same, 1);
      }
    }
    EXPECT_EQ(held, news);
    for (size_t i = 0; i < sequences.size(); ++i) {
      EXPECT_EQ(path_of(tree, tree.leaf(i)), sequences[i]);
    }
  }
}

}  // namespace
}  // namespace expertoire
