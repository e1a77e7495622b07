#include "io/html.h"

#include "base/utf8.h"

namespace expertoire {
namespace {

void append(std::string& out, char c) {
  switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\'': out += "&#39;"; break;
    case '\t':
    case '\n': out += c; break;
    default:
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        out += "\xef\xbf\xbd";
      } else {
        out += c;
      }
  }
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t valid = first_invalid_utf8(text);
    for (const char c : text.substr(0, valid)) append(out, c);
    if (valid == text.size()) break;
    out += "\xef\xbf\xbd";
    text.remove_prefix(valid + 1);
  }
  return out;
}

}  // namespace expertoire
