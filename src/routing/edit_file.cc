// The file format of RoutingEdit: docs/edits.md.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"
#include "routing/edit.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "expertoire.routing_edit";
constexpr int kVersion = 1;
constexpr int kMaxIndex = 1 << 24;  // layers and experts: far above any model

// Reads one edit file, remembering its name for the error messages.
class Reader {
 public:
  explicit Reader(std::string what) : what_(std::move(what)) {}

  RoutingEdit read(const json& root) {
    expect_keys(root, "the file", {"format", "version", "model", "edits", "comment"});
    const json format = root.value("format", json());
    if (format != kFormat) {
      refuse("\"format\" is " + in_short(format), fmt::format("\"{}\"", kFormat));
    }
    const json version = root.value("version", json());
    if (!version.is_number_integer()) {
      refuse("\"version\" is " + in_short(version), "a whole number");
    }
    if (version != kVersion) {
      throw Error(ErrorCode::kUnsupported,
                  {"reading " + what_, "version " + in_short(version),
                   fmt::format("version {}", kVersion), "docs/edits.md describes the format"});
    }
    const json edits = root.value("edits", json());
    if (!edits.is_array()) refuse("\"edits\" is " + in_short(edits), "a list, possibly empty");
    std::vector<RoutingEdit::Item> items;
    for (const json& edit : edits) items.push_back(read_item(edit, items.size()));
    return {root.contains("model") ? read_model(root["model"]) : EditModel{}, std::move(items)};
  }

 private:
  [[noreturn]] void refuse(std::string found, std::string expected) const {
    throw Error(ErrorCode::kBadFile, {"reading " + what_, std::move(found), std::move(expected),
                                      "docs/edits.md describes the format"});
  }

  void expect_keys(const json& object, const std::string& where,
                   std::initializer_list<std::string_view> known) const {
    if (!object.is_object()) refuse(fmt::format("{} is {}", where, in_short(object)), "an object");
    for (const auto& [key, value] : object.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        refuse(fmt::format("the unknown key {} in {}", in_quotes(key), where),
               fmt::format("one of {}", fmt::join(known, ", ")));
      }
    }
  }

  int read_index(const json& value, const std::string& where) const {
    if (!value.is_number_integer() || value < 0 || value > kMaxIndex) {
      refuse(fmt::format("{} is {}", where, in_short(value)),
             fmt::format("a whole number from 0 to {}", kMaxIndex));
    }
    return value.get<int>();
  }

  EditModel read_model(const json& value) const {
    expect_keys(value, "\"model\"", {"model_type", "num_hidden_layers", "num_experts"});
    EditModel model;
    if (value.contains("model_type")) {
      if (!value["model_type"].is_string()) {
        refuse("model_type is " + in_short(value["model_type"]), "a string");
      }
      model.model_type = value["model_type"].get<std::string>();
    }
    for (auto [key, field] : {std::pair{"num_hidden_layers", &model.num_hidden_layers},
                              std::pair{"num_experts", &model.num_experts}}) {
      if (value.contains(key)) *field = read_index(value[key], key);
    }
    return model;
  }

  std::vector<int> read_indices(const json& value, const std::string& where,
                                const char* expected) const {
    if (!value.is_array() || value.empty()) {
      refuse(fmt::format("{} is {}", where, in_short(value)), expected);
    }
    std::vector<int> indices;
    std::set<int> seen;
    for (const json& entry : value) {
      const int index = read_index(entry, "an entry of " + where);
      if (!seen.insert(index).second) refuse(fmt::format("{} twice in {}", index, where), expected);
      indices.push_back(index);
    }
    return indices;
  }

  EditAction read_action(const json& edit, const std::string& where) const {
    const json action = edit.value("action", json());
    for (size_t i = 0; i < std::size(kEditActionNames); ++i) {
      if (action == kEditActionNames[i]) return static_cast<EditAction>(i);
    }
    refuse(fmt::format("the action {} in {}", in_short(action), where),
           fmt::format("one of {}", fmt::join(kEditActionNames, ", ")));
  }

  float read_factor(const json& edit, const std::string& where) const {
    const json value = edit.value("factor", json());
    if (!value.is_number() || !std::isfinite(value.get<float>())) {
      refuse(fmt::format("the factor {} in {}", in_short(value), where),
             "a number that a 32-bit float can hold");
    }
    return value.get<float>();
  }

  void read_experts(const json& edit, const std::string& where, RoutingEdit::Item& item) const {
    const json experts = edit.value("experts", json());
    item.shared = experts == "shared";
    if (!item.shared) {
      item.experts = read_indices(experts, "\"experts\" in " + where,
                                  "a list of different router ids, or \"shared\"");
    } else if (item.action == EditAction::kReroute || item.action == EditAction::kForce) {
      refuse(where + " reroutes or forces the shared experts",
             "ablate or scale: no router chooses them");
    }
  }

  RoutingEdit::Item read_item(const json& edit, size_t index) const {
    const std::string where = fmt::format("edit {}", index);
    expect_keys(edit, where, {"action", "layers", "experts", "factor", "renormalize", "comment"});
    RoutingEdit::Item item;
    item.action = read_action(edit, where);
    if (edit.contains("layers") && edit["layers"] != "all") {
      item.layers = read_indices(edit["layers"], "\"layers\" in " + where,
                                 "a list of different layers, or \"all\"");
    }
    read_experts(edit, where, item);
    if (item.action == EditAction::kScale) {
      item.factor = read_factor(edit, where);
    } else if (edit.contains("factor")) {
      refuse(where + " has a factor", "a factor only with \"scale\"");
    }
    const json renormalize = edit.value("renormalize", json(false));
    if (!renormalize.is_boolean()) {
      refuse(fmt::format("\"renormalize\" in {} is {}", where, in_short(renormalize)),
             "true or false");
    }
    item.renormalize = renormalize.get<bool>();
    if (item.renormalize && (item.shared || item.action == EditAction::kForce)) {
      refuse(fmt::format("\"renormalize\" in {}", where),
             "it only with ablate, scale and reroute of routed experts");
    }
    return item;
  }

  std::string what_;
};

}  // namespace

RoutingEdit RoutingEdit::parse(std::string_view text, const std::string& what) {
  return Reader(what).read(parse_json(text, what));
}

RoutingEdit RoutingEdit::load(const std::string& path) {
  return parse(read_text_file(path, size_t{256} << 20), path);
}

std::string RoutingEdit::to_json() const {
  json edits = json::array();
  for (const Item& item : items_) {
    json edit = {{"action", kEditActionNames[static_cast<int>(item.action)]},
                 {"renormalize", item.renormalize}};
    edit["layers"] = item.layers ? json(*item.layers) : json("all");
    edit["experts"] = item.shared ? json("shared") : json(item.experts);
    if (item.action == EditAction::kScale) edit["factor"] = item.factor;
    edits.push_back(std::move(edit));
  }
  json model = json::object();
  if (!model_.model_type.empty()) model["model_type"] = model_.model_type;
  if (model_.num_hidden_layers != 0) model["num_hidden_layers"] = model_.num_hidden_layers;
  if (model_.num_experts != 0) model["num_experts"] = model_.num_experts;
  return json{{"format", kFormat}, {"version", kVersion}, {"model", model}, {"edits", edits}}.dump(
             1) +
         "\n";
}

}  // namespace expertoire
