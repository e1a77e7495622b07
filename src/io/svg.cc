#include "io/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace expertoire {

void SvgRange::include(double value) {
  low = std::min(low, value);
  high = std::max(high, value);
}

bool SvgRange::flat() const { return span() <= 1e-6 * std::max(std::abs(low), std::abs(high)); }

std::vector<double> svg_ticks(const SvgRange& range, int most) {
  const double raw = range.span() / most;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double i = std::ceil(range.low / step - 1e-9); i * step <= range.high + 1e-9 * step; ++i) {
    ticks.push_back(i == 0 ? 0 : i * step);
  }
  return ticks;
}

std::string svg_text(double x, double y, std::string_view anchor, std::string_view style,
                     std::string_view content) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n",
                     x, y, anchor, style, xml_text(content));
}

std::string xml_text(std::string_view raw) {
  std::string out;
  size_t valid = first_invalid_utf8(raw);
  for (size_t i = 0; i < raw.size(); ++i) {
    if (i == valid) {
      out += "\xef\xbf\xbd";
      valid += 1 + first_invalid_utf8(raw.substr(i + 1));
      continue;
    }
    const char c = raw[i];
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return out;
}

std::string short_number(double value) {
  const double size = std::abs(value);
  if (size >= 1e9) return fmt::format("{:.4g}G", value / 1e9);
  if (size >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  return fmt::format("{:.4g}", value);
}

std::string svg_style() {
  return R"(:root{color-scheme:light dark;--paper:#ffffff;--ink:#1f2430;--soft:#667085;--grid:#e6e8ee;
--c0:#2563eb;--c1:#dd5a0b;--c2:#0b8f55;--c3:#8b3ddb;--c4:#c2255c;--c5:#0788a0;--c6:#97690b;--c7:#525f76}
@media(prefers-color-scheme:dark){:root{--paper:#14171d;--ink:#e6e9ef;--soft:#98a2b3;--grid:#2a2f3a;
--c0:#6ea8fe;--c1:#ff9a57;--c2:#3ddc97;--c3:#c79bff;--c4:#ff7eb0;--c5:#3fd0e6;--c6:#e9c046;--c7:#a7b3c7}}
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
.paper{fill:var(--paper)}.title{font-size:15px;font-weight:600}.tick{font-size:11px;fill:var(--soft)}.cell{font-size:11px}
.label{font-size:12px;fill:var(--soft)}.legend{font-size:13px}.head{font-size:19px;font-weight:600}
.grid{stroke:var(--grid);fill:none}.axis{stroke:var(--soft);fill:none}
.level{stroke:var(--soft);fill:none;stroke-dasharray:5 4}.level-label{font-size:11px;fill:var(--soft)}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.thin{stroke-width:1;stroke-dasharray:2 3}
.dash{stroke-dasharray:7 4}.dot{stroke-dasharray:2 3}.band{stroke:none;opacity:.14}
.line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:var(--c3)}
.line.c4{stroke:var(--c4)}.line.c5{stroke:var(--c5)}.line.c6{stroke:var(--c6)}.line.c7{stroke:var(--c7)}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}
.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}.c7{fill:var(--c7)}.line{fill:none}
)";
}

}  // namespace expertoire
