#include "engine/session.h"

#include <algorithm>

#include "engine/prefix_tree.h"

namespace expertoire {
namespace {

// Tokens that a pass over what texts begin with has to save: it reads all weights for few tokens.
constexpr size_t kLeastSaved = 64;

}  // namespace

Session::Session(std::shared_ptr<const Model> model, const SessionOptions& options)
    : model_(std::move(model)),
      executor_(options.threads, options.kernels != nullptr ? *options.kernels : default_kernels()),
      decoder_(*model_, executor_) {
  set_edit({});
}

void Session::set_edit(const RoutingEdit& edit) {
  const RoutingEdit whole = model_->own_edit().then(edit);
  shared_ids_.clear();
  edits_ = whole.compile(model_->config().edit_model(), model_->config().editable_layers());
}

KvCache Session::new_cache(bool transient) const {
  return {model_->config(), model_->compute(), transient};
}

void Session::forward(std::span<const Chunk> chunks, RoutingSink* routing, HiddenSink* hidden,
                      LastLayer last_layer) {
  decoder_.forward(chunks, {&edits_, routing, hidden, cancel_, last_layer});
}

KvCache& Session::transient(size_t i) {
  while (transient_.size() <= i) transient_.push_back(std::make_unique<KvCache>(new_cache(true)));
  transient_[i]->truncate(0);  // a pass that failed may have left a beginning
  return *transient_[i];
}

void Session::forward_once(std::span<const std::span<const int32_t>> texts, RoutingSink* routing,
                           HiddenSink* hidden) {
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < texts.size(); ++i) chunks.push_back({&transient(i), texts[i]});
  forward(chunks, routing, hidden);
}

void Session::forward_last(std::span<const std::span<const int32_t>> texts, RoutingSink* routing,
                           HiddenSink* hidden) {
  const size_t shared = share_beginning(texts);
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < texts.size(); ++i) {
    KvCache& cache = transient(i);
    if (shared > 0) cache.begin_with(*shared_, static_cast<int64_t>(shared));
    chunks.push_back({&cache, texts[i].subspan(shared)});
  }
  forward(chunks, routing, hidden, LastLayer::kLastTokens);
}

// How many tokens, fewer than the shortest text has, shared_ then holds of what all begin with.
size_t Session::share_beginning(std::span<const std::span<const int32_t>> texts) {
  if (texts.empty() || texts[0].empty()) return 0;
  std::span<const int32_t> same = texts[0];
  for (const auto text : texts) {
    same = same.first(std::min(common_prefix(same, text), text.empty() ? 0 : text.size() - 1));
  }
  const size_t known = common_prefix(same, shared_ids_);
  if ((same.size() - known) * (texts.size() - 1) < kLeastSaved) return known;
  shared_ = known > 0 ? shared_->fork(static_cast<int64_t>(known)) : new_cache();
  shared_ids_.clear();  // until the pass has gone well
  const Chunk rest{&*shared_, same.subspan(known)};
  forward({&rest, 1}, nullptr, nullptr, LastLayer::kLastTokens);
  shared_ids_.assign(same.begin(), same.end());
  return same.size();
}

}  // namespace expertoire
