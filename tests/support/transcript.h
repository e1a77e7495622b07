// Everything that forward passes show of some texts, as bits: two runs are the same when their
// transcripts are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/session.h"

namespace expertoire::test {

/// Stage and layer → the bits of its rows, in the order of positions.
using Record = std::map<std::string, std::vector<std::vector<uint32_t>>>;

/// Where two records differ first, as text for a failure message; empty when they are the same.
std::string difference(const Record& got, const Record& expected);

class Transcript final : public RoutingSink, public HiddenSink {
 public:
  explicit Transcript(size_t texts) : records_(texts) {}

  /// Runs `chunks` with this as their sink; chunk i belongs to text `texts[i]`. Without `logits`,
  /// the lm_head stays out.
  void run(Session& session, std::span<const Chunk> chunks, const std::vector<size_t>& texts,
           bool logits = true);
  /// The same for whole texts that nothing continues.
  void run_once(Session& session, std::span<const std::span<const int32_t>> batch,
                const std::vector<size_t>& texts, bool logits = true);
  /// Forgets a text's rows from `length` on.
  void truncate(size_t text, size_t length);

  const Record& of(size_t text) const { return records_[text]; }

  void on_routing(const RoutingEvent& event) override;
  void on_hidden(int index, std::span<const TokenRef> tokens, const Rows& hidden) override;

 private:
  void add(const TokenRef& token, const std::string& stage, const void* values, size_t count);
  void add_factored(const RoutingEvent& event, const FactoredRouting& routing);
  void add_outputs(Session& session, bool logits);

  std::vector<Record> records_;
  std::vector<size_t> batch_;  // text of each sequence of the pass that runs
  size_t hidden_size_ = 0;
};

}  // namespace expertoire::test
