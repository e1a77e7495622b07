"""Tables of docs/studies/moee.md, from what `expertoire eval … --json` printed. The words between them are in
moee.template and moee_model.template."""

from study import markdown


def table(head, rows):
    return markdown.table(head, rows) + "\n"


def system_of(result):
    """"model sum 0.5": the system, its kind, and its alpha where that is not 1."""
    alpha = f" {result['alpha']:g}" if result.get("alpha", 1) != 1 else ""
    return result["system"] + (" " + result["kind"] if "kind" in result else "") + alpha


def shown(result, name=None, scale=100, digits=1):
    """"28.3 (17.7–38.7)"."""
    name = name or result["main"]
    text = f"{scale * result[name]:.{digits}f}"
    if name in result.get("intervals", {}):
        low, high = result["intervals"][name]
        text += f" ({scale * low:.{digits}f}–{scale * high:.{digits}f})"
    return text


def scores_table(results, more=None):
    """A row a system, a column a data set. `results`: {data set: results}; `more`: {row: {data set: cell}}."""
    systems = [system_of(result) for result in next(iter(results.values()))]
    rows = {system: [next((shown(r) for r in results[name] if system_of(r) == system), "–") for name in results]
            for system in systems}
    for row, cells in (more or {}).items():
        rows[row] = [cells.get(name, "–") for name in results]
    return table(["", *results], [[system, *cells] for system, cells in rows.items()])


def settings_table(columns):
    """A row a system, a column a way to make its vectors. `columns`: {name: results}."""
    systems = list(dict.fromkeys(system_of(r) for results in columns.values() for r in results if "kind" in r))
    cells = {name: {system_of(r): f"{100 * r[r['main']]:.1f}" for r in results} for name, results in columns.items()}
    return table(["", *columns], [[system, *(cells[name].get(system, "–") for name in columns)] for system in systems])


def verdict_cell(one):
    word = {"higher": "**higher**", "lower": "lower", None: "not shown" if "interval" in one else "no interval"}[one["verdict"]]
    return f"{word} ({100 * one['difference']:+.1f})"


def verdicts_table(claims, verdicts):
    """`verdicts`: {data set: a comparison for each claim}."""
    return table(["", *verdicts], [[words, *(verdict_cell(verdicts[name][i]) for name in verdicts)]
                                   for i, (words, _, _) in enumerate(claims)])


def counted(comparisons):
    """"higher on 3, lower on 1 of 7"."""
    known = [one for one in comparisons if "interval" in one]
    count = lambda verdict: sum(one["verdict"] == verdict for one in known)
    return f"higher on {count('higher')}, lower on {count('lower')} of {len(known)}"


def claims_table(claims, by_column):
    """In how many data sets each claim holds. `by_column`: {column: verdicts of verdicts_table}."""
    return table(["", *by_column], [[words, *(counted([verdicts[name][i] for name in verdicts])
                                             for verdicts in by_column.values())]
                                    for i, (words, _, _) in enumerate(claims)])


def apart(result, lower, higher):
    """Whether one score of a result is below another, by intervals that do not overlap."""
    ends = result["intervals"]
    if ends[lower][1] < ends[higher][0]:
        return "yes"
    return "no, the contrary" if ends[lower][0] > ends[higher][1] else "not shown"


def study_findings(found):
    """What the paper says of complementarity, prompts and errors: {claim: answer with its numbers}."""
    [both] = [r for r in found["complementarity"] if r["system"] == "model"]
    [errors] = [r for r in found["errors"] if r["system"] == "model"]
    spread = {r["kind"]: r for r in found["prompts"] if r["task"] == "prompts" and r["system"] == "model"}
    number = lambda result, name: shown(result, name, 1, 2)
    steadier = spread["routing"]["std"] < spread["hidden"]["std"]
    return {
        "hidden and routing agree less than hidden states under two prompts":
            f"{apart(both, 'hidden_routing', 'hidden_hidden')}: {number(both, 'hidden_routing')}, {number(both, 'hidden_hidden')}",
        "… and less than routing under two prompts":
            f"{apart(both, 'hidden_routing', 'routing_routing')}: {number(both, 'hidden_routing')}, {number(both, 'routing_routing')}",
        "their clusters overlap little (AMI; the paper has 0.29)": number(both, "ami"),
        "routing varies less over the nine prompts (standard deviation)":
            f"{'yes' if steadier else 'no'}: {100 * spread['routing']['std']:.1f}, hidden {100 * spread['hidden']['std']:.1f}",
        "more pairs are right by one of them than by both":
            f"{apart(errors, 'both_right', 'one_right')}: {shown(errors, 'one_right')}, both {shown(errors, 'both_right')}",
    }


def ablation_findings(claims, comparisons):
    """`comparisons`: one for each claim."""
    word = {"higher": "yes", "lower": "no, the contrary", None: "not shown"}
    return {words: f"{word[one['verdict']]} ({100 * one['difference']:+.1f})"
            for (words, _, _), one in zip(claims, comparisons, strict=True)}


def findings_table(by_model):
    """`by_model`: {model: findings}."""
    claims = next(iter(by_model.values()))
    return table(["", *by_model], [[claim, *(found[claim] for found in by_model.values())] for claim in claims])


def study_tables(found, kinds):
    names = ["ami", "nmi", "jaccard", "hidden_hidden", "routing_routing", "hidden_routing"]
    tables = {"complementarity": table(["", *names], [[r["system"], *(shown(r, n, 1, 2) for n in names)]
                                                      for r in found["complementarity"]])}
    names = ["lowest", "median", "highest", "std"]
    tables["prompts"] = table(["", *names], [[system_of(r), *(f"{100 * r[n]:.1f}" for n in names)]
                                             for r in found["prompts"] if r["task"] == "prompts"])
    rows = {}
    for result in found["ablation"]:
        rows.setdefault((result["system"], result["variant"]), {})[result["kind"]] = shown(result)
    tables["ablation"] = table(["", *kinds], [[f"{system}: {variant}", *(cells[kind] for kind in kinds)]
                                              for (system, variant), cells in rows.items()])
    names = ["both_right", "only_hidden", "only_routing", "neither", "one_right", "sum_right"]
    tables["errors"] = table(["", *names], [[r["system"], *(shown(r, n, 100, 0) for n in names)] for r in found["errors"]])
    return tables
