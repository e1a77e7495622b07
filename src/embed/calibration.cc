#include "embed/calibration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "base/error.h"
#include "io/refuse.h"
#include "io/safetensors.h"

namespace expertoire {
namespace {

constexpr const char* kFormat = "expertoire.calibration/1";

struct Field {
  const char* name;
  std::vector<float> CalibrationSet::*values;
};

// The one list of a set's tensors: PROMPT/NAME in the file.
constexpr Field kFields[] = {{"hidden.mean", &CalibrationSet::hidden_mean},
                             {"hidden.std", &CalibrationSet::hidden_std},
                             {"routing.mean", &CalibrationSet::routing_mean},
                             {"routing.std", &CalibrationSet::routing_std}};

[[noreturn]] void refuse(const std::string& path, std::string found, std::string expected) {
  bad_file(path, std::move(found), std::move(expected), "fit it again with `expertoire calibrate`");
}

std::vector<float> read_vector(const std::string& path, const std::string& name,
                               const TensorView& view) {
  if (view.dtype != DType::kF32 || view.shape.size() != 1) {
    refuse(
        path,
        fmt::format("{} is {} {}", in_quotes(name), dtype_name(view.dtype), shape_text(view.shape)),
        "an F32 vector");
  }
  std::vector<float> values(static_cast<size_t>(view.elements()));
  read_f32(view, 0, view.elements(), values.data());
  const bool spread = name.ends_with(".std");
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]) && !(spread && values[i] < 0)) continue;
    refuse(path, fmt::format("{} at {} of {}", values[i], i, in_quotes(name)),
           spread ? "finite numbers from 0" : "finite numbers");
  }
  return values;
}

// The field that a tensor PROMPT/NAME fills, or null.
const Field* field_of(const std::string& name, std::string& prompt) {
  for (const Field& field : kFields) {
    const std::string ending = std::string("/") + field.name;
    if (!name.ends_with(ending)) continue;
    prompt = name.substr(0, name.size() - ending.size());
    return &field;
  }
  return nullptr;
}

// A dense model has no routing part.
void check_sizes(const std::string& path, const std::string& prompt, const CalibrationSet& set) {
  const auto check = [&](const std::string& part, size_t mean, size_t std) {
    if (mean == std) return;
    refuse(path,
           fmt::format("{} means and {} spreads of {}", mean, std, in_quotes(prompt + "/" + part)),
           "as many of one as of the other");
  };
  check("hidden", set.hidden_mean.size(), set.hidden_std.size());
  check("routing", set.routing_mean.size(), set.routing_std.size());
}

}  // namespace

void standardize(const std::vector<float>& mean, const std::vector<float>& std,
                 std::vector<float>& values) {
  if (mean.size() != values.size() || std.size() != values.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"applying the calibration", fmt::format("{} dimensions", mean.size()),
                 fmt::format("{}, the embedding's", values.size()),
                 "fit one for this model with `expertoire calibrate`"});
  }
  for (size_t i = 0; i < values.size(); ++i) values[i] = (values[i] - mean[i]) / (std[i] + 1e-8F);
}

void MomentAccumulator::add(const std::vector<float>& values) {
  mean_.resize(values.size());
  square_.resize(values.size());
  ++count_;
  for (size_t i = 0; i < values.size(); ++i) {
    const double delta = values[i] - mean_[i];
    mean_[i] += delta / static_cast<double>(count_);
    square_[i] += delta * (values[i] - mean_[i]);
  }
}

std::vector<float> MomentAccumulator::mean() const { return {mean_.begin(), mean_.end()}; }

std::vector<float> MomentAccumulator::std() const {
  std::vector<float> std;
  for (double square : square_) {
    std.push_back(static_cast<float>(std::sqrt(square / static_cast<double>(count_ - 1))));
  }
  return std;
}

Calibration Calibration::load(const std::string& path) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  Calibration calibration;
  calibration.metadata = file.metadata();
  const std::string& format = calibration.metadata["format"];
  if (format != kFormat) refuse(path, "the format " + in_quotes(format), in_quotes(kFormat));
  for (const auto& [name, view] : file.tensors()) {
    std::string prompt;
    const Field* field = field_of(name, prompt);
    if (field == nullptr) {
      refuse(path, "the tensor " + in_quotes(name), "PROMPT/hidden.mean and the like only");
    }
    calibration.sets[prompt].*field->values = read_vector(path, name, view);
  }
  for (const auto& [prompt, set] : calibration.sets) check_sizes(path, prompt, set);
  return calibration;
}

void Calibration::save(const std::string& path) const {
  std::vector<NamedTensor> tensors;
  for (const auto& [prompt, set] : sets) {
    for (const Field& field : kFields) {
      const std::vector<float>& values = set.*field.values;
      tensors.push_back({prompt + "/" + field.name,
                         {DType::kF32,
                          {static_cast<int64_t>(values.size())},
                          reinterpret_cast<const std::byte*>(values.data()),
                          values.size() * 4}});
    }
  }
  std::map<std::string, std::string> with_format = metadata;
  with_format["format"] = kFormat;
  write_safetensors(path, tensors, with_format);
}

const CalibrationSet& Calibration::set(const std::string& prompt,
                                       const std::map<std::string, std::string>& wanted) const {
  for (const auto& [key, value] : wanted) {
    const auto found = metadata.find(key);
    if (found != metadata.end() && found->second != value) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"applying the calibration",
                   fmt::format("it was fitted with {} = {}", key, found->second),
                   fmt::format("{} = {}", key, value), "fit another with `expertoire calibrate`"});
    }
  }
  const auto found = sets.find(prompt);
  if (found == sets.end()) {
    std::vector<std::string> names;
    for (const auto& entry : sets) names.push_back(entry.first);
    throw Error(ErrorCode::kInvalidArgument,
                {"applying the calibration", fmt::format("nothing for the prompt \"{}\"", prompt),
                 fmt::format("one of {}", fmt::join(names, ", ")),
                 "fit one with `expertoire calibrate --prompt`"});
  }
  return found->second;
}

}  // namespace expertoire
