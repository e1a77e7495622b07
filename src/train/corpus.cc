#include "train/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "io/atomic_file.h"
#include "io/folder_writer.h"
#include "io/refuse.h"
#include "tokenizer/tokenizer.h"
#include "train/sha256.h"

namespace expertoire::train {
namespace {

namespace fs = std::filesystem;

// A shard while it grows.
class ShardWriter {
 public:
  ShardWriter(const std::string& folder, Shard& shard, int64_t id_bytes)
      : shard_(shard), file_(folder + "/" + shard.path), id_bytes_(id_bytes) {}

  void append(const Document& document, const std::vector<int32_t>& ids) {
    buffer_.clear();
    for (const int32_t id : ids) {
      for (int64_t i = 0; i < id_bytes_; ++i) {
        buffer_ += static_cast<char>(static_cast<uint32_t>(id) >> (8 * i) & 0xff);
      }
    }
    file_.write(buffer_);
    hash_.add(buffer_);
    ++shard_.documents;
    shard_.bytes += static_cast<int64_t>(document.text.size());
    shard_.tokens += static_cast<int64_t>(ids.size());
  }

  void finish() {
    file_.commit();
    shard_.sha256 = hash_.hex();
  }

 private:
  Shard& shard_;
  AtomicFile file_;
  Sha256 hash_;
  int64_t id_bytes_;
  std::string buffer_;
};

// "openstax-algebra" of source openstax and file algebra.jsonl.gz: plain characters only.
std::string shard_name(const std::string& source, const std::string& file) {
  std::string name = source + "-" + file.substr(0, file.find('.'));
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    if (!plain) c = '_';
  }
  return name;
}

std::string base_name(const std::string& path) { return fs::path(path).filename().string(); }

std::vector<CorpusFile> plan(const std::vector<CorpusGroup>& groups, int64_t id_bytes) {
  std::vector<CorpusFile> files;
  std::set<std::string> names;
  for (const CorpusGroup& group : groups) {
    for (const std::string& path : group.files) {
      const std::string name = shard_name(group.source, base_name(path));
      if (!names.insert(name).second) {
        throw Error(ErrorCode::kInvalidArgument,
                    {"naming the shard of " + path, "a second file that gives " + name,
                     "names that differ before the first point", "rename the file"});
      }
      CorpusFile& file = files.emplace_back();
      file.source = group.source;
      file.name = base_name(path);
      const char* ending = id_bytes == 2 ? "u16" : "u32";
      file.train.path = fmt::format("train/{}.{}", name, ending);
      file.held_out.path = fmt::format("held_out/{}.{}", name, ending);
    }
  }
  return files;
}

int32_t eos_of(const Tokenizer& tokenizer, const std::string& eos, const std::string& path) {
  const auto id = eos.empty() ? tokenizer.eos_id() : tokenizer.token_to_id(eos);
  if (id) return *id;
  throw Error(ErrorCode::kInvalidArgument,
              {"reading the tokenizer " + path,
               eos.empty() ? "no eos_token in a tokenizer_config.json"
                           : fmt::format("no token {}", in_quotes(eos)),
               "a token that ends a document", "name one with --eos"});
}

std::string tokenizer_file(const std::string& path) {
  return fs::is_directory(path) ? path + "/tokenizer.json" : path;
}

// Walks the plan beside the documents, which come in the same order.
class CorpusWriter {
 public:
  CorpusWriter(std::string folder, Manifest& manifest)
      : folder_(std::move(folder)), manifest_(manifest) {
    for (const char* split : {"train", "held_out"}) fs::create_directory(folder_ + "/" + split);
  }

  void begin(CorpusFile& file) {
    train_ = std::make_unique<ShardWriter>(folder_, file.train, manifest_.id_bytes());
    held_out_ = std::make_unique<ShardWriter>(folder_, file.held_out, manifest_.id_bytes());
    file_ = &file;
  }

  void append(const Document& document, const std::vector<int32_t>& ids) {
    (document.held_out ? held_out_ : train_)->append(document, ids);
    ++file_->licences[document.licence];
    tokens_ += static_cast<int64_t>(ids.size());
  }

  void end() {
    train_->finish();
    held_out_->finish();
  }

  int64_t tokens() const { return tokens_; }

 private:
  std::string folder_;
  Manifest& manifest_;
  CorpusFile* file_ = nullptr;
  std::unique_ptr<ShardWriter> train_, held_out_;
  int64_t tokens_ = 0;
};

int64_t size_of(const std::string& path) {
  std::error_code absent;  // said when the file is opened
  const auto size = fs::file_size(path, absent);
  return absent ? 0 : static_cast<int64_t>(size);
}

// Reads the files in their order and reports how far it is.
class Walk {
 public:
  explicit Walk(const CorpusOptions& options) : options_(options) {
    for (const CorpusGroup& group : options.groups) {
      for (const std::string& path : group.files) total_ += size_of(path);
    }
  }

  template <typename Take>
  void file(const CorpusGroup& group, const std::string& path, Take take) {
    DocumentOptions reading;
    reading.field = options_.field;
    reading.licence = group.licence;
    reading.hold_out = options_.hold_out;
    DocumentSource source(path, reading);
    while (auto document = source.next()) {
      if (options_.cancel != nullptr) options_.cancel->check("reading the corpus");
      const int64_t tokens = take(std::move(*document));
      if (options_.progress && total_ > 0) {
        const int64_t done = done_ + source.lines().bytes_read();
        options_.progress(tokens, static_cast<double>(done) / static_cast<double>(total_));
      }
    }
    done_ += source.lines().bytes_total();
  }

 private:
  const CorpusOptions& options_;
  int64_t done_ = 0;
  int64_t total_ = 0;
};

}  // namespace

void for_each_document(
    const CorpusOptions& options,
    const std::function<void(const CorpusGroup&, const std::string& file, Document&&)>& take) {
  Walk walk(options);
  for (const CorpusGroup& group : options.groups) {
    for (const std::string& path : group.files) {
      walk.file(group, path, [&](Document&& document) -> int64_t {
        take(group, path, std::move(document));
        return 0;
      });
    }
  }
}

Manifest build_corpus(const CorpusOptions& options, const std::string& tokenizer_path,
                      const std::string& eos, const std::string& out) {
  const Tokenizer tokenizer = Tokenizer::load(tokenizer_path);
  Manifest manifest;
  manifest.tokenizer_sha256 = sha256_of_file(tokenizer_file(tokenizer_path));
  manifest.vocab_size = tokenizer.vocab_size();
  manifest.eos_id = eos_of(tokenizer, eos, tokenizer_path);
  manifest.hold_out = options.hold_out;
  manifest.files = plan(options.groups, manifest.id_bytes());

  FolderWriter folder(out);
  CorpusWriter writer(folder.temporary(), manifest);
  Walk walk(options);
  size_t next = 0;
  for (const CorpusGroup& group : options.groups) {
    for (const std::string& path : group.files) {
      CorpusFile& file = manifest.files[next++];
      file.sha256 = sha256_of_file(path);
      writer.begin(file);
      walk.file(group, path, [&](const Document& document) {
        std::vector<int32_t> ids = tokenizer.encode(document.text, false);
        ids.push_back(static_cast<int32_t>(manifest.eos_id));
        writer.append(document, ids);
        return writer.tokens();
      });
      writer.end();
    }
  }
  write_file(folder.temporary() + "/manifest.json", manifest.to_json());
  folder.commit();
  return manifest;
}

}  // namespace expertoire::train
