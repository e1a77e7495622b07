#include "routing/edit_comment.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/json.h"

namespace expertoire {

using nlohmann::json;

std::string commented_edit(const RoutingEdit& edit, const std::string& comment) {
  json file = json::parse(edit.to_json());
  if (!comment.empty()) file["comment"] = comment;
  return file.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::vector<std::string> edit_comments(const std::string& path) {
  RoutingEdit::load(path);  // refuses another form
  const json file = parse_json(read_text_file(path, size_t{256} << 20), path);
  std::vector<std::string> comments;
  const auto add = [&](const json& object) {
    const auto found = object.find("comment");
    if (found == object.end() || !found->is_string()) return;
    std::string text = found->get<std::string>();
    if (!text.empty() && std::ranges::count(comments, text) == 0) {
      comments.push_back(std::move(text));
    }
  };
  add(file);
  for (const json& edit : file["edits"]) add(edit);
  return comments;
}

}  // namespace expertoire
