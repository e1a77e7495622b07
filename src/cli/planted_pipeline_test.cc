// A model built by hand through all commands: its experts must be found, labelled, masked and
// removed, by what the commands write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "analysis/unit_labels.h"
#include "cli/command.h"
#include "io/json.h"
#include "support/planted.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// The letters of a domain are those that one expert of layer 0 serves.
const std::map<std::string, std::string> kLetters = {
    {"vowels", "ae"}, {"early", "bc"}, {"late", "xz"}};
const std::map<std::string, std::string> kExperts = {
    {"vowels", "0:0"}, {"early", "0:1"}, {"late", "0:2"}};

class PlantedPipelineTest : public testing::Test {
 protected:
  PlantedPipelineTest() {
    std::filesystem::create_directories(dir_.file("model"));
    test::write_planted(test::planted_speakers(), dir_.file("model"));
    std::mt19937 random(7);
    for (const auto& [domain, letters] : kLetters) {
      std::string lines;
      for (int i = 0; i < 60; ++i) {
        std::string text;
        while (text.size() < 56) {
          text += text.size() % 8 == 7 ? ' ' : letters[random() % letters.size()];
        }
        lines += json{{"text", text}}.dump() + "\n";
      }
      dir_.write("corpus/" + domain + ".jsonl", lines);
    }
  }

  // What a command prints; it must succeed.
  std::string call(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "expertoire");
    std::vector<const char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
    testing::internal::CaptureStdout();
    const int code =
        run({"expertoire", "", commands()}, static_cast<int>(pointers.size()), pointers.data());
    std::string shown = testing::internal::GetCapturedStdout();
    EXPECT_EQ(code, 0) << arguments[1] << " " << arguments[2];
    return shown;
  }
  std::vector<std::string> with_model(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(),
                     {"--model", dir_.file("model"), "--compute", "f32", "--threads", "1"});
    return arguments;
  }
  std::vector<std::string> with_texts(std::vector<std::string> arguments, const char* part) {
    arguments.insert(arguments.end(),
                     {"--input", dir_.file("corpus"), "--hold-out", "1/2", "--part", part});
    return with_model(std::move(arguments));
  }
  void index(const char* name, const char* part) {
    call(with_texts(
        {"experts", "index", "--out", dir_.file(name), "--window", "60", "--contexts", "60"},
        part));
  }

  void find_experts() {
    call({"experts", "domains", "--index", dir_.file("x.db"), "--index-b", dir_.file("y.db"),
          "--model", dir_.file("model"), "--out", dir_.file("edits")});
    std::map<std::string, std::vector<std::string>> found;
    std::istringstream lines(test::read_bytes(dir_.file("edits/experts.jsonl")));
    for (std::string line; std::getline(lines, line);) {
      const json row = json::parse(line);
      if (row["unit"].get<std::string>().starts_with("0:") && row["qualifies"].get<bool>()) {
        found[row["domain"]].push_back(row["unit"]);
      }
    }
    for (const auto& [domain, expert] : kExperts) {
      EXPECT_THAT(found[domain], UnorderedElementsAre(expert)) << domain;
    }
  }

  void label_experts() {
    std::vector<std::string> arguments = {"experts",         "label",      "--index",
                                          dir_.file("x.db"), "--held-out", dir_.file("y.db"),
                                          "--method",        "words",      "--units"};
    for (const auto& [domain, expert] : kExperts) arguments.push_back(expert);
    call(arguments);
    const ExpertIndex index(dir_.file("x.db"));
    for (const auto& [domain, expert] : kExperts) {
      const std::vector<UnitLabel> labels = labels_of(index, index.units().parse(expert));
      ASSERT_EQ(labels.size(), 1U) << expert;
      EXPECT_TRUE(labels[0].reliable) << labels[0].text;
      EXPECT_GE(labels[0].items, 40);
      for (const auto& [other, letters] : kLetters) {  // it names letters of its own, and no others
        size_t named = 0;
        for (const char letter : letters) {
          named += labels[0].text.find(std::string("\"") + letter + "\"") != std::string::npos;
        }
        EXPECT_EQ(named > 0, other == domain) << expert << ": " << labels[0].text;
      }
    }
  }

  void mask_experts() {
    call(with_texts({"experts", "mask-study", "--index", dir_.file("x.db"), "--max-tokens", "56",
                     "--controls", "most_frequent", "--out", dir_.file("study")},
                    "held-out"));
    const json study = read_json_file(dir_.file("study/study.json"));
    for (const json& mask : study["masks"]) {
      if (mask["kind"] != "selected") continue;
      for (const auto& [domain, change] : mask["change"].items()) {
        if (domain == mask["target"]) {
          EXPECT_GT(change["low"], 0.5) << domain;
        } else {
          EXPECT_EQ(change["value"], 0) << domain;
        }
      }
    }
    EXPECT_GT(study["summary"]["selected"]["difference"]["low"], 0.5);
    EXPECT_EQ(study["summary"]["selected"]["targets"], 3);
  }

  void remove_expert() {
    call(with_model({"edit", "apply", "--edit", dir_.file("edits/vowels.json"), "--text",
                     dir_.file("corpus/vowels.jsonl"), "--out", dir_.file("without")}));
    const json report = read_json_file(dir_.file("without/edit_report.json"));
    EXPECT_TRUE(report["what"]["in_weights"]);
    EXPECT_THAT(report["why"][0].get<std::string>(), HasSubstr("vowels"));
    EXPECT_GT(report["change"]["bits_per_byte"]["interval"][0], 0.5);
  }

  test::TempDir dir_;
};

TEST_F(PlantedPipelineTest, ExpertsAreFoundLabelledMaskedAndRemoved) {
  index("x.db", "train");
  index("y.db", "held-out");
  find_experts();
  label_experts();
  mask_experts();
  remove_expert();
}

}  // namespace
}  // namespace expertoire::cli
