#include "analysis/unit_counters.h"

#include <algorithm>
#include <tuple>

namespace expertoire {
namespace {

constexpr int32_t kBlockSlots = 1024;
constexpr size_t kAhead = 8;  // uses between a prefetch and its unit

}  // namespace

struct UnitCounters::Head {
  int64_t count = 0;
  double mass = 0;
  double document_mass = 0;  // in `document`, so far
  int32_t document = -1;     // the last one, not ended yet; -1 = none
  int32_t label = 0;         // of `document`
  int32_t unit = 0;
  float top = 1;  // of the histogram
  float max = 0;
  float least = 0;  // the weakest context's score when all places are taken, else 0
  uint16_t contexts = 0, tokens = 0;
  bool changed = false;
  std::array<uint32_t, kHistogramBins> histogram{};
  std::array<uint32_t, kPositionBins> positions{};
};

struct UnitCounters::Block {
  explicit Block(const CounterOptions& options)
      : heads(kBlockSlots),
        labels(kBlockSlots * static_cast<size_t>(options.labels)),
        contexts(kBlockSlots * static_cast<size_t>(options.contexts)),
        token_ids(kBlockSlots * static_cast<size_t>(options.tokens)),
        tokens(token_ids.size()) {}

  std::vector<Head> heads;
  std::vector<LabelUse> labels;
  std::vector<Context> contexts;
  std::vector<int32_t> token_ids;  // apart from `tokens`, so that a search is a short sweep
  std::vector<TokenUse> tokens;
};

struct UnitCounters::Slot {
  Head& head;
  std::span<LabelUse> labels;
  std::span<Context> contexts;   // [options.contexts], head.contexts of them in use
  std::span<int32_t> token_ids;  // [options.tokens], likewise
  std::span<TokenUse> tokens;
};

UnitCounters::UnitCounters(const UnitTable& units, const CounterOptions& options)
    : units_(units), options_(options), slots_(static_cast<size_t>(units.size()), -1) {}

UnitCounters::~UnitCounters() = default;

void UnitCounters::set_labels(int labels) {
  const auto before = static_cast<size_t>(std::exchange(options_.labels, labels));
  for (const std::unique_ptr<Block>& block : blocks_) {
    std::vector<LabelUse> wider(kBlockSlots * static_cast<size_t>(labels));
    for (size_t slot = 0; slot < kBlockSlots; ++slot) {
      std::copy_n(block->labels.begin() + static_cast<int64_t>(slot * before), before,
                  wider.begin() + static_cast<int64_t>(slot * static_cast<size_t>(labels)));
    }
    block->labels = std::move(wider);
  }
}

UnitCounters::Slot UnitCounters::slot(int32_t index) const {
  Block& block = *blocks_[static_cast<size_t>(index / kBlockSlots)];
  const auto at = static_cast<size_t>(index % kBlockSlots);
  const auto part = [at]<class T>(std::vector<T>& all) {
    const size_t size = all.size() / kBlockSlots;
    return std::span<T>(all).subspan(at * size, size);
  };
  return {block.heads[at], part(block.labels), part(block.contexts), part(block.token_ids),
          part(block.tokens)};
}

UnitCounters::Slot UnitCounters::slot_of(int32_t unit) {
  int32_t& index = slots_[static_cast<size_t>(unit)];
  if (index < 0) {
    if (used_ % kBlockSlots == 0) blocks_.push_back(std::make_unique<Block>(options_));
    index = used_++;
    Head& head = slot(index).head;
    const Unit name = units_.unit(unit);
    head.unit = unit;
    head.top = static_cast<float>(units_.layer(name.layer).heads);
  }
  return slot(index);
}

void UnitCounters::prefetch(int32_t unit) const {
  const int32_t index = slots_[static_cast<size_t>(unit)];
  if (index < 0) return;
  const Block& block = *blocks_[static_cast<size_t>(index / kBlockSlots)];
  const auto at = static_cast<size_t>(index % kBlockSlots);
  const char* head = reinterpret_cast<const char*>(&block.heads[at]);
  for (size_t line = 0; line < sizeof(Head); line += 64) __builtin_prefetch(head + line, 1);
  __builtin_prefetch(block.token_ids.data() + at * static_cast<size_t>(options_.tokens), 1);
  __builtin_prefetch(block.tokens.data() + at * static_cast<size_t>(options_.tokens), 1);
}

void UnitCounters::add(std::span<const UnitUse> uses, std::span<const TokenPlace> places) {
  for (size_t at = 0; at < uses.size(); ++at) {
    if (at + kAhead < uses.size()) prefetch(uses[at + kAhead].unit);
    const UnitUse& use = uses[at];
    const TokenPlace& place = places[static_cast<size_t>(use.token)];
    const Slot unit = slot_of(use.unit);
    if (unit.head.document != place.document) {
      end_document(unit);
      unit.head.document = place.document;
      unit.head.label = place.label;
    }
    count(unit, use, place);
  }
}

void UnitCounters::count(const Slot& slot, const UnitUse& use, const TokenPlace& place) const {
  Head& head = slot.head;
  head.changed = true;
  ++head.count;
  head.mass += use.score;
  head.document_mass += use.score;
  head.max = std::max(head.max, use.score);
  ++head.histogram[static_cast<size_t>(histogram_bin(use.score, head.top))];
  ++head.positions[static_cast<size_t>(position_bin(place.in_window))];
  LabelUse& label = slot.labels[static_cast<size_t>(place.label)];
  ++label.count;
  label.mass += use.score;
  add_token(slot, place.token, use.score);
  if (use.score > head.least) add_context(slot, {place.document, place.position, use.score});
}

// Space-saving: a token that has no place takes that of the lightest, and its mass as error.
void UnitCounters::add_token(const Slot& slot, int32_t token, float score) const {
  Head& head = slot.head;
  const auto known = slot.token_ids.first(head.tokens);
  size_t at = 0;
  while (at < known.size() && known[at] != token) ++at;
  if (at == known.size()) {
    if (known.size() < slot.tokens.size()) {
      ++head.tokens;
      slot.tokens[at] = {token, 0, 0, 0};
    } else {
      const auto lightest = std::ranges::min_element(slot.tokens, {}, &TokenUse::mass);
      at = static_cast<size_t>(lightest - slot.tokens.begin());
      slot.tokens[at] = {token, lightest->count, lightest->mass, lightest->mass};
    }
    slot.token_ids[at] = token;
  }
  ++slot.tokens[at].count;
  slot.tokens[at].mass += score;
}

// Highest scores, of a document at most contexts_per_document of them; of equal ones the first.
void UnitCounters::add_context(const Slot& slot, const Context& context) const {
  Head& head = slot.head;
  const auto kept = slot.contexts.first(head.contexts);
  const auto weaker = [](const Context& a, const Context& b) {
    return std::tie(a.score, b.document, b.position) < std::tie(b.score, a.document, a.position);
  };
  Context* weakest_here = nullptr;  // of the context's own document
  Context* weakest = nullptr;
  int here = 0;
  for (Context& other : kept) {
    if (weakest == nullptr || weaker(other, *weakest)) weakest = &other;
    if (other.document != context.document) continue;
    ++here;
    if (weakest_here == nullptr || weaker(other, *weakest_here)) weakest_here = &other;
  }
  if (here >= options_.contexts_per_document) {
    if (context.score > weakest_here->score) *weakest_here = context;
  } else if (kept.size() < slot.contexts.size()) {
    slot.contexts[head.contexts++] = context;
  } else if (context.score > weakest->score) {
    *weakest = context;
  }
  if (head.contexts == slot.contexts.size()) {
    head.least = std::ranges::min(slot.contexts, {}, &Context::score).score;
  }
}

void UnitCounters::end_document(const Slot& slot) {
  Head& head = slot.head;
  if (head.document >= 0 && head.document_mass >= options_.support) {
    ++slot.labels[static_cast<size_t>(head.label)].documents;
    ended_.push_back({head.document, head.unit, static_cast<float>(head.document_mass)});
  }
  head.document = -1;
  head.document_mass = 0;
}

std::vector<DocumentMass> UnitCounters::end_documents() {
  for (int32_t index = 0; index < used_; ++index) end_document(slot(index));
  std::ranges::sort(ended_, {}, [](const DocumentMass& m) { return std::tie(m.document, m.unit); });
  return std::exchange(ended_, {});
}

std::vector<int64_t> UnitCounters::take_changed() {
  std::vector<int64_t> changed;
  for (int32_t index = 0; index < used_; ++index) {
    Head& head = slot(index).head;
    if (std::exchange(head.changed, false)) changed.push_back(head.unit);
  }
  std::ranges::sort(changed);
  return changed;
}

UnitRecord UnitCounters::record(int64_t number) const {
  const Slot from = slot(slots_.at(static_cast<size_t>(number)));
  const Head& head = from.head;
  UnitRecord record{units_.unit(number), head.count, head.mass, head.max, head.histogram,
                    head.positions,      {},         {},        {}};
  record.labels.assign(from.labels.begin(), from.labels.end());
  record.tokens.assign(from.tokens.begin(), from.tokens.begin() + head.tokens);
  record.contexts.assign(from.contexts.begin(), from.contexts.begin() + head.contexts);
  return record;
}

void UnitCounters::restore(int64_t number, const UnitRecord& record) {
  const Slot to = slot_of(static_cast<int32_t>(number));
  Head& head = to.head;
  head.count = record.count;
  head.mass = record.mass;
  head.max = record.max;
  head.histogram = record.histogram;
  head.positions = record.positions;
  head.tokens = static_cast<uint16_t>(record.tokens.size());
  head.contexts = static_cast<uint16_t>(record.contexts.size());
  std::ranges::copy(record.labels, to.labels.begin());
  std::ranges::copy(record.tokens, to.tokens.begin());
  std::ranges::transform(record.tokens, to.token_ids.begin(), &TokenUse::token);
  std::ranges::copy(record.contexts, to.contexts.begin());
  if (head.contexts == to.contexts.size()) {
    head.least = std::ranges::min(to.contexts, {}, &Context::score).score;
  }
}

}  // namespace expertoire
