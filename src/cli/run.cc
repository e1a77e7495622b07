#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "io/refuse.h"

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

// A write after the reader of a pipe has gone, or over a limit of file size, must fail and not
// kill. Closed standard streams are replaced by ones that fail, so that no file gets their numbers.
void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

std::string g_command_line;

std::string quoted(const std::string& argument) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=,:+-@%";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) return argument;
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// Not fmt::print: it throws when stderr is gone.
int fail(const Program& program, ErrorCode code, const std::string& sentence) {
  std::fputs(fmt::format("{}: {}\n", program.name, sentence).c_str(), stderr);
  return exit_code(interrupt_token().cancelled() ? ErrorCode::kCancelled : code);
}

void flush_output() {
  std::cout.flush();
  if (std::fflush(stdout) != 0 || !std::cout) system_error("writing standard output", errno);
}

int report(const CLI::App& app, const CLI::ParseError& error) {
  const int code = app.exit(error);  // prints help, or the message on stderr
  flush_output();
  return code == 0 ? 0 : 2;
}

int parse_and_run(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
    flush_output();
    return 0;
  } catch (const CLI::ParseError& error) {
    return report(app, error);
  }
}

}  // namespace

void add_commands(CLI::App& app, const std::vector<Command>& commands) {
  app.require_subcommand(1);
  for (const Command& command : commands) {
    CLI::App* sub = app.add_subcommand(command.name, command.help);
    sub->callback(command.setup(*sub));
  }
}

const std::string& command_line() { return g_command_line; }

int run(const Program& program, int argc, const char* const* argv) {
  prepare_process();
  g_command_line = program.name;
  for (int i = 1; i < argc; ++i) g_command_line += " " + quoted(argv[i]);
  CLI::App app{program.help, program.name};
  app.set_version_flag("--version", EXPERTOIRE_VERSION);
  add_commands(app, program.commands);
  try {
    return parse_and_run(app, argc, argv);
  } catch (const Error& error) {
    return fail(program, error.code(), error.what());
  } catch (const std::system_error& error) {  // fmt::print to a full disk, a folder without access
    return fail(program, ErrorCode::kIo, error.what());
  } catch (const std::bad_alloc&) {
    return fail(program, ErrorCode::kIo,
                "not enough memory; use a smaller --batch-tokens or model");
  } catch (const std::exception& error) {
    fail(program, ErrorCode::kInternal, fmt::format("unexpected: {}", error.what()));
    return 1;
  }
}

}  // namespace expertoire::cli
