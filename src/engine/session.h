// A user of a model: its threads, its scratch memory, and the edit that it runs under.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "model/decoder.h"

namespace expertoire {

struct SessionOptions {
  int threads = 0;                       ///< 0 = one per available CPU
  const KernelTable* kernels = nullptr;  ///< null = default_kernels()
};

/// One forward pass at a time; many sessions may share a model.
class Session {
 public:
  /// Errors: those of RoutingEdit::compile for the model's own edit.
  explicit Session(std::shared_ptr<const Model> model, const SessionOptions& options = {});

  const Model& model() const { return *model_; }
  Executor& executor() { return executor_; }
  Decoder& decoder() { return decoder_; }

  /// All later passes run under the model's own edit and after it this one. Errors: those of
  /// RoutingEdit::compile.
  void set_edit(const RoutingEdit& edit);
  /// Checked between layers; may be null.
  void set_cancel(const CancelToken* cancel) { cancel_ = cancel; }

  KvCache new_cache(bool transient = false) const;
  /// Decoder::forward under this session's edit.
  void forward(std::span<const Chunk> chunks, RoutingSink* routing = nullptr,
               HiddenSink* hidden = nullptr, LastLayer last_layer = LastLayer::kAllTokens);
  /// Texts that nothing continues, as one packed batch; caches are kept for reuse.
  void forward_once(std::span<const std::span<const int32_t>> texts, RoutingSink* routing = nullptr,
                    HiddenSink* hidden = nullptr);
  /// The same for texts of which only the last tokens are read (LastLayer::kLastTokens): what all
  /// begin with, such as a prompt, is computed once and kept for the next batch, and the sinks do
  /// not hear of it. The last tokens have the same bits either way.
  void forward_last(std::span<const std::span<const int32_t>> texts, RoutingSink* routing = nullptr,
                    HiddenSink* hidden = nullptr);

 private:
  KvCache& transient(size_t i);  // empty
  size_t share_beginning(std::span<const std::span<const int32_t>> texts);

  std::shared_ptr<const Model> model_;
  Executor executor_;
  Decoder decoder_;
  std::map<int, LayerEdit> edits_;
  const CancelToken* cancel_ = nullptr;
  std::vector<std::unique_ptr<KvCache>> transient_;
  std::vector<int32_t> shared_ids_;  // what shared_ holds, under edits_
  std::optional<KvCache> shared_;
};

}  // namespace expertoire
