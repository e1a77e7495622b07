"""How specific masks of domains are in Monet runs of the five-layer study: what of training moves it. They are masked as the
models that were trained alike are (masks.py)."""

from types import SimpleNamespace

from study import masks, parts
from study.markdown import interval, table
from study.models import MODELS_FOLDER, Model
from study.results import last_checkpoint
from study.steps import Steps

TEXT_TOKENS = 256  # read of a document
HEAD = ["run", "argmax: target / others", "argmax: target / random", "plain: target / others", "plain: target / random",
        f"plain: lose, and ≥ {masks.AIM} × others, and ≥ {masks.AIM} × random", "of"]


CHOSEN = {"base-1": "base", "kind-monet_vd-1": "base, twice the tokens", "norm-head-1": "published norm, twice the tokens",
          "k-4-1": "k 4", "k-16-1": "k 16", "lambda-0-1": "λ 0", "lambda-0.005-1": "λ 0.005", "group-1-1": "a router for each layer",
          "group-4-1": "a router for four layers"}


def runs_to_mask(runs):
    """{words: run}, in the order of CHOSEN."""
    by_name = {run.name: run for run in runs}
    return {words: by_name[name] for name, words in CHOSEN.items()}


def over_random(result):
    """How many times as much the selected experts cost the target as random ones of the same mass."""
    control = result["summary"].get("same_mass")
    return interval(control["selected_over"] if control else None)


def row(words, found):
    """`found`: {rule: result of mask-study, or None}."""
    cells = []
    for rule in ("argmax", "plain"):
        known = found[rule] is not None and masks.masks_of(found[rule])
        cells += [interval(found[rule]["summary"]["selected"]["ratio"]), over_random(found[rule])] if known else ["–", "–"]
    if cells[2:] == ["–", "–"]:
        return [words, *cells, "–", "0"]
    masked, *reach = masks.reached(found["plain"])
    return [words, *cells, ", ".join(map(str, reach)), masked]


def specificity(program, data, groups, out, runs):
    """The table. `data`: the folder of the corpora; `out`: of the runs; what was found is kept in out/masks."""
    work = out / "masks"
    steps = Steps(program, work, MODELS_FOLDER)
    parts.write_parts(parts.files_of(data, groups), work / "corpus/text")
    options = SimpleNamespace(tokens=None, threads=1)
    rows = []
    for words, run in runs_to_mask(runs).items():
        model = Model(run.name, "monet", {"text": TEXT_TOKENS}, folder=str(last_checkpoint(out / run.name / "run").resolve()))
        found, *_ = masks.make(steps, options, "text", model)
        rows.append(row(words, {rule: result for rule, _, result in found}))
    return table(HEAD, rows)
