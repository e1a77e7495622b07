#include "tokenizer/jinja_text.h"

#include <algorithm>
#include <cstring>

#include "tokenizer/unicode.h"

namespace expertoire::jinja {
namespace {

using std::string_view;

// The last character of well-formed, non-empty text.
string_view last_char(string_view text) {
  size_t at = text.size() - 1;
  while ((static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) --at;
  return text.substr(at);
}

string_view first_char(string_view text) { return text.substr(0, utf8_length(text[0])); }

// The characters that strip() takes away.
class CharSet {
 public:
  explicit CharSet(std::optional<string_view> chars) : white_(!chars) {
    for (string_view rest = chars.value_or(""); !rest.empty();) {
      codes_.push_back(utf8_front(rest));
      rest.remove_prefix(utf8_length(rest[0]));
    }
    std::sort(codes_.begin(), codes_.end());
  }
  bool has(string_view character) const {
    const uint32_t code = utf8_front(character);
    return white_ ? is_space(code) : std::binary_search(codes_.begin(), codes_.end(), code);
  }

 private:
  bool white_;
  std::vector<uint32_t> codes_;
};

std::vector<string_view> split_at_space(string_view text, int64_t most) {
  std::vector<string_view> parts;
  for (string_view rest = strip(text, Side::kLeft); !rest.empty();
       rest = strip(rest, Side::kLeft)) {
    size_t end = 0;
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      end = rest.size();
    } else {
      while (end < rest.size() && !is_space(utf8_front(rest.substr(end)))) {
        end += utf8_length(rest[end]);
      }
    }
    parts.push_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return parts;
}

}  // namespace

bool is_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

size_t char_count(string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::vector<string_view> chars_of(string_view text) {
  std::vector<string_view> characters;
  for (; !text.empty(); text.remove_prefix(characters.back().size())) {
    characters.push_back(first_char(text));
  }
  return characters;
}

string_view chars_between(string_view text, size_t first, size_t last) {
  const auto offset = [&](size_t begin, size_t count) {
    for (; count > 0; --count) begin += utf8_length(text[begin]);
    return begin;
  };
  const size_t begin = offset(0, first);
  return text.substr(begin, offset(begin, last - first) - begin);
}

string_view strip(string_view text, Side side, std::optional<string_view> chars) {
  const CharSet unwanted(chars);
  if (side != Side::kRight) {
    while (!text.empty() && unwanted.has(text)) text.remove_prefix(first_char(text).size());
  }
  if (side != Side::kLeft) {
    while (!text.empty() && unwanted.has(last_char(text))) {
      text.remove_suffix(last_char(text).size());
    }
  }
  return text;
}

std::vector<string_view> split(string_view text, std::optional<string_view> separator,
                               int64_t most) {
  if (!separator) return split_at_space(text, most);
  std::vector<string_view> parts;
  size_t begin = 0;
  while (most < 0 || static_cast<int64_t>(parts.size()) < most) {
    const size_t at = find_text(text, *separator, begin);
    if (at == string_view::npos) break;
    parts.push_back(text.substr(begin, at - begin));
    begin = at + separator->size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

size_t find_text(string_view text, string_view part, size_t from) {
  if (part.empty()) return from;
  // memmem: std::string_view::find takes quadratic time on texts made for it.
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

size_t count_replacements(string_view text, string_view from, int64_t most) {
  size_t count = 0;
  const size_t limit = most < 0 ? std::string::npos : static_cast<size_t>(most);
  if (from.empty()) return std::min(limit, char_count(text) + 1);
  for (size_t at = 0; count < limit; ++count) {
    at = find_text(text, from, at);
    if (at == string_view::npos) break;
    at += from.size();
  }
  return count;
}

std::string replace(string_view text, string_view from, string_view to, int64_t most) {
  std::string out;
  size_t at = 0;
  for (size_t left = count_replacements(text, from, most); left > 0; --left) {
    const size_t found = from.empty() ? at : find_text(text, from, at);
    out.append(text.substr(at, found - at)).append(to);
    at = found + from.size();
    if (from.empty() && at < text.size()) {
      const string_view passed = first_char(text.substr(at));
      out.append(passed);
      at += passed.size();
    }
  }
  return out.append(text.substr(at));
}

bool is_ascii(string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

}  // namespace expertoire::jinja
