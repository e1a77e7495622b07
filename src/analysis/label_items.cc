#include "analysis/label_items.h"

#include <algorithm>
#include <array>

namespace expertoire {
namespace {

constexpr int kDraws = 100;           // until a control is given up
constexpr size_t kFewestWithout = 8;  // documents without a unit that are enough to draw from

uint32_t below(RandomState& random, size_t count) {
  return random.interval(static_cast<uint32_t>(count - 1));
}

}  // namespace

std::vector<UnitRecord> sample_units(const ExpertIndex& index, int layer, UnitKind kind,
                                     size_t most) {
  const IndexedLayer& entry = index.units().layer(layer);
  const int64_t size = kind == UnitKind::kExpert ? entry.experts : entry.keys;
  const int64_t first = size == 0 ? 0 : index.units().number({layer, kind, 0});
  Statement rows = index.database().prepare("SELECT id FROM units WHERE id >= ? AND id < ?");
  rows.bind(first).bind(first + size);
  std::vector<int64_t> numbers;
  while (rows.step()) numbers.push_back(rows.integer(0));
  std::vector<UnitRecord> units;
  const size_t count = std::min(most, numbers.size());
  for (size_t i = 0; i < count; ++i) {
    units.push_back(*index.find(index.units().unit(numbers[i * numbers.size() / count])));
  }
  return units;
}

// What is drawn for one unit: nothing twice.
struct ItemMaker::Draw {
  const UnitRecord& unit;
  const std::vector<bool>* holders;  // null: contexts of others stand in
  RandomState random;
  std::set<ContextPlace> taken;

  bool take(const ContextPlace& place) { return taken.insert(place).second; }
  // Could the unit's top contexts be seen from there?
  bool near_context(const ContextPlace& place) const {
    return std::ranges::any_of(unit.contexts, [&](const Context& context) {
      return windows_touch(place, {context.document, context.position});
    });
  }
};

ItemMaker::ItemMaker(const ExpertIndex& index, std::span<const UnitRecord> units,
                     const ItemOptions& options)
    : index_(index), options_(options) {
  read_pool(units);
  index_tokens();
  read_others(units);
}

// Every nth document, so that the pool has its tokens.
void ItemMaker::read_pool(std::span<const UnitRecord> units) {
  const int64_t step = std::max<int64_t>(1, index_.info().tokens / options_.pool_tokens);
  std::vector<int32_t> wanted(static_cast<size_t>(index_.units().size()), -1);
  std::vector<std::vector<bool>> held(units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    wanted[static_cast<size_t>(index_.units().number(units[i].unit))] = static_cast<int32_t>(i);
  }
  by_label_.resize(index_.info().labels.size());
  index_.for_each_document([&](int32_t number, int label, int64_t tokens,
                               std::span<const int32_t> holds, std::span<const float>) {
    lengths_.push_back(static_cast<int32_t>(tokens));
    if (number % step != 0 || tokens == 0) return;
    by_label_[static_cast<size_t>(label)].push_back(static_cast<int32_t>(pool_.size()));
    pool_.push_back({number, label, 0, 0});
    for (std::vector<bool>& of_unit : held) of_unit.push_back(false);
    for (const int32_t unit : holds) {
      const int32_t i = wanted[static_cast<size_t>(unit)];
      if (i >= 0) held[static_cast<size_t>(i)].back() = true;
    }
  });
  for (size_t i = 0; i < units.size(); ++i) {
    holders_[index_.units().number(units[i].unit)] = std::move(held[i]);
  }
}

void ItemMaker::index_tokens() {
  for (size_t i = 0; i < pool_.size(); ++i) {
    const IndexedDocument document = index_.document(pool_[i].number);
    pool_[i].begin = static_cast<int64_t>(ids_.size());
    for (const int32_t id : document.ids) {
      by_token_[id].push_back(static_cast<int64_t>(ids_.size()));
      ids_.push_back(id);
      document_of_.push_back(static_cast<int32_t>(i));
    }
    pool_[i].end = static_cast<int64_t>(ids_.size());
  }
}

void ItemMaker::read_others(std::span<const UnitRecord> units) {
  for (const UnitRecord& unit : units) {
    const auto [entry, added] = others_.try_emplace({unit.unit.layer, unit.unit.kind});
    if (!added) continue;
    for (const UnitRecord& other :
         sample_units(index_, unit.unit.layer, unit.unit.kind, options_.others)) {
      for (const Context& context : other.contexts) {
        entry->second.push_back({context.document, context.position});
      }
    }
  }
}

ContextPlace ItemMaker::place(int64_t token) const {
  const PoolDocument& document =
      pool_[static_cast<size_t>(document_of_[static_cast<size_t>(token)])];
  return {document.number, static_cast<int32_t>(token - document.begin)};
}

ItemMaker::Topic ItemMaker::topic(const Context& context) const {
  const auto own = std::ranges::lower_bound(pool_, context.document, {}, &PoolDocument::number);
  if (own != pool_.end() && own->number == context.document &&
      context.position < own->end - own->begin) {
    return {ids_[static_cast<size_t>(own->begin + context.position)], own->label};
  }
  const IndexedDocument document = index_.document(context.document);
  return {document.ids.at(static_cast<size_t>(context.position)), document.label};
}

// A token of the pool: as like the context as asked for, or less where there is none.
int64_t ItemMaker::draw_token(RandomState& random, const Topic& like, Likeness likeness) const {
  if (likeness == Likeness::kToken) {
    if (const auto places = by_token_.find(like.token); places != by_token_.end()) {
      return places->second[below(random, places->second.size())];
    }
  }
  const auto& documents = by_label_[static_cast<size_t>(like.label)];
  if (likeness != Likeness::kNone && !documents.empty()) {
    const PoolDocument& from =
        pool_[static_cast<size_t>(documents[below(random, documents.size())])];
    return from.begin + below(random, static_cast<size_t>(from.end - from.begin));
  }
  return below(random, ids_.size());
}

// A place in a document that does not hold the unit: with the context's token, or under its label.
std::optional<ItemMaker::Plan> ItemMaker::control(Draw& draw, const Context& context,
                                                  LabelTask task, bool same_token) const {
  if (draw.holders == nullptr) return context_of_another(draw, task);
  const Topic like = topic(context);
  for (int i = 0; i < 3 * kDraws; ++i) {
    const Likeness likeness = same_token && i < kDraws ? Likeness::kToken
                              : i < 2 * kDraws         ? Likeness::kLabel
                                                       : Likeness::kNone;
    const int64_t token = draw_token(draw.random, like, likeness);
    if ((*draw.holders)[static_cast<size_t>(document_of_[static_cast<size_t>(token)])]) continue;
    const ContextPlace found = place(token);
    if (draw.take(found)) return Plan{task, false, true, found};
  }
  return std::nullopt;
}

std::optional<ItemMaker::Plan> ItemMaker::context_of_another(Draw& draw, LabelTask task) const {
  const auto& places = others_.at({draw.unit.unit.layer, draw.unit.unit.kind});
  for (int i = 0; i < kDraws && !places.empty(); ++i) {
    const ContextPlace found = places[below(draw.random, places.size())];
    if (!draw.near_context(found) && draw.take(found)) return Plan{task, false, false, found};
  }
  return std::nullopt;
}

// Another token whose window has the active one in it.
std::optional<ItemMaker::Plan> ItemMaker::other_token(Draw& draw, const Context& context) const {
  const int32_t length = lengths_.at(static_cast<size_t>(context.document));
  for (int i = 0; i < kDraws; ++i) {
    const auto step = static_cast<int32_t>(below(draw.random, kTokensBefore + kTokensAfter + 1));
    const ContextPlace found{context.document, context.position + step - kTokensAfter};
    if (found.position < 0 || found.position >= length) continue;
    const bool active = std::ranges::any_of(draw.unit.contexts, [&](const Context& one) {
      return found == ContextPlace{one.document, one.position};
    });
    if (!active && draw.take(found)) return Plan{LabelTask::kFuzzing, false, false, found};
  }
  return std::nullopt;
}

std::vector<ItemMaker::Plan> ItemMaker::plan(const UnitRecord& unit) const {
  const int64_t number = index_.units().number(unit.unit);
  const std::vector<bool>& holders = holders_.at(number);
  const auto without = static_cast<size_t>(std::ranges::count(holders, false));
  const auto seed = static_cast<uint32_t>(options_.seed * 1000003 + static_cast<uint64_t>(number));
  Draw draw{unit, without < kFewestWithout ? nullptr : &holders, RandomState(seed), {}};
  std::vector<Plan> plans;
  for (size_t i = 0; i < unit.contexts.size(); ++i) {
    const Context& context = unit.contexts[i];
    const LabelTask task = i % 2 == 0 ? LabelTask::kDetection : LabelTask::kFuzzing;
    const bool even = i / 2 % 2 == 0;
    std::optional<Plan> against;
    if (task == LabelTask::kFuzzing && even) against = other_token(draw, unit.contexts[i - 1]);
    if (!against) against = control(draw, context, task, task == LabelTask::kFuzzing || even);
    if (!against) continue;  // an item without its control would be an easy one
    plans.push_back({task, true, true, {context.document, context.position}});
    plans.push_back(*against);
  }
  return plans;
}

std::vector<std::vector<LabelItem>> ItemMaker::make(std::span<const UnitRecord> units) const {
  std::vector<std::vector<Plan>> plans;
  std::vector<ContextPlace> places;
  for (const UnitRecord& unit : units) {
    plans.push_back(plan(unit));
    for (const Plan& one : plans.back()) places.push_back(one.place);
  }
  std::vector<ContextWindow> windows = read_windows(index_, places);
  std::vector<std::vector<LabelItem>> items(units.size());
  auto window = windows.begin();
  for (size_t i = 0; i < plans.size(); ++i) {
    for (const Plan& one : plans[i]) {
      items[i].push_back({one.task, one.active, one.known, std::move(*window++)});
    }
  }
  return items;
}

}  // namespace expertoire
