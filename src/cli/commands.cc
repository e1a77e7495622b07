#include "cli/command.h"

namespace expertoire::cli {

// Each is defined in the file of its name.
extern const Command kEmbedCommand, kCalibrateCommand, kSimilarityCommand, kNearestCommand,
    kPromptsCommand, kForwardCommand, kTraceCommand, kGenerateCommand, kPerplexityCommand,
    kEditCommand, kExpertsCommand, kEvalCommand, kTokenizeCommand, kDetokenizeCommand,
    kChatTemplateCommand, kInfoCommand, kBenchCommand, kDemoCommand;

const std::vector<Command>& commands() {
  static const std::vector<Command> list = {
      kEmbedCommand,      kCalibrateCommand,  kSimilarityCommand,   kNearestCommand,
      kPromptsCommand,    kForwardCommand,    kTraceCommand,        kGenerateCommand,
      kPerplexityCommand, kEditCommand,       kExpertsCommand,      kEvalCommand,
      kTokenizeCommand,   kDetokenizeCommand, kChatTemplateCommand, kInfoCommand,
      kBenchCommand,      kDemoCommand};
  return list;
}

}  // namespace expertoire::cli
