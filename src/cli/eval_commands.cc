#include "cli/eval_commands.h"

namespace expertoire::cli {

// Each is defined in the file of its name.
extern const Command kEvalStsCommand, kEvalClassificationCommand, kEvalPairsCommand,
    kEvalClusteringCommand, kEvalRerankCommand, kEvalSummarizationCommand, kEvalChoiceCommand,
    kEvalLambadaCommand, kEvalPerplexityCommand, kEvalCompareCommand, kEvalReportCommand,
    kEvalStudyCommand, kEvalSuiteCommand, kEvalCodeCommand;

const std::vector<Command>& eval_commands() {
  static const std::vector<Command> list = {
      kEvalStsCommand,        kEvalClassificationCommand, kEvalPairsCommand,
      kEvalClusteringCommand, kEvalRerankCommand,         kEvalSummarizationCommand,
      kEvalChoiceCommand,     kEvalLambadaCommand,        kEvalPerplexityCommand,
      kEvalCodeCommand,       kEvalStudyCommand,          kEvalSuiteCommand,
      kEvalCompareCommand,    kEvalReportCommand};
  return list;
}

}  // namespace expertoire::cli
