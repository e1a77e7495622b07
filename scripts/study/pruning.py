"""Fewer experts: perplexity against the share that is kept."""

import shutil

from study.markdown import interval, table

DOCUMENTS, HELD_OUT, SEEDS = 200, 28, 3


def make(steps, options, model):
    return steps.result(f"pruning-{model.name}", "experts", "prune", "--model", model.path, "--input",
                        options.data / "corpus/openstax", "--documents", DOCUMENTS, "--held-out-documents", HELD_OUT,
                        "--keep", "0.25,0.5,0.75", "--seeds", SEEDS, "--threads", options.threads,
                        out=f"pruning/{model.name}")


def rows_of(result):
    for row in sorted(result["rows"], key=lambda row: (-row["share"], row["by"], row.get("seed", 0))):
        name = f"{row['by']} {row['seed']}" if "seed" in row else row["by"]
        yield [f"{row['experts']} ({100 * row['share']:.0f} %)", name, bounded(row["after"]["perplexity"]),
               bounded(row["change"]["bits_per_byte"], 4, "+")]


def bounded(score, digits=1, sign=""):
    return interval([score["value"], *(score.get("interval") or [None, None])], digits=digits, sign=sign)


def facts(result):
    """Where frequency is below REAP, and REAP below every random ranking."""
    lines = []
    for share in sorted({row["share"] for row in result["rows"]}, reverse=True):
        at = [row for row in result["rows"] if row["share"] == share]
        value = {by: [row["after"]["perplexity"]["value"] for row in at if row["by"] == by] for by in ("frequency", "reap", "random")}
        [frequency], [reap], random = value.values()
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
