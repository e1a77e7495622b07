#include "analysis/chat_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string answer(const std::string& text, int tokens = 10) {
  return nlohmann::json{{"choices", {{{"message", {{"content", text}}}}}},
                        {"usage", {{"total_tokens", tokens}}}}
      .dump();
}

class ChatEndpointTest : public testing::Test {
 protected:
  ChatEndpoint endpoint(EndpointOptions options = {}) {
    options.base_url = "http://there/v1/";
    options.model = "m";
    return {options, answers_,
            [this](const HttpRequest& request) {
              asked_.push_back(request);
              if (responses_.empty()) throw Error(ErrorCode::kIo, {"asking", "nobody", "", ""});
              HttpResponse response = responses_.front();
              responses_.erase(responses_.begin());
              return response;
            },
            [this](double seconds) { waits_.push_back(seconds); }};
  }

  TempDir folder_;
  Database database_{folder_.file("x.db"), Database::Mode::kCreate};
  AnswerStore answers_{database_};
  std::vector<HttpResponse> responses_;
  std::vector<HttpRequest> asked_;
  std::vector<double> waits_;
};

TEST_F(ChatEndpointTest, AsksOnceAndKeepsTheAnswer) {
  responses_ = {{200, answer("yes", 7), {}}};
  ChatEndpoint chat = endpoint({.key = "secret"});
  EXPECT_EQ(chat.ask({"be short", "well?"}), "yes");
  EXPECT_EQ(chat.ask({"be short", "well?"}), "yes");
  EXPECT_EQ(endpoint().ask({"be short", "well?"}), "yes");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].url, "http://there/v1/chat/completions");
  EXPECT_THAT(asked_[0].headers, testing::Contains("Authorization: Bearer secret"));
  const auto body = nlohmann::json::parse(asked_[0].body);
  EXPECT_EQ(body["messages"][1]["content"], "well?");
  EXPECT_EQ(chat.requests(), 1);
  EXPECT_EQ(chat.tokens(), 7);
  EXPECT_EQ(chat.stored(), 1);
  // The key is nowhere in the file.
  EXPECT_EQ(database_.integer(
                "SELECT count(*) FROM endpoint_answers WHERE instr(request || answer, 'secret')"),
            0);
}

TEST_F(ChatEndpointTest, AsksAgainAfterWhatPasses) {
  responses_ = {{429, "slow down", 7.0},
                {503, "", {}},
                {200, "{broken", {}},
                {200, R"({"choices": []})", {}},
                {200, answer("at last"), {}}};
  EXPECT_EQ(endpoint().ask({"", "?"}), "at last");
  EXPECT_THAT(waits_, ElementsAre(7, 2, 4, 8));
}

TEST_F(ChatEndpointTest, GivesUpWithTheReason) {
  responses_ = {{500, "oops", {}}, {500, "oops", {}}};
  const auto gone = error_of([&] { endpoint({.retries = 1}).ask({"", "?"}); });
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->code(), ErrorCode::kIo);
  EXPECT_THAT(gone->what(), HasSubstr("oops"));
  EXPECT_EQ(waits_.size(), 1U);

  responses_ = {{401, "who are you", {}}};
  const auto refused = error_of([&] { endpoint({.key = "secret"}).ask({"", "?"}); });
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->what(), HasSubstr("who are you"));
  EXPECT_THAT(refused->what(), testing::Not(HasSubstr("secret")));
  EXPECT_EQ(waits_.size(), 1U);  // not asked again
}

TEST_F(ChatEndpointTest, NoConnectionIsTriedAgain) {
  EXPECT_TRUE(error_of([&] { endpoint({.retries = 2}).ask({"", "?"}); }));
  EXPECT_EQ(asked_.size(), 3U);
}

TEST_F(ChatEndpointTest, StopsAtItsCaps) {
  responses_ = {{200, answer("a", 50), {}}, {200, answer("b", 50), {}}};
  ChatEndpoint chat = endpoint({.max_tokens = 60});
  chat.ask({"", "1"});
  chat.ask({"", "2"});
  const auto capped = error_of([&] { chat.ask({"", "3"}); });
  ASSERT_TRUE(capped);
  EXPECT_EQ(capped->code(), ErrorCode::kTooLong);
  EXPECT_EQ(chat.ask({"", "1"}), "a");  // what is known costs nothing
  responses_ = {{500, "", {}}, {500, "", {}}, {500, "", {}}};
  const auto requests = error_of([&] { endpoint({.max_requests = 2}).ask({"", "4"}); });
  ASSERT_TRUE(requests);
  EXPECT_EQ(requests->code(), ErrorCode::kTooLong);
  EXPECT_EQ(responses_.size(), 1U);
}

TEST_F(ChatEndpointTest, TextThatIsNotUtf8IsSentAsText) {
  responses_ = {{200, answer("fine"), {}}};
  EXPECT_EQ(endpoint().ask({"", "half a character: \xc3"}), "fine");
}

}  // namespace
}  // namespace expertoire::test
