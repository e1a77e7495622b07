// What a sub-command is. One file per sub-command; commands.cc holds the one list of them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace expertoire::cli {

/// `setup` declares options on `app` and returns what to run once they are parsed: the exit code
/// is 0 when it returns, and that of the Error when it throws.
struct Command {
  const char* name;
  const char* help;  ///< one line
  std::function<void()> (*setup)(CLI::App& app);
};

/// Adds the commands of a list to a program, or to a command that has commands of its own.
void add_commands(CLI::App& app, const std::vector<Command>& commands);

/// In the order in which `expertoire --help` lists them.
const std::vector<Command>& commands();

struct Program {
  const char* name;
  const char* help;
  const std::vector<Command>& commands;
};

/// The command that run() was given, as a shell would take it again.
const std::string& command_line();

/// Parses and runs; errors become one line on stderr. Returns the process's exit code
/// (docs/cli.md has the table).
int run(const Program& program, int argc, const char* const* argv);

}  // namespace expertoire::cli
