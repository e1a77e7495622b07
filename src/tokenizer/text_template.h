// Texts made from the fields of a JSON object, by the Jinja that chat templates use.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace expertoire {

/// docs/chat_templates.md lists the subset and the limits. Immutable; cheap to copy.
class TextTemplate {
 public:
  /// Errors: kBadFile, kUnsupported, kTooLong, as render_chat().
  explicit TextTemplate(std::string_view source);
  /// Equal to jinja2's with trim_blocks, lstrip_blocks and keep_trailing_newline. Numbers that are
  /// not whole are texts; a field that is not there is empty. Errors: as render_chat().
  std::string render(const nlohmann::json& fields) const;

 private:
  struct Parsed;
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace expertoire
