"""Two small pictures as SVG: intervals in rows, and how often values fall where."""

from html import escape

WIDTH, LEFT, ROW, TOP = 720, 330, 18, 46
COLOURS = ("#1f5fa8", "#c0612b", "#888888")
STYLE = '<style>text{font:12px sans-serif;fill:#222}</style>'


def svg(title, height, parts):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                      f'viewBox="0 0 {WIDTH} {height}">', STYLE, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
                      f'<text x="10" y="20" style="font-weight:bold">{escape(title)}</text>', *parts, "</svg>"]) + "\n"


def intervals(title, rows):
    """`rows`: (label, [value, low, high], colour's number); a line at 0."""
    low = min(0.0, *(row[1][1] for row in rows))
    high = max(0.0, *(row[1][2] for row in rows))
    x = lambda value: LEFT + (WIDTH - LEFT - 30) * (value - low) / ((high - low) or 1)
    height = TOP + ROW * len(rows) + 34
    parts = [f'<line x1="{x(0):.1f}" y1="{TOP - 12}" x2="{x(0):.1f}" y2="{height - 28}" stroke="#999"/>']
    for i, (label, (value, start, end), colour) in enumerate(rows):
        y, ink = TOP + ROW * i, COLOURS[colour]
        parts += [f'<text x="10" y="{y + 4}">{escape(label)}</text>',
                  f'<line x1="{x(start):.1f}" y1="{y}" x2="{x(end):.1f}" y2="{y}" stroke="{ink}" stroke-width="2"/>',
                  f'<circle cx="{x(value):.1f}" cy="{y}" r="4" fill="{ink}"/>']
    for value in [0.0] + [end for end in (low, high) if abs(x(end) - x(0)) > 60]:
        parts.append(f'<text x="{x(value):.1f}" y="{height - 10}" text-anchor="middle">{value:+.3f}</text>')
    return svg(title, height, parts)


def histogram(title, series, low, high, bins):
    """`series`: [(name, values)], bars beside each other in `bins` bins from `low` to `high`."""
    counts = [[0] * bins for _ in series]
    for (_, values), count in zip(series, counts):
        for value in values:
            count[min(max(int((value - low) / (high - low) * bins), 0), bins - 1)] += 1
    most = max(1, *(n for count in counts for n in count))
    height, base, left = 280, 240, 50
    step = (WIDTH - left - 20) / bins
    wide = step * 0.86 / len(series)
    parts = [f'<line x1="{left}" y1="{base}" x2="{WIDTH - 20}" y2="{base}" stroke="#999"/>',
             f'<text x="10" y="66">{most}</text>', f'<text x="10" y="{base}">0</text>']
    for s, ((name, _), count) in enumerate(zip(series, counts)):
        parts += [f'<rect x="{left + step * b + wide * s:.1f}" y="{base - 180 * n / most:.1f}" width="{wide:.1f}" '
                  f'height="{180 * n / most:.1f}" fill="{COLOURS[s]}"/>' for b, n in enumerate(count) if n]
        parts.append(f'<text x="{left + 220 * s}" y="42" style="fill:{COLOURS[s]}">{escape(name)}</text>')
    for b in range(0, bins + 1, max(1, bins // 10)):
        parts.append(f'<text x="{left + step * b:.1f}" y="{base + 20}" text-anchor="middle">'
                     f'{low + (high - low) * b / bins:.2f}</text>')
    return svg(title, height, parts)
