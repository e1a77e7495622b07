#include "io/hf_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "io/json.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

fs::path cache_folder() {
  if (const std::string hub = environment("HF_HUB_CACHE"); !hub.empty()) return hub;
  if (const std::string home = environment("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
  return fs::path(environment("HOME")) / ".cache/huggingface/hub";
}

// One part of a repository's name, or a revision without slashes.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

bool is_commit(const std::string& text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(),
                                          [](unsigned char c) { return std::isxdigit(c) != 0; });
}

// The commit that a branch or tag stands for; refs hold it as text.
std::string commit_of(const fs::path& repository, const std::string& revision) {
  if (is_commit(revision)) return revision;
  const fs::path ref = repository / "refs" / revision;
  std::error_code ignored;
  if (!fs::is_regular_file(ref, ignored)) return "";
  std::string commit = read_text_file(ref.string(), 4096);
  std::erase_if(commit, [](unsigned char c) { return std::isspace(c) != 0; });
  return is_commit(commit) ? commit : "";
}

[[noreturn]] void not_a_model(const std::string& spec) {
  throw Error(ErrorCode::kInvalidArgument,
              {"finding the model", fmt::format("\"{}\"", spec),
               "a model folder, or org/name[@revision] of the local Hugging Face cache", ""});
}

}  // namespace

std::string resolve_model_folder(const std::string& spec) {
  std::error_code ignored;  // what cannot be looked at is not there
  if (fs::is_directory(spec, ignored)) return spec;
  const size_t slash = spec.find('/');
  const size_t at = spec.find('@');
  if (slash == std::string::npos) not_a_model(spec);
  const std::string org = spec.substr(0, slash);
  const std::string name = spec.substr(slash + 1, at == std::string::npos ? at : at - slash - 1);
  const std::string revision = at == std::string::npos ? "main" : spec.substr(at + 1);
  if (!is_plain_name(org) || !is_plain_name(name) || !is_plain_name(revision)) not_a_model(spec);
  const fs::path repository = cache_folder() / fmt::format("models--{}--{}", org, name);
  const std::string commit = commit_of(repository, revision);
  const fs::path snapshot = repository / "snapshots" / commit;
  if (commit.empty() || !fs::is_directory(snapshot, ignored)) {
    throw Error(ErrorCode::kNotFound,
                {"finding the model " + spec,
                 fmt::format("no folder of that name, and no revision {} in {}", revision,
                             repository.string()),
                 "a model on this machine",
                 fmt::format("fetch it with `huggingface-cli download {}/{}`, or give a folder",
                             org, name)});
  }
  return snapshot.string();
}

}  // namespace expertoire
