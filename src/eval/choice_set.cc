#include "eval/choice_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/json.h"
#include "io/refuse.h"
#include "tokenizer/jinja_text.h"
#include "tokenizer/text_template.h"

namespace expertoire {
namespace {

using nlohmann::json;
using Names = std::map<std::string, std::string>;  // RowOptions::names

// The names in ChoiceTask::fields; for a|b the one that the user names, or that the row has.
std::vector<std::string> fields_of(const ChoiceTask& task, const DataRow& row, const Names& named) {
  std::vector<std::string> names;
  std::istringstream fields(task.fields);
  for (std::string field; fields >> field;) {
    const size_t bar = field.find('|');
    const std::string first = field.substr(0, bar);
    const std::string second = bar == std::string::npos ? first : field.substr(bar + 1);
    const bool one_is_named = named.contains(first) || named.contains(second);
    names.push_back((one_is_named ? named.contains(first) : row.has(first)) ? first : second);
  }
  return names;
}

std::string missing_field(const ChoiceTask& task, const DataRow& row, const Names& named) {
  for (const std::string& name : fields_of(task, row, named)) {
    if (!row.has(name)) return name;
  }
  return "";
}

std::vector<std::string> tasks_for(const DataRow& row, const Names& named) {
  std::vector<std::string> names;
  for (const ChoiceTask& task : choice_tasks()) {
    if (missing_field(task, row, named).empty()) names.push_back(task.name);
  }
  return names;
}

std::string advice_for(const ChoiceTask& task, const DataRow& row, const Names& named) {
  const std::vector<std::string> others = tasks_for(row, named);
  if (!others.empty()) {
    return fmt::format("choose a task whose fields it has: --task {}", fmt::join(others, " or "));
  }
  const std::string advice = "choose the file's own task with --task";
  if (task.name != kOwnTask) return advice;
  std::vector<std::string> options;
  for (const std::string& name : field_names(task)) options.push_back(field_option(name));
  return fmt::format("{}, or name its fields: {}", advice, fmt::join(options, ", "));
}

void check_named(const ChoiceTask& task, const Names& named) {
  const std::vector<std::string> known = field_names(task);
  for (const auto& [field, name] : named) {
    if (std::find(known.begin(), known.end(), field) != known.end()) continue;
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + field_option(field),
                 fmt::format("task {}, whose rows have no {}", task.name, field),
                 "a field of that task: " + task.fields, ""});
  }
}

class Reader {
 public:
  Reader(const ChoiceTask& task, const Names& named)
      : task_(task),
        named_(named),
        text_(task.text),
        choices_(task.choices),
        answer_(task.answer),
        target_(task.target),
        description_(task.description) {}

  ChoiceItem read(const DataRow& row) const {
    check_fields(row);
    json fields;
    for (const std::string& name : fields_of(task_, row, named_)) fields[name] = row.at(name);
    try {
      return item(row, task_.prepare != nullptr ? task_.prepare(fields) : fields);
    } catch (const Error& error) {  // a template: a text where a list belongs and the like
      if (error.code() == ErrorCode::kBadFile) throw;
      row.refuse(error.parts().found, "a row as task " + task_.name + " has them");
    } catch (const json::exception&) {
      row.refuse("a field of another type", "a row as task " + task_.name + " has them");
    }
  }

 private:
  void check_fields(const DataRow& row) const {
    const std::string missing = missing_field(task_, row, named_);
    if (missing.empty()) return;
    if (named_.contains(missing)) row.at(missing);  // refuses the name
    row.refuse("no field " + missing,
               fmt::format("the fields of task {}: {}", task_.name, task_.fields),
               advice_for(task_, row, named_));
  }

  ChoiceItem item(const DataRow& row, const json& fields) const {
    const std::vector<std::string> choices = choices_of(row, fields);
    ChoiceItem item;
    item.answer = answer_of(row, fields, choices.size());
    for (const std::string& choice : choices) {
      item.lengths.push_back(static_cast<int64_t>(jinja::char_count(choice)));
    }
    if (task_.target.empty()) {
      item.contexts = {text_.render(fields)};
      for (const std::string& choice : choices) {
        item.continuations.push_back(task_.delimiter + choice);
      }
    } else {
      item.contexts = choices;
      item.continuations = {task_.delimiter + target_.render(fields)};
    }
    item.description = description_.render(fields);
    if (!task_.category.empty()) item.category = row.label(task_.category);
    return item;
  }

  std::vector<std::string> choices_of(const DataRow& row, const json& fields) const {
    const std::string shown = choices_.render(fields);
    const json list = json::parse(shown, nullptr, false);
    if (!list.is_array()) row.refuse("choices are " + in_quotes(shown), "a list of texts");
    std::vector<std::string> choices;
    for (const json& choice : list) {
      if (!choice.is_string() || choice.get_ref<const std::string&>().empty()) {
        row.refuse("a choice is " + in_short(choice), "a text that is not empty");
      }
      choices.push_back(choice.get<std::string>());
    }
    if (choices.size() < 2) {
      row.refuse(fmt::format("{} choices", choices.size()), "two or more to choose from");
    }
    return choices;
  }

  int answer_of(const DataRow& row, const json& fields, size_t choices) const {
    const std::string text = answer_.render(fields);
    int answer = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), answer);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (whole && answer >= 0 && answer < static_cast<int>(choices)) return answer;
    row.refuse(text.empty() ? "an answer that is none of the choices" : "answer " + in_quotes(text),
               fmt::format("the right one of {} choices, counted from 0 or by its label as the "
                           "task has it",
                           choices));
  }

  const ChoiceTask& task_;
  const Names& named_;
  TextTemplate text_, choices_, answer_, target_, description_;
};

}  // namespace

ChoiceSet ChoiceSet::read(const std::string& path, const ChoiceTask& task, const RowOptions& rows) {
  check_named(task, rows.names);
  ChoiceSet set{path, {}, {}};
  const Reader reader(task, rows.names);
  set.counts =
      read_rows(path, rows, [&](const DataRow& row) { set.items.push_back(reader.read(row)); });
  return set;
}

}  // namespace expertoire
