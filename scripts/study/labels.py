"""Labels in words, and how many of them hold on other documents, for several ways of choosing the experts."""

from collections import Counter

from study import picture
from study.markdown import table

LISTED = 20
PARTS = {"a": "train", "b": "held-out"}
# How experts are chosen, in half a alone: by mass, or from what `experts top` lists.
CHOICES = {"mass": "largest mass", "max": "highest score", "skew": "most of one document label",
           "each": "most of one label, as many of each"}
LEAST_DOCUMENTS = 40  # of a label that hold the expert; there are fewer where each label has its share
LEAST_OF_EACH = 20


def units_of(steps, index, by, count, labels):
    """Names of so many experts of an index."""
    top = lambda key, limit, least, *more: [unit["unit"] for unit in steps.lines(
        "experts", "top", "--index", index, "--kind", "expert", "--by", key, "--min-documents", least, "--limit", limit, *more)]
    if by != "each":
        return top(by, count, LEAST_DOCUMENTS)
    share = max(count // len(labels), 1)
    return [unit for label in labels for unit in top("skew", share, LEAST_OF_EACH, "--label", label)]


def chosen_by(model):
    """How else than by mass experts are chosen: of top-k models all are asked anyway."""
    if model.kind == "top-k":
        return []
    return ["each"] if model.alike else list(CHOICES)[1:]


def make(steps, options, model):
    """[(method, how chosen, result)] and what the halves are."""
    halves = [steps.index(f"{model.name}-labels-{half}", "--model", model.path, "--input", options.data / "corpus/openstax",
                          "--hold-out", "1/2", "--part", part, "--max-tokens", options.tokens or model.tokens["labels"],
                          "--contexts", 32, "--threads", options.threads) for half, part in PARTS.items()]
    label = ["experts", "label", "--index", halves[0][0], "--held-out", halves[1][0], "--model", model.path, "--threads",
             options.threads]
    found = [("words", CHOICES["mass"],
              steps.result(f"labels-{model.name}-mass", *label, "--method", "words", "--top", options.experts))]
    for by in chosen_by(model):
        choice = [halves[0][0], by, options.experts, halves[0][1]["labels"]]
        units = steps.kept(f"units-{model.name}-{by}", choice, lambda _: units_of(steps, *choice))
        found.append(("words", CHOICES[by], steps.result(f"labels-{model.name}-{by}", *label, "--method", "words", "--units",
                                                         *units)))
    if not model.alike:
        found.append(("self", CHOICES["mass"],
                      steps.result(f"labels-{model.name}-self", *label, "--method", "self", "--top", options.experts)))
    return found, [read for _, read in halves]


SUMMARY = ["method", "experts with the", "scored", "reliable", "of these ≥ 0.8", "mean balanced accuracy",
           "reliable by another's label", "mean of those", "same words in both halves (two experts)", "controls known"]


def summary_rows(found):
    return [[f"`{method}`", chosen, one["scored"], one["reliable"], one["reliable_and_accurate"],
             f"{one['mean_balanced_accuracy']:.3f}", one["shuffled_reliable"], f"{one['shuffled_balanced_accuracy']:.3f}",
             f"{one['replication']:.2f} ({one['shuffled_replication']:.2f})" if method == "words" else "–",
             f"{100 * one['controls_known'] / max(one['controls'], 1):.0f} %"] for method, chosen, one in found]


def comparison(template, results):
    """A table of all models; "" where none of them was trained alike. `results`: (model, what make() gives)."""
    alike = [halves for model, (_, halves) in results if model.alike]
    if not alike:
        return ""
    rows = [[model.name, *row[1:]] for model, (found, _) in results
            for row in summary_rows([one for one in found if one[0] == "words"])]
    return template["alike"].substitute(tokens=f"{alike[0][0]['tokens']:,} and {alike[0][1]['tokens']:,}",
                                        table=table(["model", *SUMMARY[1:]], rows))


def plain(text):
    return text.replace("|", "¦").replace("\n", " ")


def labels_table(one):
    """The reliable labels with the highest lower bounds."""
    best = sorted((label for label in one["labels"] if label["reliable"]), key=lambda label: (-label["low"], label["expert"]))
    rows = [[f"`{label['expert']}`", plain(label["text"]), f"{label['balanced_accuracy']:.2f} [{label['low']:.2f}, "
             f"{label['high']:.2f}]", label["items"], label["mostly_in"] or "–"] for label in best[:LISTED]]
    return table(["expert", "label", "balanced accuracy", "items", "mostly in"], rows) if rows else "None."


def distinct(found):
    """The reliable labels of at least 0.8 by `words`, one of each expert, however it was chosen."""
    return list({label["expert"]: label for method, _, one in found if method == "words" for label in one["labels"]
                 if label["reliable"] and label["balanced_accuracy"] >= 0.8}.values())


def topics(labels):
    """In which documents experts mostly are."""
    counts = Counter(label["mostly_in"] or "no subject" for label in labels)
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"


def section(template, model, found, halves):
    words = [(chosen, one) for method, chosen, one in found if method == "words"]
    chosen, shown = words[-1]
    reliable = [(name, [label for label in one["labels"] if label["reliable"]]) for name, one in words]
    each = distinct(found)
    return template["head"].substitute(
        model=model.name, documents=f"{halves[0]['documents']:,} and {halves[1]['documents']:,}",
        tokens=f"{halves[0]['tokens']:,} and {halves[1]['tokens']:,}", summary=table(SUMMARY, summary_rows(found)), distinct=len(each),
        chosen=chosen, labels=labels_table(shown), distinct_topics=topics(each), picture=f"labels-{model.name}.svg",
        topics="\n".join(f"- {name}: {topics(labels)}" for name, labels in reliable))


def draw(model, found):
    """Balanced accuracies of `words` for the first and the last way of choosing, and of the first by another one's label."""
    words = [(chosen, one) for method, chosen, one in found if method == "words"]
    words = words[:1] + words[-1:] if len(words) > 1 else words
    values = lambda labels: [label["balanced_accuracy"] for label in labels if label["balanced_accuracy"] is not None]
    series = [(chosen, values(one["labels"])) for chosen, one in words]
    series.append(("another expert's label", values([label["shuffled"] for label in words[0][1]["labels"]])))
    return picture.histogram(f"Balanced accuracy of labels by words, {model.name}", series, 0.3, 1.0, 14)
