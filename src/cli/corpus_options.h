// Options that name a corpus of labelled documents.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "analysis/corpus.h"

namespace expertoire::cli {

/// "7/10": of every 10 documents of a file number 7, from 0. Errors: kInvalidArgument.
HoldOut parse_hold_out(const std::string& text);

/// --input, --field, --label-field, --name-field, --hold-out, --part.
struct CorpusFlags {
  CorpusOptions corpus;
  std::string hold_out, part = "all";

  void add_to(CLI::App& app);
  /// What was asked for. Errors: kInvalidArgument (a rule or part of another form).
  CorpusOptions options() const;
};

}  // namespace expertoire::cli
