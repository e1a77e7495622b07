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


def cost_cells(cost):
    """Speed and memory of training, as `measure.training_cost` gives them."""
    return [spread([value], 0) for value in cost or (None, None)]


def kinds_table(kinds, speeds, costs):
    """The five kinds. `speeds`: {kind: (prefill, decode)}; `costs`: {kind: (tokens a second, MiB)}."""
    rows = []
    for kind, results in kinds.items():
        prefill, decode = speeds.get(kind, (None, None))
        rows.append([f"`{kind}`", f"{results[0]['parameters'] / 1e6:.2f} M", column(results, "loss"), *cost_cells(costs.get(kind)),
                     spread([prefill], 0), spread([decode], 0), column(results, "keys_used", 1, 100)])
    return table(["kind", "parameters", "held-out loss", "training, tokens/s", "its peak, MiB", "prefill, tokens/s",
                  "decode, tokens/s", "keys used, %"], rows)


def sweep_table(name, settings, costs=None):
    """A row for each setting; with `costs` {setting: (tokens a second, MiB)} those too."""
    head = [name, *MONET_HEAD, *(["training, tokens/s", "its peak, MiB"] if costs else [])]
    return table(head, [[setting, *monet_cells(results), *(cost_cells(costs.get(setting)) if costs else [])]
                        for setting, results in settings.items()])


def render(template, tables, speeds, costs, about):
    """The page. `costs`: {"kind": …, "n": …}, each as above. `about`: what else the template names. Errors: KeyError for a
    table that has no finished run."""
    parts = {"kinds": kinds_table(tables["kind"], speeds, costs["kind"]),
             "norms": sweep_table("router norm", {"key": tables["kind"]["monet_vd"], **tables["norm"]})}
    for name in ("n", "k", "lambda", "group"):
        head = {"lambda": "λ", "group": "layers a router"}.get(name, name)
        parts[f"sweep_{name}"] = sweep_table(head, tables[name], costs.get(name))
    return Template(template).substitute(parts | about)
