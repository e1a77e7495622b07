#include "eval/classification.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <numeric>
#include <set>

#include "base/error.h"
#include "eval/class_scores.h"
#include "eval/logistic_regression.h"
#include "eval/mean.h"
#include "eval/random_state.h"

namespace expertoire {
namespace {

// Rows as they stand in the file; their texts are not in the table yet.
struct Labelled {
  std::vector<std::string> texts;
  std::vector<uint32_t> classes;
};

RowCounts read_labelled(const std::string& path, const RowOptions& options,
                        std::map<std::string, uint32_t>& labels, Labelled& out) {
  return read_rows(path, options, [&](const DataRow& row) {
    const std::string label = row.label("label"), text = row.text("text");
    const auto number = static_cast<uint32_t>(labels.size());
    out.classes.push_back(labels.emplace(label, number).first->second);
    out.texts.push_back(text);
  });
}

LabelledTexts select(const Labelled& from, std::span<const size_t> items, TextTable& texts) {
  LabelledTexts some;
  for (const size_t item : items) {
    some.rows.push_back(texts.add(from.texts[item]));
    some.classes.push_back(from.classes[item]);
  }
  return some;
}

std::vector<size_t> counting(size_t count) {
  std::vector<size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

Labelled part(const Labelled& all, std::span<const size_t> items) {
  Labelled some;
  for (const size_t item : items) {
    some.texts.push_back(all.texts[item]);
    some.classes.push_back(all.classes[item]);
  }
  return some;
}

// A half to learn from; `all` keeps the other.
Labelled take_half(Labelled& all, uint32_t seed) {
  std::vector<size_t> order = counting(all.classes.size());
  RandomState(seed).shuffle(std::span(order));
  const size_t half = order.size() / 2;
  Labelled train = part(all, std::span(order).first(half));
  all = part(all, std::span(order).subspan(half));
  return train;
}

void check_classes(const Labelled& train, const Labelled& test, const std::string& train_path,
                   const std::string& path) {
  const std::set<uint32_t> learnt(train.classes.begin(), train.classes.end());
  if (learnt.size() < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                {"learning from " + train_path, "one label only", "rows of two labels or more",
                 "check that it is the whole file, and name the field with --label-field"});
  }
  if (std::none_of(test.classes.begin(), test.classes.end(),
                   [&](uint32_t c) { return learnt.contains(c); })) {
    throw Error(ErrorCode::kInvalidArgument,
                {"classifying " + path, "labels that " + train_path + " does not have",
                 "files with the same labels", "name the field with --label-field"});
  }
}

// The classes that an experiment learns may be fewer than there are: numbers them anew.
struct Learnt {
  std::vector<uint32_t> classes;  // learnt → class
  std::vector<uint32_t> numbers;  // of the rows

  explicit Learnt(const std::vector<uint32_t>& of_rows) : classes(of_rows) {
    std::sort(classes.begin(), classes.end());
    classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
    for (const uint32_t c : of_rows) {
      const auto at = std::lower_bound(classes.begin(), classes.end(), c);
      numbers.push_back(static_cast<uint32_t>(at - classes.begin()));
    }
  }
};

std::vector<uint32_t> predict(const LabelledTexts& train, const LabelledTexts& test,
                              const TextVectors& vectors) {
  const Learnt learnt(train.classes);
  const LogisticRegression model(vectors, train.rows, learnt.numbers,
                                 static_cast<uint32_t>(learnt.classes.size()));
  std::vector<uint32_t> predicted;
  for (const size_t row : test.rows) {
    predicted.push_back(learnt.classes[model.predict(vectors.row(row))]);
  }
  return predicted;
}

// The number of each class in its label, or its place in sorted order.
std::vector<int64_t> numbers_of(const std::map<std::string, uint32_t>& labels) {
  std::vector<int64_t> written(labels.size()), places(labels.size());
  bool whole = true;
  int64_t place = 0;
  for (const auto& [label, one] : labels) {
    const char* end = label.data() + label.size();
    const auto [stop, error] = std::from_chars(label.data(), end, written[one]);
    whole = whole && error == std::errc() && stop == end;
    places[one] = place++;
  }
  const std::set<int64_t> different(written.begin(), written.end());  // "1" and "01" are not
  return whole && different.size() == labels.size() ? written : places;
}

// Averages class numbers; one that no class has becomes a class of its own, never a right one.
class ClassAverages {
 public:
  explicit ClassAverages(const std::map<std::string, uint32_t>& labels)
      : numbers_(numbers_of(labels)) {
    for (const int64_t number : numbers_) {
      classes_.emplace(number, static_cast<uint32_t>(classes_.size()));
    }
  }

  std::vector<uint32_t> of(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b,
                           double weight) {
    std::vector<uint32_t> classes;
    for (const double average : averaged_numbers(numbers(a), numbers(b), weight)) {
      const auto fresh = static_cast<uint32_t>(classes_.size());
      classes.push_back(classes_.emplace(static_cast<int64_t>(average), fresh).first->second);
    }
    return classes;
  }
  uint32_t count() const { return static_cast<uint32_t>(classes_.size()); }

 private:
  std::vector<int64_t> numbers(const std::vector<uint32_t>& classes) const {
    std::vector<int64_t> all;
    for (const uint32_t one : classes) all.push_back(numbers_[one]);
    return all;
  }

  std::vector<int64_t> numbers_;         // of the classes
  std::map<int64_t, uint32_t> classes_;  // of the numbers
};

// `predictions`: the class of every tested row by each experiment, in [0, count).
EvalResult result_of(const ClassificationSet& set,
                     const std::vector<std::vector<uint32_t>>& predictions, uint32_t count,
                     const BootstrapOptions& bootstrap) {
  const std::vector<uint32_t>& truth = set.test.classes;
  const std::vector<uint32_t> items = each_item(truth.size());
  std::vector<double> accuracies, f1s, right(items.size());
  std::vector<std::vector<uint32_t>> by_row(items.size());
  for (const auto& predicted : predictions) {
    accuracies.push_back(accuracy(truth, predicted, items));
    f1s.push_back(macro_f1(truth, predicted, items, count));
    for (const uint32_t item : items) {
      right[item] += predicted[item] == truth[item] ? 1.0 / set.options.experiments : 0.0;
      by_row[item].push_back(predicted[item]);
    }
  }
  const auto f1 = [&](std::span<const uint32_t> drawn) {
    return mean_macro_f1(truth, predictions, drawn, count);
  };
  EvalResult result{.task = "classification", .dataset = set.dataset, .main = "accuracy"};
  result.n = static_cast<int64_t>(items.size());
  result.scores = {{"accuracy", EvalScore::mean_of(right, bootstrap)},
                   {"f1", EvalScore::of(items.size(), f1, bootstrap)}};
  result.details = set.counts.left_out();
  result.details.update({{"labels", set.labels.size()},
                         {"train_rows", set.train_rows},
                         {"split", set.halved ? "halves" : "files"},
                         {"samples_per_label", set.options.samples_per_label},
                         {"experiments", set.options.experiments},
                         {"seed", set.options.seed},
                         {"accuracy_std", spread_of(accuracies)},
                         {"f1_std", spread_of(f1s)}});
  result.items = {{"accuracy", right}, {"class", truth}, {"predicted", by_row}};
  return result;
}

// What `predict` says of each experiment's rows.
std::vector<std::vector<uint32_t>> predict_all(
    const ClassificationSet& set, const ProgressSink& progress,
    const std::function<std::vector<uint32_t>(const LabelledTexts& sample)>& predict) {
  std::vector<std::vector<uint32_t>> predictions;
  for (const LabelledTexts& sample : set.experiments) {
    predictions.push_back(predict(sample));
    if (!progress) continue;
    progress(static_cast<int64_t>(predictions.size()),
             static_cast<int64_t>(set.experiments.size()));
  }
  return predictions;
}

}  // namespace

ClassificationSet ClassificationSet::read(const std::string& train_path, const std::string& path,
                                          const RowOptions& rows,
                                          const ClassificationOptions& options, TextTable& texts) {
  ClassificationSet set;
  set.dataset = dataset_name(path);
  set.options = options;
  set.halved = train_path.empty();
  Labelled train, test;
  if (!set.halved) read_labelled(train_path, rows, set.labels, train);
  set.counts = read_labelled(path, rows, set.labels, test);
  if (set.halved) train = take_half(test, options.seed);
  check_classes(train, test, set.halved ? path : train_path, path);
  set.train_rows = train.classes.size();
  for (const auto& sample : undersample(train.classes, options)) {
    set.experiments.push_back(select(train, sample, texts));
  }
  set.test = select(test, counting(test.classes.size()), texts);
  return set;
}

std::vector<std::vector<size_t>> undersample(const std::vector<uint32_t>& classes,
                                             const ClassificationOptions& options) {
  std::vector<size_t> order = counting(classes.size());
  std::vector<std::vector<size_t>> experiments;
  for (int i = 0; i < options.experiments; ++i) {
    RandomState(options.seed).shuffle(std::span(order));
    std::map<uint32_t, int> taken;
    experiments.emplace_back();
    for (const size_t row : order) {
      if (taken[classes[row]]++ < options.samples_per_label) experiments.back().push_back(row);
    }
  }
  return experiments;
}

EvalResult score_classification(const ClassificationSet& set, const TextVectors& vectors,
                                const BootstrapOptions& bootstrap, const ProgressSink& progress) {
  const auto predictions = predict_all(set, progress, [&](const LabelledTexts& sample) {
    return predict(sample, set.test, vectors);
  });
  return result_of(set, predictions, static_cast<uint32_t>(set.labels.size()), bootstrap);
}

EvalResult score_classification(const ClassificationSet& set, const SumParts& parts,
                                const BootstrapOptions& bootstrap, const ProgressSink& progress) {
  ClassAverages averages(set.labels);
  const auto predictions = predict_all(set, progress, [&](const LabelledTexts& sample) {
    return averages.of(predict(sample, set.test, parts.hidden),
                       predict(sample, set.test, parts.routing), parts.weight);
  });
  EvalResult result = result_of(set, predictions, averages.count(), bootstrap);
  result.details["rules"] = "paper";
  return result;
}

}  // namespace expertoire
