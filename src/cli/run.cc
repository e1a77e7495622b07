#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "base/error.h"
#include "cli/command.h"

namespace expertoire::cli {
namespace {

// The one table of exit codes (docs/cli.md shows it). 1 is left to unexpected exceptions.
int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 2;
    case ErrorCode::kNotFound: return 3;
    case ErrorCode::kBadFile: return 4;
    case ErrorCode::kUnsupported: return 5;
    case ErrorCode::kTooLong: return 6;
    case ErrorCode::kIo: return 7;
    case ErrorCode::kNumeric: return 8;
    case ErrorCode::kInternal: return 9;
    case ErrorCode::kCancelled: return 130;
  }
  return 1;
}

int report(const CLI::App& app, const CLI::ParseError& error) {
  const int code = app.exit(error);  // prints help, or the message on stderr
  return code == 0 ? 0 : 2;
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app{"Embeddings, traces and edits of the routing of Mixture-of-Experts models",
               "expertoire"};
  app.require_subcommand(1);
  app.set_version_flag("--version", EXPERTOIRE_VERSION);
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.help);
    sub->callback(command.setup(*sub));
  }
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return report(app, error);
  } catch (const Error& error) {
    fmt::print(stderr, "expertoire: {}\n", error.what());
    return exit_code(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "expertoire: unexpected: {}\n", error.what());
    return 1;
  }
}

}  // namespace expertoire::cli
