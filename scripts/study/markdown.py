"""Tables and numbers of the pages."""


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def interval(one, scale=1.0, digits=1, sign=""):
    """"3.5 [2.6, 4.5]" of {value, low, high} or [value, low, high]; the value alone where there are no ends; "–" for none."""
    if one is None:
        return "–"
    value, low, high = one if isinstance(one, list) else (one["value"], one["low"], one["high"])
    if value is None:
        return "–"
    number = lambda x: f"{scale * x:{sign}.{digits}f}"
    return number(value) if low is None else f"{number(value)} [{number(low)}, {number(high)}]"


def span(values, digits=0):
    """"19 to 1,595", or one number when all are alike."""
    low, high = (f"{f(values):,.{digits}f}" for f in (min, max))
    return low if low == high else f"{low} to {high}"
