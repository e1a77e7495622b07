// Why an edit was made: words in its file, which RoutingEdit does not keep.
#pragma once

#include <string>
#include <vector>

#include "routing/edit.h"

namespace expertoire {

/// The edit's file with a comment in it, unless that is empty.
std::string commented_edit(const RoutingEdit& edit, const std::string& comment);

/// The comments of an edit file: its own, then those of its edits, each once. Errors: those of
/// RoutingEdit::load.
std::vector<std::string> edit_comments(const std::string& path);

}  // namespace expertoire
