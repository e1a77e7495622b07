// How `experts label` finds labels: one function for each method, and what its options are.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "analysis/self_labeller.h"
#include "cli/common.h"
#include "cli/endpoint_options.h"

namespace expertoire::cli {

struct LabelMethodOptions {
  ModelOptions model{kExpertsModel};  ///< of self
  SelfOptions self;
  EndpointFlags endpoint;

  void add_to(CLI::App& app);
};

/// What is done with a method's labeller; `how` says, when it is called, what labels came from.
using UseLabeller =
    std::function<void(Labeller& labeller, const std::function<nlohmann::json()>& how)>;

enum class LabelMethod : uint8_t { kWords, kEndpoint, kSelf };
inline constexpr std::string_view kLabelMethodNames[] = {"words", "endpoint", "self"};

/// Errors: kInvalidArgument for options that the method lacks, and those of the labeller.
void with_labeller(LabelMethod method, const LabelMethodOptions& options, const ExpertIndex& index,
                   const UseLabeller& use);

/// A labeller that asks nobody: it shows each question, and answers it somehow.
void with_dry_labeller(const std::function<void(const ChatQuestion&)>& show,
                       const UseLabeller& use);

}  // namespace expertoire::cli
