// expertoire eval study: the MoEE paper's studies, a command each
#include "cli/eval_commands.h"
#include "cli/study_commands.h"

namespace expertoire::cli {
namespace {

std::function<void()> setup(CLI::App& app) {
  static const std::vector<Command> list = {kStudyComplementarityCommand, kStudyPromptsCommand,
                                            kStudyAblationCommand, kStudyErrorsCommand};
  add_commands(app, list);
  return [] {};  // the study's own callback does the work
}

}  // namespace

extern const Command kEvalStudyCommand = {
    "study", "The MoEE paper's studies on STS data: a table and a picture each", setup};

}  // namespace expertoire::cli
