// What an edit changes, beside what random edits of the same size change, on the same items.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "eval/bootstrap.h"

namespace expertoire {

/// A statistic of the items under one system: 0 is the model, 1 the edit, then the controls.
using SystemStatistic = std::function<double(size_t system, std::span<const uint32_t> items)>;

/// Controls of one kind, one for each seed.
struct ControlledChange {
  struct Control {
    Interval change;             ///< the mean over seeds − the model
    Interval beyond;             ///< the edit − that mean: what the choice of the experts adds
    double least = 0, most = 0;  ///< of single seeds, change against the model
  };
  double before = 0, after = 0;
  Interval change;  ///< after − before
  std::map<std::string, Control> controls;
};

/// Paired: each resample takes the same items for every system.
ControlledChange controlled_change(size_t items, const SystemStatistic& statistic,
                                   const std::map<std::string, std::vector<size_t>>& controls,
                                   const BootstrapOptions& options);

}  // namespace expertoire
