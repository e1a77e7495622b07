"""Toxic experts: which correlate with toxicity, and what taking them away changes beyond random ones."""

from study import picture
from study.markdown import interval, table

THRESHOLDS = "0.05,0.03"  # the paper's 0.2 and 0.1 lie above every r that was found
SEEDS = 2
LISTED = 10
CONTROLS = {"mass": "beyond random, same mass", "number": "beyond random, same number"}


def make(steps, options, model):
    """What `experts toxicity` and `toxicity-eval` found."""
    out, data = f"toxicity/{model.name}", options.data
    shared = ["--model", model.path, "--threads", options.threads]
    found = steps.result(f"toxicity-{model.name}", "experts", "toxicity", *shared, "--data",
                         data / "toxicity/realtoxicityprompts.jsonl.gz", "--thresholds", THRESHOLDS, "--seeds", SEEDS,
                         out=out)
    measured = steps.result(
        f"toxicity-eval-{model.name}", "experts", "toxicity-eval", out, *shared, "--clean", data / "corpus/openstax",
        "--clean-hold-out", "7/10", "--clean-documents", 14, "--texts", 1000, "--prompts", options.prompts, "--samples",
        options.samples, "--toxigen", data / "toxicity/toxigen_prompts.jsonl.gz", out=f"{out}.log.jsonl",
        partial=f"{out}.log.jsonl.partial")
    return found, measured


def thresholds_table(found):
    experts = sum(layer["experts"] for layer in found["layers"])
    rows = [[row["threshold"], f"{row['experts']:,}", f"{row['by_chance']:,}", f"{100 * row['experts'] / experts:.3f}",
             f"{100 * row['mass']:.2f}"] for row in found["thresholds"]]
    return table(["r above", "experts", "by chance", "% of the experts", "% of the routing mass"], rows)


def shown(token):
    return "`" + token.replace("`", "'").replace("|", "¦").replace("\n", "⏎") + "`"


def experts_table(found):
    rows = [[f"`{one['expert']}`", f"{one['pearson']:.3f}", f"{one['tokens']:,}",
             " ".join(shown(token["text"]) for token in one["top_tokens"])] for one in found["experts"][:LISTED]]
    return table(["expert", "r", "tokens", "of the most mass"], rows)


def measures_table(row):
    rows = [[one["set"], one["name"], one["n"], f"{one['before']:.4f}", interval(one["change"], digits=4, sign="+"),
             *(interval(one["controls"][kind]["beyond"], digits=4, sign="+") for kind in CONTROLS)] for one in row["measures"]]
    return table(["measured on", "measure", "n", "before", "change", *CONTROLS.values()], rows)


def clear(one):
    _, low, high = one["controls"]["mass"]["beyond"]
    return low > 0 or high < 0


def facts(row):
    """Which measures move beyond random experts of the same mass."""
    moved = [f"{one['set']}, {one['name']} ({interval(one['controls']['mass']['beyond'], digits=4, sign='+')})"
             for one in row["measures"] if clear(one)]
    start = f"Beyond random experts of the same mass (interval without 0): {len(moved)} of {len(row['measures'])} measures"
    return f"{start}: {'; '.join(moved)}." if moved else f"{start}."


def scorer(about):
    if about["kind"] == "file":
        return "scores from a file"
    return (f"{about['kind']}, {about['texts']:,} texts ({about['toxic']:,} toxic); area under its ROC curve "
            f"{about['auc_cross_validated']:.3f} cross-validated, {about['auc_held_out']:.3f} on {about['texts_held_out']:,} "
            "held-out texts")


def section(template, model, found, measured):
    text = template["head"].substitute(model=model.name, texts=f"{found['texts']:,}", tokens=f"{found['tokens']:,}",
                                       thresholds=thresholds_table(found), experts=experts_table(found),
                                       scorer=scorer(measured["scorer"]))
    for row in measured["thresholds"]:
        if row["measures"]:
            text += template["measured"].substitute(
                system=row["system"], experts=f"{row['experts']:,}", mass=f"{100 * row['mass']:.2f}",
                control=f"{100 * row['control_mass']['mass']:.2f}", facts=facts(row), measures=measures_table(row))
    return text


# Of the measures, those of a comparison: (set, name), and the head of the column.
COMPARED = {("likelihood", "nats a token, toxic"): "nats a token, toxic", ("likelihood", "nats a token, clean"): "clean",
            ("likelihood", "toxic less clean"): "toxic less clean",
            ("prompts, toxic prompts", "expected maximum"): "expected maximum"}


def measures_at(measured, threshold):
    """{(set, name): measure} of the edit of one threshold; {} where it takes nothing."""
    [row] = [row for row in measured["thresholds"] if row["system"] == f"threshold {threshold:g}"]
    return {(one["set"], one["name"]): one for one in row["measures"]}


def row_of(model, found, measured, taken):
    """What a threshold takes, and each change, alone and beyond random experts of the same mass."""
    measures = measures_at(measured, taken["threshold"])
    changes = []
    for one in map(measures.get, COMPARED):
        pair = (one["change"], one["controls"]["mass"]["beyond"]) if one else (None, None)
        changes += [interval(value, digits=4, sign="+") for value in pair]
    return [model.name, f"{found['experts'][0]['pearson']:.3f}", taken["threshold"], f"{taken['experts']:,}",
            f"{taken['by_chance']:,}", f"{100 * taken['mass']:.2f}", *changes]


def compared_facts(results):
    """Which models and thresholds move a measure beyond random experts of the same mass."""
    lines = []
    for key in list(COMPARED)[2:]:
        moved = []
        for model, (found, measured) in results:
            for threshold in [row["threshold"] for row in found["thresholds"]] if model.alike else []:
                one = measures_at(measured, threshold).get(key)
                if one and clear(one):
                    beyond = interval(one["controls"]["mass"]["beyond"], digits=4, sign="+")
                    moved.append(f"{model.name} at {threshold:g} ({beyond})")
        lines.append(f"- {COMPARED[key]}: {', '.join(moved) or 'none'}.")
    return "\n".join(lines)


def comparison(template, results):
    """A table of all models; "" where none of them was trained alike. `results`: (model, what make() gives)."""
    if not any(model.alike for model, _ in results):
        return ""
    head = ["model", "highest r", "r above", "experts", "by chance", "% of the mass"]
    for words in COMPARED.values():
        head += [words, "beyond random"]
    rows = [row_of(model, found, measured, taken) for model, (found, measured) in results for taken in found["thresholds"]]
    return template["alike"].substitute(table=table(head, rows), facts=compared_facts(results))


def draw(results):
    """Likelihood beyond random experts of the same mass, of every model and threshold."""
    rows = [(f"{model.name}, {row['system']}: {one['name']}", one["controls"]["mass"]["beyond"], "clean" in one["name"])
            for model, (_, measured) in results for row in measured["thresholds"] for one in row["measures"]
            if one["set"] == "likelihood" and one["name"].startswith("nats")]
    return picture.intervals("Nats a token beyond random experts of the same mass", rows) if rows else None
