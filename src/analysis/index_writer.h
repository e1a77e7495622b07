// Making an expert index: one pass over a corpus, which may be killed and resumed at any moment.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/corpus.h"
#include "analysis/unit_counters.h"
#include "analysis/used_together.h"
#include "engine/session.h"
#include "io/sqlite.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

struct IndexOptions {
  double threshold = 0.01;  ///< joint experts with a score at or below this are not counted
  /// Mass of a unit in a document below which it is not stored by document and the document does
  /// not count as holding the unit. Negative: 0.1 for factored routing, else 0.
  double support = -1;
  int contexts = 16;
  int contexts_per_document = 2;
  int tokens_per_unit = 0;  ///< of the vocabulary; 0: 12 for factored routing, else 64
  int64_t window = 512;     ///< tokens that the model reads at once; documents are cut into these
  int64_t max_tokens = 0;   ///< read of a document, 0 = all
  int64_t batch_tokens = 2048;
  /// Of documents that are kept in memory; then they go into the file, which forgets them after a
  /// stop that comes before the next checkpoint.
  int64_t pending_tokens = 1 << 18;
  double checkpoint_seconds = 60;

  /// Fills in what depends on the model. Errors: kInvalidArgument for numbers that make no sense.
  void settle(const UnitTable& units, const ModelConfig& config);
  /// What decides the result, as `meta` keeps it.
  std::string text() const;
};

/// Writes `path`.part, checkpoint by checkpoint, and gives it its name at the end. The result does
/// not depend on batches, threads, checkpoints, or how often it was stopped.
class IndexWriter final : public RoutingSink {
 public:
  /// The session's passes are no longer cancelled: call checkpoint() between texts and leave.
  /// `provenance`: what must be the same on resume; it goes into the file. `resume` goes on from a
  /// `.part` if there is one. Errors: kInvalidArgument (a `.part` is there and resume is not asked
  /// for, or comes from another model, corpus or option), those of Database.
  IndexWriter(const std::string& path, Session& session, const Tokenizer& tokenizer,
              IndexOptions options, std::map<std::string, std::string> provenance, bool resume);
  ~IndexWriter() override;

  /// Documents that an earlier run did: skip as many.
  int64_t documents() const { return documents_; }
  int64_t tokens() const { return tokens_; }
  /// Reads a document. Its part of the result is safe after the next checkpoint, which is made when
  /// it is time. Errors: those of the model, kIo.
  void add(const LabelledText& text);
  /// The same of a document that is tokens already; its text is not looked at.
  void add(const LabelledText& about, std::vector<int32_t> ids);
  /// All that was added is safe. Errors: kIo.
  void checkpoint();
  /// checkpoint(), `meta` (command, time …), and the file gets its name. Errors: kIo;
  /// kInvalidArgument when there was no document.
  void finish(const std::map<std::string, std::string>& meta);

  void on_routing(const RoutingEvent& event) override;

 private:
  struct PendingDocument;  // read, not yet in the file
  struct Label {
    std::string name;
    int64_t documents = 0, tokens = 0;
  };
  struct Mass {
    double mass = 0, dropped = 0;
  };

  std::string part() const { return path_ + ".part"; }
  void create(const std::map<std::string, std::string>& provenance);
  void restore(const std::map<std::string, std::string>& provenance);
  int label_of(const std::string& name);
  void queue_windows(const PendingDocument& document);
  void run_batch();
  void flush();
  void write_documents(const std::vector<DocumentMass>& masses);
  void write_units();
  void write_tables();

  std::string path_;
  Session& session_;
  const Tokenizer& tokenizer_;
  IndexOptions options_;
  UnitTable units_;
  UnitCounters counters_;
  UsedTogether together_;
  std::map<int, Mass> masses_;  // by layer
  std::vector<Label> labels_;
  int64_t documents_ = 0, tokens_ = 0, passages_ = 0;
  std::optional<Database> database_;
  std::chrono::steady_clock::time_point next_checkpoint_;

  bool open_ = false;  // a transaction, which the next checkpoint ends

  std::vector<PendingDocument> pending_;
  int64_t pending_tokens_ = 0;
  std::vector<std::vector<int32_t>> windows_;  // of the next batch
  std::vector<TokenPlace> starts_;             // of each window its first token's place
  int64_t queued_ = 0;                         // tokens in windows_
  std::vector<TokenPlace> places_;             // of one event, scratch
  LayerUses uses_;                             // likewise
};

}  // namespace expertoire
