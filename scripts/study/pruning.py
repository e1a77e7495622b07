"""Fewer experts: perplexity against the share that is kept."""

import shutil

from study.markdown import interval, span, table

DOCUMENTS, HELD_OUT, SEEDS = 200, 28, 3


def make(steps, options, model):
    """What `experts prune` found, or of models that it does not prune why, in its words."""
    arguments = ["experts", "prune", "--model", model.path, "--input", options.data / "corpus/openstax", "--documents",
                 DOCUMENTS, "--held-out-documents", HELD_OUT, "--keep", "0.25,0.5,0.75", "--seeds", SEEDS, "--threads",
                 options.threads]
    out = f"pruning/{model.name}"
    if model.kind == "top-k":
        return steps.result(f"pruning-{model.name}", *arguments, out=out)
    return steps.refusal(f"pruning-{model.name}", *arguments, "--out", out)


def rows_of(result):
    for row in sorted(result["rows"], key=lambda row: (-row["share"], row["by"], row.get("seed", 0))):
        name = f"{row['by']} {row['seed']}" if "seed" in row else row["by"]
        yield [f"{row['experts']} ({100 * row['share']:.0f} %)", name, bounded(row["after"]["perplexity"]),
               bounded(row["change"]["bits_per_byte"], 4, "+")]


def bounded(score, digits=1, sign=""):
    return interval([score["value"], *(score.get("interval") or [None, None])], digits=digits, sign=sign)


def values_at(result, share):
    """{ranking: perplexities} of what keeps `share`."""
    at = [row for row in result["rows"] if row["share"] == share]
    return {by: [row["after"]["perplexity"]["value"] for row in at if row["by"] == by] for by in ("frequency", "reap", "random")}


def shares_of(result):
    return sorted({row["share"] for row in result["rows"]}, reverse=True)


def facts(result):
    """Where frequency is below REAP, and REAP below every random ranking."""
    lines = []
    for share in shares_of(result):
        [frequency], [reap], random = values_at(result, share).values()
        lines.append(f"- {100 * share:.0f} % kept: REAP {'above' if reap > frequency else 'below'} frequency ({reap:.1f} and "
                     f"{frequency:.1f}); of {len(random)} random rankings {sum(r < reap for r in random)} are below REAP, "
                     f"{sum(r < frequency for r in random)} below frequency.")
    return "\n".join(lines)


def section(template, model, result, docs, work):
    shutil.copyfile(work / f"pruning/{model.name}/prune.svg", docs / f"pruning-{model.name}.svg")
    return template["head"].substitute(
        model=model.name, documents=result["documents"], held_out=result["documents_held_out"], all=result["experts"],
        whole=bounded(result["model"]["perplexity"]), facts=facts(result), picture=f"pruning-{model.name}.svg",
        rows=table(["kept of a layer", "by", "perplexity", "bits a byte more"], rows_of(result)))


def comparison(template, results):
    """Perplexities of all models that can be pruned, in units of those of the whole model; the reasons of the others. "" where
    none was trained alike. `results`: (model, what make() gives)."""
    if not any(model.alike for model, _ in results):
        return ""
    rows = []
    for model, result in results:
        for share in shares_of(result) if isinstance(result, dict) else []:
            times = {by: [value / result["model"]["perplexity"]["value"] for value in values]
                     for by, values in values_at(result, share).items()}
            kept = next(row["experts"] for row in result["rows"] if row["share"] == share)
            rows.append([model.name, f"{kept} of {result['experts']}", bounded(result["model"]["perplexity"]),
                         *(span(times[by], 2) for by in ("frequency", "reap", "random"))])
    refused = "\n".join(f"- {model.name}: `{result}`" for model, result in results if isinstance(result, str))
    head = ["model", "kept of a layer", "perplexity with all", "frequency", "REAP", "random"]
    return template["alike"].substitute(table=table(head, rows), refused=refused or "None.")
