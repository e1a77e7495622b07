// What a text is put into before it is embedded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace expertoire {

/// A named prompt of the MoEE paper, or none.
struct NamedPrompt {
  std::string_view name;
  std::string_view pattern;  ///< with "*sent 0*" where the text goes; empty: the bare text
  std::string_view from;     ///< where it comes from, for `expertoire prompts`
};

/// none, quoted, prompteol, and the paper's eight others (arXiv 2410.10814, Table 2; exact strings
/// of tianyi-lab/MoE-Embedding moee.py). The one list.
const std::vector<NamedPrompt>& named_prompts();

class Prompt {
 public:
  /// A name of the list, or a template of one's own with one placeholder, "{text}" or "*sent 0*".
  /// Errors: kInvalidArgument.
  static Prompt parse(const std::string& spec);

  /// What names this prompt in calibrations and metadata.
  const std::string& name() const { return name_; }
  /// The text as it will be tokenized. For the paper's prompts with the clean-up of its code, in
  /// its order: a '.' at the end unless one of .?!"' stands there; " becomes '; the text is put
  /// in; every _ becomes a space (in the template too); white space is stripped.
  std::string apply(std::string_view text) const;

 private:
  std::string name_ = "none";
  std::string before_;
  std::string after_;
  bool bare_ = true;
  bool clean_ = false;
};

}  // namespace expertoire
