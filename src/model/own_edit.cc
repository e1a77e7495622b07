#include "model/own_edit.h"

#include <filesystem>

namespace expertoire {

RoutingEdit read_own_edit(const std::string& folder) {
  const std::string path = folder + "/" + kOwnEditFile;
  std::error_code error;
  return std::filesystem::exists(path, error) ? RoutingEdit::load(path) : RoutingEdit();
}

}  // namespace expertoire
