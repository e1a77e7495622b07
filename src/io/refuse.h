// The words in which readers refuse what they are given.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace expertoire {

/// Throws Error kBadFile: "reading <path>: <found>; expected <expected>; <advice>". The usual
/// advice is about a download that was cut short.
[[noreturn]] void bad_file(std::string_view path, std::string found, std::string expected,
                           std::string advice = "check that the file is complete and unedited");

/// Throws Error for a failed system call: kNotFound for ENOENT and ENOTDIR, else kIo with the
/// system's words. `operation` like "opening a/b".
[[noreturn]] void system_error(std::string operation, int error_number, std::string advice = "");

/// Text from a file as it may stand in an error message: in double quotes, control characters and
/// bytes that are not UTF-8 escaped, cut after about 100 bytes.
std::string in_quotes(std::string_view text);

}  // namespace expertoire
