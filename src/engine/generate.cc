#include "engine/generate.h"

#include <algorithm>

#include "base/error.h"

namespace expertoire {
namespace {

// Shows text as it becomes certain: what could still be the start of a stop string waits.
class StopWatch {
 public:
  StopWatch(const std::vector<std::string>& stops, std::string& text,
            const std::function<void(const std::string&)>& on_text)
      : stops_(stops), text_(text), on_text_(on_text) {}

  /// Returns whether a stop string is complete; the text is cut before it.
  bool push(const std::string& piece) {
    text_ += piece;
    size_t cut = std::string::npos;
    for (const std::string& stop : stops_) {
      const size_t from = shown_ >= stop.size() ? shown_ - stop.size() + 1 : 0;
      cut = std::min(cut, text_.find(stop, from));
    }
    if (cut != std::string::npos) text_.resize(cut);
    show(cut != std::string::npos ? text_.size() : text_.size() - held());
    return cut != std::string::npos;
  }
  void finish() { show(text_.size()); }

 private:
  size_t held() const {
    size_t most = 0;
    for (const std::string& stop : stops_) {
      for (size_t n = std::min(stop.size() - 1, text_.size()); n > most; --n) {
        if (text_.ends_with(std::string_view(stop).substr(0, n))) most = n;
      }
    }
    return most;
  }
  void show(size_t end) {
    if (end <= shown_) return;
    if (on_text_) on_text_(text_.substr(shown_, end - shown_));
    shown_ = end;
  }

  const std::vector<std::string>& stops_;
  std::string& text_;
  const std::function<void(const std::string&)>& on_text_;
  size_t shown_ = 0;
};

void check_stops(const Tokenizer* tokenizer, const std::vector<std::string>& stops) {
  if (tokenizer == nullptr && !stops.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"generating", "stop strings without a tokenizer", "a tokenizer.json", ""});
  }
  if (std::find(stops.begin(), stops.end(), "") != stops.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"generating", "an empty stop string", "some text", ""});
  }
}

}  // namespace

Generated generate(Session& session, const Tokenizer* tokenizer, const std::vector<int32_t>& prompt,
                   const GenerateOptions& options,
                   const std::function<void(const std::string&)>& on_text, RoutingSink* routing) {
  check_stops(tokenizer, options.stop_strings);
  Generated result;
  Sampler sampler(options.sampler);
  StopWatch watch(options.stop_strings, result.text, on_text);
  std::optional<StreamDecoder> decoder;
  if (tokenizer != nullptr) decoder.emplace(*tokenizer);
  KvCache cache = session.new_cache();
  const ModelConfig& config = session.model().config();
  std::vector<float> logits(static_cast<size_t>(config.vocab_size));
  std::vector<int32_t> next = prompt;
  while (static_cast<int64_t>(result.ids.size()) < options.max_tokens &&
         (result.ids.empty() || cache.length() < config.max_position_embeddings)) {
    Chunk chunk{&cache, next};
    if (result.ids.empty()) chunk.splices = options.splices;
    session.forward({&chunk, 1}, routing, nullptr,
                    routing != nullptr ? LastLayer::kAllTokens : LastLayer::kLastTokens);
    const int64_t row = session.decoder().last_row(0);
    session.decoder().logits({&row, 1}, logits.data());
    const int32_t id = sampler.sample(logits);
    const auto& ends = options.stop_ids;
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
      result.reason = FinishReason::kEos;
      break;
    }
    result.ids.push_back(id);
    if (decoder && watch.push(decoder->push(id))) {
      result.reason = FinishReason::kStop;
      return result;
    }
    next = {id};
  }
  if (decoder && watch.push(decoder->finish())) result.reason = FinishReason::kStop;
  watch.finish();
  return result;
}

}  // namespace expertoire
