#include "tokenizer/jinja_text.h"

#include <algorithm>

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

// Where the characters begin, and the end.
std::vector<size_t> char_places(string_view text, size_t limit) {
  std::vector<size_t> places;
  for (size_t at = 0; places.size() < limit && at <= text.size();) {
    places.push_back(at);
    at += at < text.size() ? utf8_length(text[at]) : 1;
  }
  return places;
}

// Knuth, Morris and Pratt: the longest proper start of part[0..i] that is also its end.
std::vector<size_t> borders_of(string_view part) {
  std::vector<size_t> borders(part.size());
  for (size_t i = 1, length = 0; i < part.size(); ++i) {
    while (length > 0 && part[i] != part[length]) length = borders[length - 1];
    if (part[i] == part[length]) ++length;
    borders[i] = length;
  }
  return borders;
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
  for (size_t at : find_all(text, *separator, most)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + separator->size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

size_t find_text(string_view text, string_view part) {
  const std::vector<size_t> found = find_all(text, part, 1);
  return found.empty() ? string_view::npos : found[0];
}

std::vector<size_t> find_all(string_view text, string_view part, int64_t most) {
  const size_t limit = most < 0 ? SIZE_MAX : static_cast<size_t>(most);
  if (part.empty()) return char_places(text, limit);
  const std::vector<size_t> borders = borders_of(part);
  std::vector<size_t> found;
  size_t matched = 0;  // how many bytes of `part` end here
  for (size_t at = 0; at < text.size() && found.size() < limit; ++at) {
    while (matched > 0 && text[at] != part[matched]) matched = borders[matched - 1];
    if (text[at] == part[matched]) ++matched;
    if (matched == part.size()) {
      found.push_back(at + 1 - part.size());
      matched = 0;
    }
  }
  return found;
}

std::string replace_at(string_view text, const std::vector<size_t>& places, size_t size,
                       string_view to) {
  std::string out;
  size_t at = 0;
  for (size_t place : places) {
    out.append(text.substr(at, place - at)).append(to);
    at = place + size;
  }
  return out.append(text.substr(at));
}

bool is_ascii(string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

}  // namespace expertoire::jinja
