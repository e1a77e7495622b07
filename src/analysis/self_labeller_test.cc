#include "analysis/self_labeller.h"

#include <gtest/gtest.h>

#include "analysis/passages.h"

namespace expertoire {
namespace {

TEST(SelfPromptTest, IsThePapersQuestionWithTwoPlaces) {
  for (const char* model : {"monet-small", "olmoe-small"}) {
    const Tokenizer tokenizer =
        Tokenizer::load(std::string(EXPERTOIRE_SOURCE_DIR "/models/") + model);
    const SplicedPrompt prompt = self_prompt(tokenizer);
    ASSERT_EQ(prompt.places.size(), 2U) << model;
    std::vector<std::string> pieces = pieces_of(tokenizer, prompt.ids);
    std::string text;
    for (size_t i = 0; i < pieces.size(); ++i) {
      const bool place = i == prompt.places[0] || i == prompt.places[1];
      text += place ? " []" : pieces[i];
    }
    EXPECT_NE(text.find("Q: What is the meaning of the word []? A: Sure! The meaning of the word "
                        "[] is \""),
              std::string::npos)
        << text;
  }
}

}  // namespace
}  // namespace expertoire
