#include "engine/session.h"

namespace expertoire {

Session::Session(std::shared_ptr<const Model> model, const SessionOptions& options)
    : model_(std::move(model)),
      executor_(options.threads, options.kernels != nullptr ? *options.kernels : default_kernels()),
      decoder_(*model_, executor_) {
  set_edit({});
}

void Session::set_edit(const RoutingEdit& edit) {
  const RoutingEdit whole = model_->own_edit().then(edit);
  edits_ = whole.compile(model_->config().edit_model(), model_->config().editable_layers());
}

KvCache Session::new_cache(bool transient) const {
  return {model_->config(), model_->compute(), transient};
}

void Session::forward(std::span<const Chunk> chunks, RoutingSink* routing, HiddenSink* hidden,
                      LastLayer last_layer) {
  decoder_.forward(chunks, {&edits_, routing, hidden, cancel_, last_layer});
}

void Session::forward_once(std::span<const std::span<const int32_t>> texts, RoutingSink* routing,
                           HiddenSink* hidden, LastLayer last_layer) {
  while (transient_.size() < texts.size()) {
    transient_.push_back(std::make_unique<KvCache>(new_cache(true)));
  }
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < texts.size(); ++i) chunks.push_back({transient_[i].get(), texts[i]});
  forward(chunks, routing, hidden, last_layer);
}

}  // namespace expertoire
