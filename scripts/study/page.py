"""The page of the study: tables with their spread, from what results.py reads. The words between them are in
page.template beside this file, so that numbers and findings are not mixed."""

from statistics import mean
from string import Template

from study.markdown import table


def spread(values, digits=3):
    """"5.045 ± 0.004": the mean and half the range, or one value alone; "–" for what a kind does not have."""
    values = [value for value in values if value is not None]
    if not values:
        return "–"
    middle = f"{mean(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ± {(max(values) - min(values)) / 2:.{digits}f}"


def column(results, key, digits=3, scale=1.0):
    return spread([None if one[key] is None else one[key] * scale for one in results], digits)


MONET_HEAD = ["held-out loss", "survivors (k)", "keys used, %", "uniformity", "ambiguity"]


def monet_cells(results):
    return [column(results, "loss"), f"{column(results, 'survivors', 1)} ({results[0]['k']})",
            column(results, "keys_used", 1, 100), column(results, "unif", 2), column(results, "amb", 3)]


def kinds_table(kinds, speeds, memory):
    """The five kinds. `speeds`: {kind: (prefill, decode)}; `memory`: {kind: MiB}."""
    rows = []
    for kind, results in kinds.items():
        prefill, decode = speeds.get(kind, (None, None))
        rows.append([f"`{kind}`", f"{results[0]['parameters'] / 1e6:.2f} M", column(results, "loss"),
                     column(results, "tokens_per_second", 0), spread([memory.get(kind)], 0), spread([prefill], 0),
                     spread([decode], 0), column(results, "keys_used", 1, 100)])
    return table(["kind", "parameters", "held-out loss", "training, tokens/s", "its peak, MiB", "prefill, tokens/s",
                  "decode, tokens/s", "keys used, %"], rows)


def sweep_table(name, settings):
    return table([name, *MONET_HEAD], [[setting, *monet_cells(results)] for setting, results in settings.items()])


def render(template, tables, speeds, memory, about):
    """The page. `about`: what else the template names. Errors: KeyError for a table that has no finished run."""
    parts = {"kinds": kinds_table(tables["kind"], speeds, memory),
             "norms": sweep_table("router norm", {"key": tables["kind"]["monet_vd"], **tables["norm"]})}
    for name in ("n", "k", "lambda", "group"):
        parts[f"sweep_{name}"] = sweep_table({"lambda": "λ", "group": "layers a router"}.get(name, name), tables[name])
    return Template(template).substitute(parts | about)
