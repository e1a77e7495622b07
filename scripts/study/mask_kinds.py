"""Masking domains in models of several kinds: a row for each study of masks.py."""

from study import masks
from study.markdown import interval, span, table


def row_of(model, rule, result):
    """A mask study in one row: sizes, what the masks cost the target (and the selected one the others), how many reach what."""
    if result is None or not masks.masks_of(result):
        return [model.name, rule, "0", *["–"] * (7 + len(masks.ALIKE_CONTROLS))]
    summary, selected = result["summary"], [kinds["selected"] for kinds in masks.masks_of(result).values()]
    cost = lambda kind, of: interval(summary[kind][of] if summary.get(kind) else None, 1000)
    masked, *reach = masks.reached(result)
    bits = [domain["bits_per_byte"]["value"] for domain in result["domains"] if domain["claimed"]]
    return [model.name, rule, span([mask["experts"] for mask in selected]),
            span([100 * mask["mass_share"] for mask in selected], 2), span(bits, 2), cost("selected", "target"),
            cost("selected", "others"), interval(summary["selected"]["ratio"]),
            *(cost(kind, "target") for kind in masks.ALIKE_CONTROLS), ", ".join(map(str, reach)), masked]


def order(rows):
    """In what order the models trained alike lie by target / others, for each rule."""
    lines = []
    for rule, *_ in masks.ALIKE:
        ratios = {model.name: result["summary"]["selected"]["ratio"] for model, name, result in rows
                  if model.alike and name == rule and result is not None and masks.masks_of(result)}
        known = sorted((one for one in ratios.items() if one[1]), key=lambda one: -one[1]["value"])
        unknown = [name for name in ratios if not ratios[name]]
        words = ", ".join(f"{name} {interval(ratio)}" for name, ratio in known) or "none"
        words += f"; the others lose nothing that can be shown: {', '.join(unknown)}" if unknown else ""
        lines.append(f"- {rule}, target / others: {words}.")
    return "\n".join(lines)


def comparison(template, corpus, results):
    """A table of all models; "" where none of them was trained alike. `results`: (model, what make() gives)."""
    alike = [halves for model, (_, _, halves) in results if model.alike]
    if not alike:
        return ""
    rows = [(model, name, result) for model, (found, _, _) in results for name, _, result in found]
    head = ["model", "rule", "experts a domain", "% of the mass", "bits a byte", "target", "others", "target / others",
            *masks.ALIKE_CONTROLS.values(), f"lose, and ≥ {masks.AIM} × others, and ≥ {masks.AIM} × random", "of"]
    seeds = " or ".join(f"{seeds} ({rule})" for rule, *_, seeds in masks.ALIKE)
    return template["alike"].substitute(
        tokens=f"{alike[0][0]['tokens']:,}", texts=masks.ALIKE_TEXTS[corpus], seeds=seeds, aim=masks.AIM,
        table=table(head, [row_of(*row) for row in rows]), facts=order(rows), follows=template["follows"].template)
