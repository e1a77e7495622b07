#include "train/manifest.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "base/checked.h"
#include "io/json.h"
#include "io/refuse.h"
#include "train/sha256.h"

namespace expertoire::train {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kFormat = "expertoire.tokens";
constexpr int64_t kVersion = 1;
constexpr int64_t kMaxVocab = int64_t{1} << 31;
constexpr const char* kAdvice = "build the shards again with `expertoire-train data`";

// Reads values of an object that is at `where` ("files[3].train"), and refuses what is wrong.
class Reader {
 public:
  Reader(const json& object, const std::string& file, std::string where)
      : object_(object), file_(file), where_(std::move(where)) {
    if (!object.is_object()) refuse(where_, in_short(object), "an object");
  }

  Reader object(const char* key) const { return {at(key), file_, path(key)}; }

  int64_t count(const char* key, int64_t most = std::numeric_limits<int64_t>::max()) const {
    const json& value = at(key);
    const bool good = value.is_number_integer() &&
                      (!value.is_number_unsigned() ||
                       value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()}) &&
                      value.get<int64_t>() >= 0 && value.get<int64_t>() <= most;
    if (!good) refuse(path(key), in_short(value), "a whole number from 0 in its range");
    return value.get<int64_t>();
  }

  std::string text(const char* key) const {
    const json& value = at(key);
    if (!value.is_string()) refuse(path(key), in_short(value), "a string");
    return value.get<std::string>();
  }

  std::string sha256(const char* key) const {
    std::string digest = text(key);
    if (!is_sha256(digest)) refuse(path(key), in_quotes(digest), "64 hex digits");
    return digest;
  }

  const json& at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) refuse(path(key), "nothing", "a value");
    return *found;
  }

  std::string path(std::string_view key) const {
    return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key);
  }

  [[noreturn]] void refuse(const std::string& where, const std::string& found,
                           std::string expected) const {
    bad_file(file_, fmt::format("{} is {}", where.empty() ? "the document" : where, found),
             std::move(expected), kAdvice);
  }

 private:
  const json& object_;
  const std::string& file_;
  std::string where_;
};

// A path that stays below the folder: "split/name" of plain characters.
bool is_shard_path(std::string_view path, std::string_view split) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  if (!path.starts_with(split) || path.substr(split.size(), 1) != "/") return false;
  const std::string_view name = path.substr(split.size() + 1);
  return !name.empty() && name.size() < 256 && name[0] != '.' &&
         name.find_first_not_of(kPlain) == std::string_view::npos;
}

Shard read_shard(const Reader& reader, const char* split) {
  Shard shard;
  shard.path = reader.text("shard");
  if (!is_shard_path(shard.path, split)) {
    reader.refuse(reader.path("shard"), in_quotes(shard.path),
                  fmt::format("a file in the folder {}", split));
  }
  shard.documents = reader.count("documents");
  shard.bytes = reader.count("bytes");
  shard.tokens = reader.count("tokens");
  shard.sha256 = reader.sha256("sha256");
  return shard;
}

CorpusFile read_file(const Reader& reader) {
  CorpusFile file;
  file.source = reader.text("source");
  file.name = reader.text("file");
  file.sha256 = reader.sha256("sha256");
  const Reader licences = reader.object("licences");
  for (const auto& [name, unused] : reader.at("licences").items()) {
    file.licences[name] = licences.count(name.c_str());
  }
  file.train = read_shard(reader.object("train"), "train");
  file.held_out = read_shard(reader.object("held_out"), "held_out");
  return file;
}

HoldOut read_rule(const Reader& reader) {
  HoldOut rule;
  rule.every = reader.count("every");
  rule.index = reader.count("index");
  rule.piece = reader.count("piece_characters");
  rule.field = reader.text("field");
  rule.value = reader.text("value");
  return rule;
}

void check_version(const Reader& reader, const std::string& what) {
  if (reader.text("format") != kFormat) {
    reader.refuse("format", in_quotes(reader.text("format")), kFormat);
  }
  const int64_t version = reader.count("version");
  if (version == kVersion) return;
  throw Error(ErrorCode::kUnsupported,
              {fmt::format("reading {}", what), fmt::format("version {}", version),
               fmt::format("version {}", kVersion), kAdvice});
}

// Sizes of shards are computed from these later, so they must fit whatever is added up.
void check_sums(const Manifest& manifest, const Reader& reader) {
  uint64_t sum = 0;
  std::set<std::string> paths;
  for (const CorpusFile& file : manifest.files) {
    for (const Shard* shard : {&file.train, &file.held_out}) {
      const auto size = checked_mul(static_cast<uint64_t>(shard->tokens), 4);
      const auto next = size ? checked_add(sum, *size) : std::nullopt;
      if (!next || *next > uint64_t{std::numeric_limits<int64_t>::max()}) {
        reader.refuse("the sum of all tokens", "too large", "a number that fits a file");
      }
      sum = *next;
      if (!paths.insert(shard->path).second) {
        reader.refuse("shard", fmt::format("{} twice", in_quotes(shard->path)), "each file once");
      }
    }
  }
}

ordered_json shard_json(const Shard& shard) {
  return {{"shard", shard.path},
          {"documents", shard.documents},
          {"bytes", shard.bytes},
          {"tokens", shard.tokens},
          {"sha256", shard.sha256}};
}

double bytes_per_token(int64_t bytes, int64_t tokens) {
  return tokens == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(tokens);
}

// For readers of the file; parse() does not look at it.
ordered_json sums_json(const Manifest& manifest, const std::string& split) {
  Shard sum;
  for (const CorpusFile& file : manifest.files) {
    const Shard& shard = shard_of(file, split);
    sum.documents += shard.documents;
    sum.bytes += shard.bytes;
    sum.tokens += shard.tokens;
  }
  return {{"documents", sum.documents},
          {"bytes", sum.bytes},
          {"tokens", sum.tokens},
          {"bytes_per_token", bytes_per_token(sum.bytes, sum.tokens)}};
}

}  // namespace

Manifest Manifest::read(const std::string& path) { return parse(read_text_file(path), path); }

Manifest Manifest::parse(std::string_view text, const std::string& what) {
  const json document = parse_json(text, what);
  const Reader reader(document, what, "");
  check_version(reader, what);
  Manifest manifest;
  const Reader tokenizer = reader.object("tokenizer");
  manifest.tokenizer_sha256 = tokenizer.sha256("sha256");
  manifest.vocab_size = tokenizer.count("vocab_size", kMaxVocab);
  manifest.eos_id = tokenizer.count("eos_id");
  if (manifest.eos_id >= manifest.vocab_size) {
    tokenizer.refuse("tokenizer.eos_id", std::to_string(manifest.eos_id),
                     fmt::format("an id below vocab_size {}", manifest.vocab_size));
  }
  manifest.hold_out = read_rule(reader.object("hold_out"));
  const json& files = reader.at("files");
  if (!files.is_array()) reader.refuse("files", in_short(files), "a list");
  for (size_t i = 0; i < files.size(); ++i) {
    manifest.files.push_back(read_file({files[i], what, fmt::format("files[{}]", i)}));
  }
  check_sums(manifest, reader);
  return manifest;
}

std::string Manifest::to_json() const {
  ordered_json list = ordered_json::array();
  for (const CorpusFile& file : files) {
    list.push_back({{"source", file.source},
                    {"file", file.name},
                    {"sha256", file.sha256},
                    {"licences", file.licences},
                    {"train", shard_json(file.train)},
                    {"held_out", shard_json(file.held_out)}});
  }
  const ordered_json document = {
      {"format", kFormat},
      {"version", kVersion},
      {"tokenizer", {{"sha256", tokenizer_sha256}, {"vocab_size", vocab_size}, {"eos_id", eos_id}}},
      {"ids", id_bytes() == 2 ? "uint16 little-endian" : "uint32 little-endian"},
      {"hold_out",
       {{"every", hold_out.every},
        {"index", hold_out.index},
        {"piece_characters", hold_out.piece},
        {"field", hold_out.field},
        {"value", hold_out.value}}},
      {"sums", {{"train", sums_json(*this, "train")}, {"held_out", sums_json(*this, "held_out")}}},
      {"files", list}};
  return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

const Shard& shard_of(const CorpusFile& file, const std::string& split) {
  if (split == "train") return file.train;
  if (split == "held_out") return file.held_out;
  throw Error(ErrorCode::kInvalidArgument,
              {"choosing a split", in_quotes(split), "train or held_out", ""});
}

}  // namespace expertoire::train
