// The edit that travels in a model's folder, where the format of its weights cannot say it.
#pragma once

#include <string>

#include "routing/edit.h"

namespace expertoire {

/// Its file, in the format of docs/edits.md.
inline constexpr const char* kOwnEditFile = "routing_edit.json";

/// The edit of a folder; an empty one where there is no such file. Errors: those of
/// RoutingEdit::load.
RoutingEdit read_own_edit(const std::string& folder);

}  // namespace expertoire
