#include "analysis/index_writer.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "analysis/index_tables.h"
#include "analysis/passages.h"
#include "base/content_hash.h"
#include "base/error.h"
#include "io/atomic_file.h"
#include "io/file_descriptor.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// A checkpoint takes about a twentieth of the time between two of them at most.
constexpr double kCheckpointShare = 20;

void check_range(const char* what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  throw Error(ErrorCode::kInvalidArgument, {"indexing experts", fmt::format("{} {}", what, value),
                                            fmt::format("{} to {}", low, high), ""});
}

CounterOptions counter_options(const IndexOptions& options) {
  return {1, options.contexts, options.contexts_per_document, options.tokens_per_unit,
          options.support};
}

IndexOptions settled(IndexOptions options, const ModelConfig& config) {
  options.settle(units_of(config), config);
  return options;
}

}  // namespace

struct IndexWriter::PendingDocument {
  int32_t number;
  std::string name;
  int label;
  std::vector<int32_t> ids;
  std::vector<std::string> pieces;
};

void IndexOptions::settle(const UnitTable& units, const ModelConfig& config) {
  const bool factored =
      std::ranges::any_of(units.layers(), [](const IndexedLayer& l) { return l.keys > 0; });
  if (support < 0) support = factored ? 0.1 : 0.0;
  if (tokens_per_unit == 0) tokens_per_unit = factored ? 12 : 64;
  check_range("a number of contexts:", contexts, 1, 1000);
  check_range("contexts of one document:", contexts_per_document, 1, contexts);
  check_range("a number of tokens a unit:", tokens_per_unit, 1, 10000);
  check_range("a window of", window, 1, config.max_position_embeddings);
  check_range("at most tokens a document:", max_tokens, 0, INT32_MAX);
}

std::string IndexOptions::text() const {
  return fmt::format(
      "threshold {} support {} contexts {} per document {} tokens {} window {} max tokens {}",
      threshold, support, contexts, contexts_per_document, tokens_per_unit, window, max_tokens);
}

IndexWriter::IndexWriter(const std::string& path, Session& session, const Tokenizer& tokenizer,
                         IndexOptions options, std::map<std::string, std::string> provenance,
                         bool resume)
    : path_(path),
      session_(session),
      tokenizer_(tokenizer),
      options_(settled(options, session.model().config())),
      units_(units_of(session.model().config())),
      counters_(units_, counter_options(options_)),
      together_(units_) {
  check_writable(path_);
  // A pass that stopped between layers would be half counted: whoever stops, stops between texts.
  session_.set_cancel(nullptr);
  for (const IndexedLayer& layer : units_.layers()) masses_[layer.layer] = {};
  provenance["options"] = options_.text();
  provenance["weights_hash"] = content_hash(session.model().weights_sample());
  const bool begun = fs::exists(part());
  if (begun && !resume) {
    throw Error(ErrorCode::kInvalidArgument,
                {fmt::format("writing {}", path_), fmt::format("an unfinished {}", part()), "",
                 "go on with --resume, or delete it"});
  }
  begun ? restore(provenance) : create(provenance);
  next_checkpoint_ = Clock::now() + std::chrono::milliseconds(
                                        static_cast<int64_t>(options_.checkpoint_seconds * 1000));
}

IndexWriter::~IndexWriter() = default;

// Under another name first, so that a `.part` always has its tables.
void IndexWriter::create(const std::map<std::string, std::string>& provenance) {
  const std::string fresh = part() + ".new";
  fs::remove(fresh);
  fs::remove(fresh + "-journal");
  {
    const Database database(fresh, Database::Mode::kCreate);
    create_index_tables(database);
    database.transaction([&] {
      for (const auto& [key, value] : provenance) write_meta(database, key, value);
      const double numbers[] = {options_.threshold, options_.support};
      static_assert(std::size(numbers) == std::size(kTableNumbers));
      for (size_t i = 0; i < std::size(numbers); ++i) {
        write_meta(database, kTableNumbers[i], fmt::format("{}", numbers[i]));
      }
    });
  }
  fs::rename(fresh, part());
  database_.emplace(part(), Database::Mode::kWrite);
  checkpoint();
}

void IndexWriter::restore(const std::map<std::string, std::string>& provenance) {
  database_.emplace(part(), Database::Mode::kWrite);
  check_index_tables(*database_);
  check_facts(*database_, provenance);
  Statement labels = database_->prepare("SELECT name, documents, tokens FROM labels ORDER BY id");
  while (labels.step()) {
    labels_.push_back({labels.text(0), labels.integer(1), labels.integer(2)});
    documents_ += labels_.back().documents;
    tokens_ += labels_.back().tokens;
  }
  passages_ = database_->integer("SELECT count(*) FROM passages");
  Statement layers = database_->prepare("SELECT layer, mass, dropped FROM layers");
  while (layers.step()) {
    masses_[static_cast<int>(layers.integer(0))] = {layers.real(1), layers.real(2)};
  }
  counters_.set_labels(std::max<int>(1, static_cast<int>(labels_.size())));
  Statement rows = database_->prepare(fmt::format("SELECT id, {} FROM units", kUnitColumns));
  while (rows.step()) {
    counters_.restore(rows.integer(0), read_unit(rows, units_, labels_.size()));
  }
  counters_.take_changed();
  Statement together = database_->prepare("SELECT layer, kind, counts FROM together");
  while (together.step()) {
    const UsedTogether::Place place{static_cast<int>(together.integer(0)),
                                    static_cast<UnitKind>(together.integer(1))};
    const std::vector<uint32_t> stored = together.array<uint32_t>(2);
    const std::span<uint32_t> counts = together_.counts(place);
    if (stored.size() != counts.size()) {
      bad_file(part(), "counts of pairs of another size", fmt::format("{}", counts.size()));
    }
    std::ranges::copy(stored, counts.begin());
  }
}

int IndexWriter::label_of(const std::string& name) {
  const auto found = std::ranges::find(labels_, name, &Label::name);
  if (found != labels_.end()) return static_cast<int>(found - labels_.begin());
  labels_.push_back({name});
  counters_.set_labels(static_cast<int>(labels_.size()));
  return static_cast<int>(labels_.size()) - 1;
}

void IndexWriter::add(const LabelledText& text) { add(text, tokenizer_.encode(text.text)); }

void IndexWriter::add(const LabelledText& about, std::vector<int32_t> ids) {
  PendingDocument document{
      static_cast<int32_t>(documents_), about.name, label_of(about.label), std::move(ids), {}};
  if (options_.max_tokens > 0 && document.ids.size() > static_cast<size_t>(options_.max_tokens)) {
    document.ids.resize(static_cast<size_t>(options_.max_tokens));
  }
  document.pieces = pieces_of(tokenizer_, document.ids);
  const auto size = static_cast<int64_t>(document.ids.size());
  check_range("a corpus of tokens:", tokens_ + size, 0, UINT32_MAX);
  ++documents_;
  tokens_ += size;
  Label& label = labels_[static_cast<size_t>(document.label)];
  ++label.documents;
  label.tokens += size;
  queue_windows(document);
  pending_.push_back(std::move(document));
  pending_tokens_ += std::max<int64_t>(size, 1);  // an empty document waits too
  if (pending_tokens_ >= options_.pending_tokens) flush();
  if (Clock::now() >= next_checkpoint_) checkpoint();
}

void IndexWriter::queue_windows(const PendingDocument& document) {
  const auto size = static_cast<int64_t>(document.ids.size());
  for (int64_t begin = 0; begin < size; begin += options_.window) {
    const int64_t length = std::min(options_.window, size - begin);
    if (queued_ > 0 && queued_ + length > options_.batch_tokens) run_batch();
    windows_.emplace_back(document.ids.begin() + begin, document.ids.begin() + begin + length);
    starts_.push_back({document.number, static_cast<int32_t>(begin), 0, 0, document.label});
    queued_ += length;
  }
}

void IndexWriter::run_batch() {
  if (windows_.empty()) return;
  const std::vector<std::span<const int32_t>> texts(windows_.begin(), windows_.end());
  session_.forward_once(texts, this);
  windows_.clear();
  starts_.clear();
  queued_ = 0;
}

void IndexWriter::on_routing(const RoutingEvent& event) {
  places_.clear();
  for (const TokenRef& token : event.tokens) {
    const auto window = static_cast<size_t>(token.sequence);
    TokenPlace place = starts_[window];
    place.position += token.position;
    place.in_window = token.position;
    place.token = windows_[window][static_cast<size_t>(token.position)];
    places_.push_back(place);
  }
  collect_uses(units_, event, static_cast<float>(options_.threshold), uses_);
  counters_.add(uses_.uses, places_);
  together_.add(event.layer, uses_.uses);
  Mass& mass = masses_[event.layer];
  mass.mass += uses_.mass;
  mass.dropped += uses_.dropped;
}

// Documents, and what of them is by document, would else grow with the time between checkpoints.
void IndexWriter::flush() {
  run_batch();
  if (!std::exchange(open_, true)) database_->run("BEGIN IMMEDIATE");
  write_documents(counters_.end_documents());
  pending_.clear();
  pending_tokens_ = 0;
}

void IndexWriter::checkpoint() {
  const Clock::time_point begun = Clock::now();
  flush();
  write_units();
  write_tables();
  database_->run("COMMIT");
  open_ = false;
  const std::chrono::duration<double> took = Clock::now() - begun;
  const std::chrono::duration<double> wait(
      std::max(options_.checkpoint_seconds, kCheckpointShare * took.count()));
  next_checkpoint_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
}

void IndexWriter::write_documents(const std::vector<DocumentMass>& masses) {
  Statement insert = database_->prepare("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  Statement passage = database_->prepare("INSERT INTO passages VALUES (?, ?, ?, ?)");
  Statement words = database_->prepare("INSERT INTO passages_fts (rowid, text) VALUES (?, ?)");
  std::vector<int32_t> units;
  std::vector<float> of_units;
  auto mass = masses.begin();
  for (const PendingDocument& document : pending_) {
    units.clear();
    of_units.clear();
    for (; mass != masses.end() && mass->document == document.number; ++mass) {
      units.push_back(mass->unit);
      of_units.push_back(mass->mass);
    }
    const TokenText text = join(document.pieces);
    insert.bind(document.number).bind(document.name).bind(document.label);
    insert.bind(static_cast<int64_t>(document.ids.size())).bind(text.text);
    insert.bind_array<int32_t>(document.ids).bind_array<uint32_t>(text.begins);
    insert.bind_array<int32_t>(units).bind_array<float>(of_units).run();
    for (const auto& [begin, end] : passages_of(document.pieces)) {
      ++passages_;
      passage.bind(passages_).bind(document.number).bind(begin).bind(end).run();
      words.bind(passages_).bind(text.between(begin, end)).run();
    }
  }
}

void IndexWriter::write_units() {
  Statement insert = database_->prepare(fmt::format(
      "INSERT OR REPLACE INTO units (id, {}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", kUnitColumns));
  for (int64_t number : counters_.take_changed()) {
    write_unit(insert, number, counters_.record(number));
  }
}

void IndexWriter::write_tables() {
  Statement label = database_->prepare("INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?)");
  for (size_t i = 0; i < labels_.size(); ++i) {
    label.bind(static_cast<int64_t>(i)).bind(labels_[i].name);
    label.bind(labels_[i].documents).bind(labels_[i].tokens).run();
  }
  Statement layer =
      database_->prepare("INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const IndexedLayer& entry : units_.layers()) {
    const Mass& mass = masses_[entry.layer];
    layer.bind(entry.layer).bind(entry.experts).bind(entry.keys).bind(entry.heads);
    layer.bind(entry.top_k).bind(mass.mass).bind(mass.dropped).run();
  }
  Statement together = database_->prepare("INSERT OR REPLACE INTO together VALUES (?, ?, ?)");
  for (const UsedTogether::Place& place : together_.places()) {
    together.bind(place.first).bind(static_cast<int>(place.second));
    together.bind_array<uint32_t>(together_.counts(place)).run();
  }
}

// A copy without holes, whose content does not depend on the checkpoints, takes the name.
void IndexWriter::finish(const std::map<std::string, std::string>& meta) {
  if (documents_ == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                {"indexing experts", "a corpus without a document", "one or more", ""});
  }
  checkpoint();
  database_->transaction([&] {
    for (const auto& [key, value] : meta) write_meta(*database_, key, value);
    write_meta(*database_, "complete", "yes");
    database_->run("INSERT INTO passages_fts (passages_fts) VALUES ('optimize')");
  });
  const std::string whole = path_ + ".whole";
  fs::remove(whole);
  database_->prepare("VACUUM INTO ?").bind(whole).run();
  database_.reset();
  sync_file(FileDescriptor(::open(whole.c_str(), O_RDONLY | O_CLOEXEC)).get(), whole);
  fs::rename(whole, path_);
  sync_folder_of(path_);
  fs::remove(part());
}

}  // namespace expertoire
