#include "io/json.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <unordered_set>
#include <vector>

#include "base/utf8.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

// Watches the parse for what nlohmann::json accepts and we do not: depth and repeated keys.
class Guard {
 public:
  Guard(const std::string& what, int max_depth) : what_(what), max_depth_(max_depth) {}

  bool operator()(int, json::parse_event_t event, json& value) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        keys_.emplace_back();
        if (static_cast<int>(keys_.size()) > max_depth_) {
          bad_file(what_, fmt::format("nesting deeper than {} levels", max_depth_), "flatter JSON");
        }
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end: keys_.pop_back(); break;
      case json::parse_event_t::key:
        if (!keys_.back().insert(value.get<std::string>()).second) {
          bad_file(
              what_,
              fmt::format("the key {} twice in one object", in_quotes(value.get<std::string>())),
              "each key once");
        }
        break;
      case json::parse_event_t::value: break;
    }
    return true;
  }

 private:
  const std::string& what_;
  int max_depth_;
  std::vector<std::unordered_set<std::string>> keys_;
};

}  // namespace

json parse_json(std::string_view text, const std::string& what, JsonLimits limits) {
  if (text.size() > limits.max_bytes) {
    bad_file(what, fmt::format("{} bytes", text.size()),
             fmt::format("at most {} bytes", limits.max_bytes));
  }
  if (const size_t bad = first_invalid_utf8(text); bad != text.size()) {
    bad_file(what, fmt::format("a byte that is not UTF-8 at offset {}", bad), "UTF-8 text");
  }
  try {
    return json::parse(text, Guard(what, limits.max_depth));
  } catch (const json::parse_error& error) {
    bad_file(what, fmt::format("text that is not JSON at byte {}", error.byte),
             "one JSON document");
  } catch (const json::out_of_range&) {  // nlohmann's word for a number such as 1e999
    bad_file(what, "a number that no 64-bit float can hold", "numbers in range");
  }
}

std::string in_short(const json& value) {
  constexpr size_t kLongest = 80;
  // A long list or text is cut before it is written out, not after.
  if (value.is_string() && value.get_ref<const std::string&>().size() > kLongest) {
    return in_quotes(value.get_ref<const std::string&>());
  }
  if (value.is_structured() && value.size() > kLongest) {
    return fmt::format("{} of {} entries", value.is_array() ? "a list" : "an object", value.size());
  }
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest - 3) + "...";
  return text;
}

json read_json_file(const std::string& path, JsonLimits limits) {
  return parse_json(read_text_file(path, limits.max_bytes), path, limits);
}

std::string read_text_file(const std::string& path, size_t max_bytes) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) {
    system_error("opening " + path, errno);
  }
  std::string text;
  char buffer[1 << 16];
  while (const size_t count = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, count);
    if (text.size() > max_bytes) {
      bad_file(path, fmt::format("more than {} bytes", max_bytes), "a smaller file");
    }
  }
  if (std::ferror(file.get()) != 0) {
    system_error("reading " + path, errno);
  }
  return text;
}

}  // namespace expertoire
