// The paper's prompts word for word, its clean-up in its order, and templates of one's own.
#include "embed/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace expertoire {
namespace {

using testing::HasSubstr;

std::string apply(const std::string& prompt, std::string_view text) {
  return Prompt::parse(prompt).apply(text);
}

// What moee.py of tianyi-lab/MoE-Embedding makes of the sentence "A b".
TEST(PromptTest, NamedPromptsAreThePapers) {
  const std::vector<std::pair<const char*, const char*>> all = {
      {"none", "A b"},
      {"quoted", R"("A b.")"},
      {"prompteol", R"(This sentence : "A b." means in one word:")"},
      {"style", R"(In one word, describe the style of the following sentence - "A b." :")"},
      {"sentiment",
       R"(In one word, describe the sentiment of the following sentence (positive, neutral, or negative) - "A b." :)"},
      {"tone",
       R"(In one word, describe the tone of the following sentence - "A b." (e.g., formal, informal, humorous, serious):)"},
      {"intent",
       R"(In one word, describe the intent behind the following sentence (e.g., request, suggestion, command) - "A b." :)"},
      {"complexity",
       R"(In one word, rate the complexity of the following sentence (simple, moderate, complex) - "A b." :)"},
      {"subjectivity",
       R"(In one word, describe whether the following sentence is subjective or objective - "A b." :)"},
      {"language_style",
       R"(In one word, describe the language style of the following sentence (e.g., academic, conversational, literary) - "A b." :)"},
      {"grammar_structure",
       R"(In one word, describe the grammatical structure of the following sentence (simple, compound, complex) - "A b." :)"}};
  ASSERT_EQ(named_prompts().size(), all.size());
  for (const auto& [name, expected] : all) {
    EXPECT_EQ(apply(name, "A b"), expected);
    EXPECT_EQ(Prompt::parse(name).name(), name);
  }
}

TEST(PromptTest, AFullStopIsAddedUnlessTheSentenceHasAnEnd) {
  for (const char* ended : {"Yes.", "Yes?", "Yes!", "Yes'"}) {
    EXPECT_EQ(apply("quoted", ended), '"' + std::string(ended) + '"');
  }
  EXPECT_EQ(apply("quoted", "Yes\""), "\"Yes'\"") << "a quote ends it, then becomes another";
  EXPECT_EQ(apply("quoted", "Yes,"), "\"Yes,.\"");
  EXPECT_EQ(apply("quoted", "Yes "), "\"Yes .\"") << "white space is no end";
  EXPECT_EQ(apply("quoted", "caf\xc3\xa9"), "\"caf\xc3\xa9.\"");
  EXPECT_EQ(apply("quoted", ""), "\"\"") << "an empty text stays empty";
}

TEST(PromptTest, QuotesInTheTextBecomeSingle) {
  EXPECT_EQ(apply("quoted", "say \"no\" now"), "\"say 'no' now.\"");
}

TEST(PromptTest, EveryUnderscoreBecomesASpace) {
  EXPECT_EQ(apply("quoted", "a_b__c"), "\"a b  c.\"");
  EXPECT_EQ(apply("quoted", "_"), "\" .\"");
}

TEST(PromptTest, PlaceholderInsideTheTextIsText) {
  EXPECT_EQ(apply("quoted", "a *sent 0* b"), "\"a *sent 0* b.\"");
}

// Only the whole prompt is stripped, and the quotes of all named prompts protect the text.
TEST(PromptTest, WhiteSpaceInsideTheQuotesStays) {
  EXPECT_EQ(apply("quoted", " \t a.\n"), "\" \t a.\n.\"");
  EXPECT_EQ(apply("sentiment", "a").back(), ':');
}

TEST(PromptTest, NoneIsTheBareText) {
  for (const char* text : {"", " a_b \"c\" ", "a"}) EXPECT_EQ(apply("none", text), text);
}

TEST(PromptTest, OwnTemplatesTakeTheTextAsItIs) {
  EXPECT_EQ(apply("Title: {text}", " a_b \"c\""), "Title:  a_b \"c\"");
  EXPECT_EQ(apply("{text}", "x"), "x");
  EXPECT_EQ(apply("<*sent 0*>", "x"), "<x>");
  EXPECT_EQ(apply("a_b {text} *sent 0*", "x"), "a_b x *sent 0*") << "{text} comes first";
  EXPECT_EQ(apply("say {text}!", "{text}"), "say {text}!");
  EXPECT_EQ(Prompt::parse("Title: {text}").name(), "Title: {text}");
}

TEST(PromptTest, NoPromptIsTheBareText) { EXPECT_EQ(Prompt().apply("a_b"), "a_b"); }

TEST(PromptTest, WhatIsNeitherANameNorATemplateIsRefused) {
  for (const char* spec : {"", "prompt_eol", "PromptEOL", "no placeholder", "{Text}"}) {
    const auto error = test::error_of([&] { Prompt::parse(spec); });
    ASSERT_TRUE(error) << spec;
    EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error->what(), HasSubstr("neither a known name nor a template"));
    for (const NamedPrompt& named : named_prompts()) {
      EXPECT_THAT(error->what(), HasSubstr(std::string(named.name)));
    }
  }
}

TEST(PromptTest, TwoPlaceholdersAreRefused) {
  for (const char* spec : {"{text} and {text}", "*sent 0**sent 0*"}) {
    const auto error = test::error_of([&] { Prompt::parse(spec); });
    ASSERT_TRUE(error) << spec;
    EXPECT_THAT(error->what(), HasSubstr("the placeholder twice"));
  }
}

}  // namespace
}  // namespace expertoire
