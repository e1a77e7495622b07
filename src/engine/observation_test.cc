// Looking changes nothing, and neither does an edit that says nothing.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>

#include "support/miniature.h"
#include "support/transcript.h"

namespace expertoire::test {
namespace {

class ObservationTest : public testing::TestWithParam<std::tuple<std::string, Compute>> {
 protected:
  void SetUp() override {
    model_ = Miniature::random(std::get<0>(GetParam())).load(std::get<1>(GetParam()));
    std::mt19937 random(3);
    for (int64_t length : {1, 30, 90}) {
      ids_.emplace_back(static_cast<size_t>(length));
      for (int32_t& id : ids_.back()) id = static_cast<int32_t>(random() % 97);
    }
    batch_.assign(ids_.begin(), ids_.end());
  }

  Record record(Session& session, size_t text = 2) {
    Transcript transcript(batch_.size());
    transcript.run_once(session, batch_, {0, 1, 2});
    return transcript.of(text);
  }

  std::vector<RoutingEdit::Item> neutral_items() const {
    RoutingEdit::Item scale{.action = EditAction::kScale, .experts = {0, 2}, .factor = 1.0F};
    RoutingEdit::Item nobody{.action = EditAction::kAblate};
    std::vector<RoutingEdit::Item> items = {scale, nobody};
    if (model_->config().shared_intermediate_size > 0) {
      items.push_back({.action = EditAction::kScale, .shared = true, .factor = 1.0F});
    }
    return items;
  }

  std::shared_ptr<const Model> model_;
  std::vector<std::vector<int32_t>> ids_;
  std::vector<std::span<const int32_t>> batch_;
};

// Only the outputs can be compared: without sinks nothing else shows.
TEST_P(ObservationTest, SinksDoNotChangeBits) {
  Session watched(model_, {2});
  Session alone(model_, {2});
  const Record with = record(watched);
  alone.forward_once(batch_);
  const size_t width = static_cast<size_t>(model_->config().hidden_size);
  const std::string last = "hidden." + std::to_string(model_->config().num_hidden_layers);
  for (size_t t = 0; t < ids_[2].size(); ++t) {
    const int64_t row = alone.decoder().last_row(1) + 1 + static_cast<int64_t>(t);
    std::vector<uint32_t> bits(width);
    std::memcpy(bits.data(), alone.decoder().hidden(row), width * sizeof(float));
    ASSERT_EQ(bits, with.at(last).at(t)) << t;
  }
}

TEST_P(ObservationTest, SessionsOfOneModelRunAtTheSameTimeWithoutMeeting) {
  Session plain(model_, {2});
  Session edited(model_, {2});
  if (model_->config().sparse_layers() > 0) {
    edited.set_edit(RoutingEdit({}, {{.action = EditAction::kAblate, .experts = {0, 1, 2}}}));
  }
  const Record expected = record(plain);
  const Record expected_edited = record(edited);
  EXPECT_EQ(difference(expected, expected_edited).empty(), model_->config().sparse_layers() == 0);
  Record beside;
  std::thread other([&] { beside = record(edited); });
  EXPECT_EQ(difference(record(plain), expected), "");
  other.join();
  EXPECT_EQ(difference(beside, expected_edited), "");
}

INSTANTIATE_TEST_SUITE_P(Families, ObservationTest,
                         testing::Combine(testing::ValuesIn(miniature_names()),
                                          testing::Values(Compute::kF32, Compute::kBF16)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::string(compute_name(std::get<1>(info.param)));
                         });

class NeutralEditTest : public ObservationTest {};

TEST_P(NeutralEditTest, EditThatSaysNothingHasTheBitsOfNoEdit) {
  Session session(model_, {2});
  const Record plain = record(session);
  session.set_edit(RoutingEdit{});
  EXPECT_EQ(difference(record(session), plain), "");
  for (const RoutingEdit::Item& item : neutral_items()) {
    session.set_edit(RoutingEdit({}, {item}));
    EXPECT_EQ(difference(record(session), plain), "") << static_cast<int>(item.action);
  }
  session.set_edit(RoutingEdit({}, neutral_items()));
  EXPECT_EQ(difference(record(session), plain), "");
  RoutingEdit::Item renormalized = neutral_items().front();
  renormalized.renormalize = true;
  session.set_edit(RoutingEdit({}, {renormalized}));
  EXPECT_EQ(difference(record(session), plain), "");
}

TEST_P(NeutralEditTest, EditEndsWithTheNextOne) {
  Session session(model_, {2});
  const Record plain = record(session);
  session.set_edit(RoutingEdit(
      {}, {{.action = EditAction::kScale, .experts = {0, 1, 2, 3, 4}, .factor = 2.0F}}));
  EXPECT_NE(difference(record(session), plain), "");
  session.set_edit(RoutingEdit{});
  EXPECT_EQ(difference(record(session), plain), "");
}

INSTANTIATE_TEST_SUITE_P(Families, NeutralEditTest,
                         testing::Combine(testing::ValuesIn(top_k_miniature_names()),
                                          testing::Values(Compute::kF32, Compute::kBF16)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::string(compute_name(std::get<1>(info.param)));
                         });
INSTANTIATE_TEST_SUITE_P(Peer, NeutralEditTest,
                         testing::Combine(testing::Values("peer"),
                                          testing::Values(Compute::kF32, Compute::kBF16)),
                         [](const auto& info) {
                           return std::string(compute_name(std::get<1>(info.param)));
                         });

}  // namespace
}  // namespace expertoire::test
