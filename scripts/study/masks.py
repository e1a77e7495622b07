"""Masking domains: subjects of textbooks, or programming languages. Experts are selected on one half of the corpus, compared
with what the other half selects, and masked on the text that was held out of training."""

import shutil

from study import parts
from study.markdown import interval, span, table

# In the order of the page: name, what is masked, options of the selection, random masks of a kind.
QUALIFIED = ("qualified", "the experts whose lead the bootstrap confirms", [], 2)
PLAIN = ("plain", "all experts that meet the paper's rule", ["--plain"], 1)
ARGMAX = ("argmax", "of every expert, the domain with most of it: the paper's rule for OLMoE", ["--rule", "argmax", "--plain"], 2)
VARIANTS = {"text": {"monet": [QUALIFIED, PLAIN], "top-k": [QUALIFIED, ARGMAX]},
            "code": {"monet": [("qualified", QUALIFIED[1], [], 1)], "top-k": [QUALIFIED, ARGMAX]}}
ALIKE = [PLAIN, ARGMAX]  # of the models that were trained alike: rules that need no bootstrap
PAGES = {"text": "domains", "code": "code"}
GROUPS = {"text": ["--groups", "mmlu-pro"], "code": []}
TEXTS = {"text": 40, "code": 12}        # of a domain, to measure on
ALIKE_TEXTS = {"text": 20, "code": 12}
CONTROLS = {"same_mass": "random, the same mass", "same_target_mass": "random, the same mass in the target's text"}
ALIKE_CONTROLS = {"same_number": "random, the same number"} | CONTROLS
AIM = 5
SCORED = 96  # tokens of a text


def make(steps, options, corpus, model):
    """([(name, what is masked, result of mask-study; None where nothing qualifies)], how the halves agree, what they are)."""
    halves = [steps.index(f"{model.name}-{corpus}-{half}", "--model", model.path, "--input", f"corpus/{corpus}/{half}",
                          "--max-tokens", options.tokens or model.tokens[corpus], "--threads", options.threads)
              for half in parts.HALVES]
    agreement = steps.result(f"domains-{corpus}-{model.name}", "experts", "domains", "--index", halves[0][0], "--index-b",
                             halves[1][0], *GROUPS[corpus], "--threads", options.threads)
    found = []
    for name, words, rule, seeds in ALIKE if model.alike else VARIANTS[corpus][model.kind]:
        out = f"{corpus}/{model.name}-{name}"
        if name != "argmax" and not any(domain[name] for domain in agreement["domains"]):
            found.append((name, words, None))
            continue
        found.append((name, words, steps.result(
            f"masks-{corpus}-{model.name}-{name}", "experts", "mask-study", "--model", model.path, "--index", halves[0][0],
            *GROUPS[corpus], "--input", f"corpus/{corpus}/{parts.HELD_OUT}", "--documents",
            (ALIKE_TEXTS if model.alike else TEXTS)[corpus], "--max-tokens", SCORED, "--seeds", seeds, "--controls",
            ",".join(ALIKE_CONTROLS if model.alike else CONTROLS), *rule, "--threads", options.threads, out=out,
            partial=f"{out}/scores.jsonl.partial")))
    return found, agreement, [read for _, read in halves]


def experts_table(selection):
    """Experts of each domain and layer: those of the plain rule, qualified in brackets; how far half b names the same."""
    agreed = {row["domain"]: row for row in selection["agreement"]}
    layers = [layer["layer"] for layer in selection["domains"][0]["layers"]]
    repeat = lambda row, kind: (f"{row[kind]['jaccard']:.2f}" if row and row[kind]["first"] + row[kind]["second"] else "–")
    rows = [[domain["name"], domain["documents"], *(f"{layer['plain']:,} ({layer['qualified']:,})" for layer in domain["layers"]),
             f"{domain['plain']:,} ({domain['qualified']:,})", repeat(agreed.get(domain["name"]), "plain"),
             repeat(agreed.get(domain["name"]), "qualified")] for domain in selection["domains"]]
    head = ["domain", "documents", *(f"layer {layer}" for layer in layers), "all", "in both halves", "qualified in both"]
    return table(head, rows)


def masks_of(result):
    """{target: {kind: mask}} of the targets that have text enough."""
    claimed = {domain["name"] for domain in result["domains"] if domain["claimed"]}
    by_target = {}
    for mask in result["masks"]:
        if mask["target"] in claimed:
            by_target.setdefault(mask["target"], {})[mask["kind"]] = mask
    return by_target


def change(mask):
    return mask["change"][mask["target"]]


def means_table(result):
    rows = []
    names = {"selected": "selected"} | CONTROLS
    for kind, words in names.items():
        summary = result["summary"].get(kind)
        if not summary:
            continue
        masks = [kinds[kind] for kinds in masks_of(result).values() if kind in kinds]
        rows.append([words, span([mask["experts"] for mask in masks]), span([100 * mask["mass_share"] for mask in masks], 2),
                     interval(summary["target"], 1000), interval(summary["others"], 1000), interval(summary["ratio"]),
                     interval(summary["selected_over"])])
    return table(["masked", "experts a domain", "% of the mass", "target", "others", "target / others", "selected / this"], rows)


def targets_table(result):
    rows = []
    for target, kinds in masks_of(result).items():
        domain = next(domain for domain in result["domains"] if domain["name"] == target)
        controls = [interval(change(kinds[kind]), 1000) if kind in kinds else "–" for kind in CONTROLS]
        rows.append([target, domain["documents"], interval(domain["bits_per_byte"], digits=2),
                     f"{kinds['selected']['experts']:,.0f}", interval(change(kinds["selected"]), 1000),
                     interval(kinds["selected"]["others"], 1000), *controls])
    return table(["domain", "texts", "bits a byte", "experts", "target", "others", *CONTROLS.values()], rows)


def reached(result):
    """How many targets there are, lose on their own text, lose AIM times as much as the others, and as random experts."""
    by_target = masks_of(result)
    selected = [kinds["selected"] for kinds in by_target.values()]
    loses = [mask for mask in selected if change(mask)["low"] > 0]
    over = lambda value, other: value >= AIM * max(other, 0)
    others = sum(over(change(mask)["value"], mask["others"]["value"]) for mask in loses)
    random = sum(over(change(mask)["value"], change(by_target[mask["target"]]["same_mass"])["value"]) for mask in loses)
    return len(selected), len(loses), others, random


def facts(result):
    """How many targets reach what, in one sentence each."""
    masked, loses, others, random = reached(result)
    return (f"- {loses} of {masked} masked domains lose on their own held-out text (interval above 0).\n"
            f"- {others} of {masked} lose that and at least {AIM} times as much as the others.\n"
            f"- {random} of {masked} lose that and at least {AIM} times what random experts of the same mass cost them.")


def left_out(result):
    few = [f"{domain['name']} ({domain['documents']} texts)" for domain in result["domains"] if not domain["claimed"]]
    return f" Without claims, for fewer than ten texts: {', '.join(few)}." if few else ""


def section(template, corpus, model, found, agreement, halves, docs, work):
    """What one model has, in words and tables; its pictures go to `docs`."""
    text = template["head"].substitute(
        model=model.name, documents=f"{halves[0]['documents']:,}", tokens=f"{halves[0]['tokens']:,}",
        documents_b=f"{halves[1]['documents']:,}", trained=model.trained[corpus],
        experts=experts_table(agreement))
    for name, words, result in found:
        picture = f"{PAGES[corpus]}-{model.name}-{name}.svg"
        if result is None or not masks_of(result):
            text += template["none"].substitute(name=name, words=words)
            continue
        shutil.copyfile(work / f"{corpus}/{model.name}-{name}/heat_map.svg", docs / picture)
        text += template["masked"].substitute(name=name, words=words, means=means_table(result), targets=targets_table(result),
                                             facts=facts(result), left_out=left_out(result), picture=picture)
    return text
