#include "analysis/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "base/error.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEndings[] = {".jsonl", ".jsonl.gz", ".txt", ".txt.gz"};

// Of a plain text a document is a run of lines of about this many bytes.
constexpr size_t kRunBytes = 20000;

bool is_corpus_file(const std::string& name) {
  return std::ranges::any_of(kEndings, [&](std::string_view end) { return name.ends_with(end); });
}

std::string stem_of(const std::string& path) {
  std::string name = fs::path(path).filename();
  for (std::string_view ending : kEndings) {
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  }
  return name;
}

// Files that lie beside documents and tell of them: hidden ones, and those with such a name in
// capitals.
bool tells_of_corpus(const fs::path& path) {
  constexpr std::string_view kNames[] = {"README",   "INDEX",   "LICENSE", "LICENSES", "LICENCE",
                                         "LICENCES", "COPYING", "NOTICE",  "CITATION", "AUTHORS"};
  return path.filename().string().starts_with('.') || std::ranges::count(kNames, stem_of(path)) > 0;
}

void add_input(const std::string& input, std::vector<std::string>& files) {
  if (!fs::exists(input)) {
    throw Error(ErrorCode::kNotFound,
                {fmt::format("opening {}", input), "no such file or folder", "", ""});
  }
  if (!fs::is_directory(input)) {
    files.push_back(input);
    return;
  }
  std::vector<std::string> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(input)) {
    const fs::path& path = entry.path();
    if (entry.is_regular_file() && is_corpus_file(path) && !tells_of_corpus(path)) {
      found.push_back(path);
    }
  }
  std::ranges::sort(found);
  if (found.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {fmt::format("reading the folder {}", input), "no such file in it",
                 ".jsonl or .txt files, also .gz, but for a README, LICENSES and the like", ""});
  }
  files.insert(files.end(), found.begin(), found.end());
}

}  // namespace

Corpus::Corpus(CorpusOptions options) : options_(std::move(options)) {
  for (const std::string& input : options_.inputs) add_input(input, files_);
  for (const std::string& file : files_) {
    sizes_.push_back(static_cast<int64_t>(fs::file_size(file)));
  }
}

bool Corpus::open_next() {
  source_.reset();
  if (at_ == files_.size()) return false;
  const std::string& file = files_[at_++];
  DocumentOptions options;
  options.field = options_.text_field;
  options.label = options_.label_field.empty() ? stem_of(file) : "@" + options_.label_field;
  options.name = options_.name_field;
  options.longest_run = kRunBytes;
  options.hold_out = options_.hold_out;
  source_ = std::make_unique<DocumentSource>(file, options);
  return true;
}

std::optional<LabelledText> Corpus::next() {
  while (source_ || open_next()) {
    std::optional<Document> document = source_->next();
    if (!document) {
      source_.reset();
      continue;
    }
    const bool wanted = options_.part == CorpusPart::kAll ||
                        document->held_out == (options_.part == CorpusPart::kHeldOut);
    if (!wanted) continue;
    if (document->name.empty()) {
      document->name =
          fmt::format("{} line {}", fs::path(files_[at_ - 1]).filename().string(), document->line);
    }
    return LabelledText{std::move(document->name), std::move(document->label),
                        std::move(document->text)};
  }
  return std::nullopt;
}

double Corpus::fraction() const {
  const int64_t total = std::accumulate(sizes_.begin(), sizes_.end(), int64_t{0});
  int64_t read =
      std::accumulate(sizes_.begin(), sizes_.begin() + static_cast<int64_t>(at_), int64_t{0});
  if (source_) {
    read += source_->lines().bytes_read() - sizes_[at_ - 1];
  }
  return total == 0 ? 1.0 : static_cast<double>(read) / static_cast<double>(total);
}

}  // namespace expertoire
