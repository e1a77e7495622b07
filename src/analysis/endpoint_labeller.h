// Labels by a chat model, which then has to answer by them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/chat_endpoint.h"
#include "analysis/labeller.h"

namespace expertoire {

inline constexpr size_t kContextsShown = 16;  ///< of a unit, in the question for its label
inline constexpr size_t kItemsPerQuestion = 10;

/// What a unit does, from its contexts with the active token marked.
ChatQuestion label_question(std::span<const ContextWindow> windows);
/// The label: what follows "LABEL:", or the first line. Empty when there is nothing.
std::string read_label(const std::string& answer);

/// Which items of one task are active, by a label?
ChatQuestion judge_question(const std::string& label, std::span<const LabelItem* const> items);
/// A list of `count` zeros and ones somewhere in the answer; nothing when there is none.
std::optional<std::vector<bool>> read_verdicts(const std::string& answer, size_t count);

class EndpointLabeller final : public Labeller {
 public:
  explicit EndpointLabeller(Ask ask) : ask_(std::move(ask)) {}

  void learn(std::vector<UnitEvidence> units) override;
  /// Errors: those of asking.
  std::string text(size_t unit) override;
  /// What cannot be read as an answer counts as "none is active": half right, as chance is.
  std::vector<bool> judge(size_t unit, std::span<const LabelItem> items) override;

  int64_t unusable() const { return unusable_; }  ///< answers that could not be read

 private:
  void judge_some(const std::string& label, std::span<const LabelItem* const> items,
                  std::vector<bool>& verdicts);

  Ask ask_;
  std::vector<std::vector<ContextWindow>> windows_;  // by unit, those that are shown
  std::vector<std::optional<std::string>> labels_;   // once asked for
  int64_t unusable_ = 0;
};

}  // namespace expertoire
