#include "model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/error.h"
#include "tensor/matmul.h"

namespace expertoire {
namespace {

constexpr int64_t kTokenBlock = 16;

// A row of activations in the compute type, the padding of an odd length included.
void write_bf16(const KernelTable& kernels, const float* x, int64_t n, void* row) {
  bf16_t* out = static_cast<bf16_t*>(row);
  kernels.f32_to_bf16(x, n, out);
  if (n % 2 != 0) out[n] = 0;
}

[[noreturn]] void not_finite(const std::string& where) {
  throw Error(ErrorCode::kNumeric,
              {where, "an activation is NaN, infinite or too large to square", "finite activations",
               "try --compute f32; the checkpoint may be damaged"});
}

}  // namespace

Decoder::Decoder(const Model& model, Executor& executor)
    : model_(model), executor_(executor), rope_(model.config()) {}

void Decoder::check(std::span<const Chunk> chunks) const {
  const ModelConfig& config = model_.config();
  const std::string operation = "running the model";
  std::set<const KvCache*> caches;
  if (chunks.empty()) throw Error(ErrorCode::kInvalidArgument, {operation, "no texts", "", ""});
  for (const Chunk& chunk : chunks) {
    if (chunk.ids.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  {operation, "a text without tokens", "at least one token", ""});
    }
    if (chunk.cache == nullptr || !chunk.cache->fits(config, model_.compute())) {
      throw Error(ErrorCode::kInvalidArgument,
                  {operation, "no cache, or one of another model or compute type",
                   "one of Session::new_cache", ""});
    }
    if (!caches.insert(chunk.cache).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  {operation, "one cache twice in a batch", "a cache a sequence", ""});
    }
    const int64_t length = chunk.cache->length() + static_cast<int64_t>(chunk.ids.size());
    if (length > config.max_position_embeddings) {
      throw Error(ErrorCode::kTooLong, {operation, fmt::format("{} tokens", length),
                                        fmt::format("at most max_position_embeddings = {}",
                                                    config.max_position_embeddings),
                                        "shorten the text or truncate it"});
    }
    for (int32_t id : chunk.ids) {
      if (id < 0 || id >= config.vocab_size) {
        throw Error(ErrorCode::kInvalidArgument,
                    {operation, fmt::format("token id {}", id),
                     fmt::format("an id from 0 to {}", config.vocab_size - 1), ""});
      }
    }
  }
}

// Rows of hidden_ that do not come from the table.
void Decoder::splice(std::span<const Chunk> chunks) {
  const auto width = static_cast<size_t>(model_.config().hidden_size);
  for (size_t i = 0; i < chunks.size(); ++i) {
    for (const Splice& splice : chunks[i].splices) {
      if (splice.at >= chunks[i].ids.size() || splice.embedding.size() != width) {
        throw Error(
            ErrorCode::kInvalidArgument,
            {"running the model",
             fmt::format("an embedding of {} numbers for token {}", splice.embedding.size(),
                         splice.at),
             fmt::format("{} numbers for one of {} tokens", width, chunks[i].ids.size()), ""});
      }
      const int64_t row = slices_[i].first_row + static_cast<int64_t>(splice.at);
      std::ranges::copy(splice.embedding, static_cast<float*>(hidden_.row(row)));
    }
  }
}

// Lays the chunks out as rows, and embeds their tokens.
void Decoder::begin(std::span<const Chunk> chunks) {
  tokens_.clear();
  last_rows_.clear();
  slices_.clear();
  std::vector<int32_t> ids;
  for (const Chunk& chunk : chunks) {
    const int64_t start = chunk.cache->length();
    const int64_t count = static_cast<int64_t>(chunk.ids.size());
    slices_.push_back({chunk.cache, static_cast<int64_t>(tokens_.size()), count, start});
    chunk.cache->reserve(start + count);
    chunk.cache->clear_pair(start + count);
    rope_.ensure(start + count);
    for (int64_t i = 0; i < count; ++i) {
      tokens_.push_back(
          {static_cast<int32_t>(slices_.size() - 1), static_cast<int32_t>(start + i)});
    }
    ids.insert(ids.end(), chunk.ids.begin(), chunk.ids.end());
    last_rows_.push_back(static_cast<int64_t>(tokens_.size()) - 1);
  }
  const int64_t count = static_cast<int64_t>(tokens_.size());
  const int64_t width = model_.config().hidden_size;
  hidden_ = hidden_buffer_.ensure(Compute::kF32, count, width);
  normed_.tokens = count;
  normed_.f32 = normed_f32_.ensure(Compute::kF32, count, width);
  normed_.compute = model_.compute() == Compute::kF32
                        ? normed_.f32
                        : normed_compute_.ensure(Compute::kBF16, count, width);
  executor_.pool().parallel_for(ceil_div(count, kTokenBlock), [&](int64_t block, int) {
    const int64_t last = std::min((block + 1) * kTokenBlock, count);
    for (int64_t t = block * kTokenBlock; t < last; ++t) {
      model_.embed(ids[static_cast<size_t>(t)], static_cast<float*>(hidden_.row(t)));
    }
  });
}

// Every activation ends up in the residual stream, so this is where NaN is noticed. The squares
// must not overflow either: a norm would turn the row into zeros. `after`: the layer that wrote the
// row, −1 = the embedding table.
void Decoder::check_finite(float squares, int after) const {
  if (std::isfinite(squares)) return;
  not_finite(after < 0 ? std::string("embedding the tokens")
                       : fmt::format("running layer {}", after));
}

// normed_ = RMSNorm(hidden_).
void Decoder::norm(const std::vector<float>& weight, int after) {
  const KernelTable& kernels = executor_.kernels();
  const int64_t width = model_.config().hidden_size;
  executor_.pool().parallel_for(ceil_div(normed_.tokens, kTokenBlock), [&](int64_t block, int) {
    const int64_t last = std::min((block + 1) * kTokenBlock, normed_.tokens);
    for (int64_t t = block * kTokenBlock; t < last; ++t) {
      const float* x = hidden(t);
      float* out = static_cast<float*>(normed_.f32.row(t));
      check_finite(kernels.rms_norm(x, weight.data(), model_.config().rms_norm_eps, width, out),
                   after);
      if (model_.compute() == Compute::kBF16) {
        write_bf16(kernels, out, width, normed_.compute.row(t));
      }
    }
  });
}

// From here on a row is the last token of a chunk; only the normed input keeps all rows.
void Decoder::keep_last_rows(bool routing) {
  auto* factored = std::get_if<FactoredRouting>(&routing_);
  if (routing && factored != nullptr) factored->keep_tokens(last_rows_);
  const int64_t width = model_.config().hidden_size;
  for (size_t i = 0; i < last_rows_.size(); ++i) {
    const int64_t to = static_cast<int64_t>(i);
    const int64_t from = std::exchange(last_rows_[i], to);
    tokens_[i] = tokens_[static_cast<size_t>(from)];
    if (from != to) std::copy_n(hidden(from), width, static_cast<float*>(hidden_.row(to)));
  }
  tokens_.resize(last_rows_.size());
  normed_.tokens = static_cast<int64_t>(last_rows_.size());
}

void Decoder::run_layer(int index, std::span<const BatchSlice> slices, const ForwardHooks& hooks) {
  const DecoderLayer& layer = model_.layers()[static_cast<size_t>(index)];
  const bool last_rows_only =
      hooks.last_layer == LastLayer::kLastTokens && index + 1 == model_.config().num_hidden_layers;
  norm(layer.input_norm, index - 1);
  if (last_rows_only) keep_last_rows(!layer.ffn->routes());
  attend(executor_,
         {model_.config(), layer.attention, rope_, index, slices, normed_.compute, last_rows_only},
         attention_scratch_, hidden_);
  norm(layer.ffn_norm, index);
  const LayerEdit* edit = nullptr;
  if (hooks.edits != nullptr && hooks.edits->contains(index)) edit = &hooks.edits->at(index);
  if (layer.ffn->routes()) {
    layer.ffn->route(executor_, normed_, edit, routing_);
    if (hooks.routing != nullptr)
      hooks.routing->on_routing({index, tokens_, routing_, normed_.f32});
  }
  layer.ffn->mix(executor_, normed_, routing_, edit, ffn_scratch_, hidden_);
}

void Decoder::forward(std::span<const Chunk> chunks, const ForwardHooks& hooks) {
  check(chunks);
  begin(chunks);
  splice(chunks);
  if (hooks.hidden != nullptr) hooks.hidden->on_hidden(0, tokens_, hidden_);
  for (int layer = 0; layer < model_.config().num_hidden_layers; ++layer) {
    if (hooks.cancel != nullptr) hooks.cancel->check("running the model");
    run_layer(layer, slices_, hooks);
    if (hooks.hidden != nullptr) hooks.hidden->on_hidden(layer + 1, tokens_, hidden_);
  }
  for (int64_t t = 0; t < normed_.tokens; ++t) {
    const float* x = hidden(t);
    check_finite(executor_.kernels().dot(x, x, model_.config().hidden_size),
                 model_.config().num_hidden_layers - 1);
  }
  for (const BatchSlice& slice : slices_) slice.cache->commit(slice.start + slice.count);
}

void Decoder::final_norm(int64_t row, float* out) const {
  executor_.kernels().rms_norm(hidden(row), model_.final_norm().data(),
                               model_.config().rms_norm_eps, model_.config().hidden_size, out);
}

void Decoder::logits(std::span<const int64_t> rows, float* out) {
  const PackedMatrix& head = model_.lm_head();
  if (!head) {
    throw Error(ErrorCode::kInvalidArgument,
                {"computing logits", "a model loaded without its lm_head", "", ""});
  }
  const KernelTable& kernels = executor_.kernels();
  const int64_t width = model_.config().hidden_size;
  const int64_t count = static_cast<int64_t>(rows.size());
  RowBuffer f32;
  RowBuffer compute;
  const Rows normed = f32.ensure(Compute::kF32, count, width);
  const Rows input =
      model_.compute() == Compute::kF32 ? normed : compute.ensure(Compute::kBF16, count, width);
  for (int64_t i = 0; i < count; ++i) {
    float* row = static_cast<float*>(normed.row(i));
    final_norm(rows[static_cast<size_t>(i)], row);
    if (model_.compute() == Compute::kBF16) write_bf16(kernels, row, width, input.row(i));
  }
  matmul_store(executor_, {&head, input, nullptr, count}, out, head.outputs);
  if (!kernels.all_finite(out, count * head.outputs)) not_finite("computing logits");
}

}  // namespace expertoire
