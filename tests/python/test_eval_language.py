"""`expertoire eval choice`, `lambada` and `perplexity`: lm-evaluation-harness's prompts and numbers.

lm-eval itself answers the same requests in test_lm_eval.py; what it does with one is
reimplemented here in a few lines with transformers (TemplateLM._encode_pair and
HFLM._loglikelihood_tokens)."""

import json
import math
import time

import pytest
from eval_support import results, write_rows
from program import BAD_FILE, CORPUS, INVALID, ROOT, TOO_LONG, run as start_and_wait, sentence, start

FIXTURES = ROOT / "tests/fixtures/eval"
F32 = ("--compute", "f32", "--threads", "1", "--model", "olmoe-small")  # what `reference` is


def exported(run, folder, name, *options):
    """What lm-eval would be asked, and our answers."""
    out = folder / f"export-{name}"
    run("eval", "choice", "--data", FIXTURES / f"{name}.jsonl", "--export-lm-eval", out, *F32, *options)
    return [json.loads(line) for line in (out / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def log_likelihood(reference, context, continuation):
    """Of the continuation, and whether each of its tokens is the likeliest; and its number of tokens."""
    import torch
    spaces = len(context) - len(context.rstrip())
    if spaces:
        continuation, context = context[-spaces:] + continuation, context[:-spaces]
    encode = lambda text: reference.tokenizer(text, add_special_tokens=False)["input_ids"]
    context_ids = encode(context)
    ids = encode(context + continuation)[len(context_ids):]
    most = reference.model.config.max_position_embeddings
    fed = (context_ids + ids)[-(most + 1):][:-1]
    with torch.no_grad():
        logits = reference.model(torch.tensor([fed])).logits[0, -len(ids):]
    log_probs = torch.log_softmax(logits.float(), -1)
    picked = log_probs[range(len(ids)), ids]
    return float(picked.sum()), bool((logits.argmax(-1) == torch.tensor(ids)).all()), len(ids)


# (file, options) → the first request's context and all continuations of the first row: doc_to_text,
# doc_to_choice and doc_to_target of lm-eval's YAML, written out by hand.
PROMPTS = {
    "generic": ("", "The sun rises in the", [" east", " west"]),
    "mmlu": ("mmlu", "The following are multiple choice questions (with answers) about plain arithmetic.\n\n"
             "What is 1 + 1?\nA. 2\nB. 3\nC. 4\nD. 5\nAnswer:", [" A", " B", " C", " D"]),
    "mmlu_pro": ("mmlu_pro", "Which number is even?\nA. 1\nB. 3\nC. 4\nAnswer:", ["A", "B", "C"]),
    "arc": ("arc_easy", "Question: What do plants need to grow?\nAnswer:", [" light", " plastic", " noise"]),
    "winogrande": ("winogrande", "The cup did not fit in the box because the cup", [" was too large."] * 2),
    "piqa": ("piqa", "Question: To dry wet hands,\nAnswer:", [" use a towel.", " use a bowl of soup."]),
    "social_iqa": ("social_iqa", "Q: Kim lent Lee a book. What will Lee do next?\nA:",
                   [" read it", " eat it", " plant it"]),
    "openbookqa": ("openbookqa", "A magnet attracts", [" iron", " wood", " water", " paper"]),
    "commonsense_qa": ("commonsense_qa", "Question: Where do people keep milk?\nA. oven\nB. fridge\nC. shoe\n"
                       "D. attic\nE. lamp\nAnswer:", [" A", " B", " C", " D", " E"]),
    "boolq": ("boolq", "The harbour closes from November to March because of ice.\n"
              "Question: is the harbour open in winter?\nAnswer:", [" no", " yes"]),
    "sciq": ("sciq", "Air that leaves the lungs carries carbon dioxide.\n"
             "Question: What gas do we breathe out?\nAnswer:", [" helium", " argon", " neon", " carbon dioxide"]),
    "hellaswag": ("hellaswag", "Baking bread: How to bake. Mix the flour. The baker then",
                  [" puts the dough into the oven. Wait.", " sings to the lamp.", " paints the door. blue.",
                   " folds a boat."]),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts_are_lm_evals(run, tmp_path, name):
    task, context, continuations = PROMPTS[name]
    rows = exported(run, tmp_path, name, *(["--task", task] if task else []))
    first = [row for row in rows if row["doc_id"] == 0]
    assert first[0]["context"] == context
    assert [row["continuation"] for row in first] == continuations


def test_winogrande_scores_what_follows_either_name(run, tmp_path):
    rows = exported(run, tmp_path, "winogrande", "--task", "winogrande")
    assert [row["context"].split()[-1] for row in rows if row["doc_id"] == 1] == ["Ann", "Bea"]


def test_shots_are_of_the_category_and_never_the_question(run, tmp_path):
    rows = exported(run, tmp_path, "mmlu", "--task", "mmlu", "--shots", "2")
    for row in rows:
        question = row["context"].split("\n\n")[-1]
        *shots, _ = row["context"].split("\n\n")[1:]
        assert len(shots) == 2
        assert all("Answer: " in shot and shot.split("\nAnswer:")[0] not in question for shot in shots)
        assert ("What is" in question) == all("What is" in shot for shot in shots)
    [result] = results(run, "choice", "--data", FIXTURES / "mmlu.jsonl", "--task", "mmlu", "--shots", "2")
    assert result["shots_from"] == "the data set itself" and result["shots_seed"] == 42


def test_equals_transformers(run, tmp_path, reference):
    """1e-4 a token in f32, and the same answers."""
    rows = []
    for name, options in {"mmlu": ("--task", "mmlu", "--shots", "2"), "piqa": ("--task", "piqa"),
                          "generic": (), "winogrande": ("--task", "winogrande"),
                          "hellaswag": ("--task", "hellaswag")}.items():
        rows += exported(run, tmp_path, name, *options)
    for row in rows:
        expected, greedy, tokens = log_likelihood(reference, row["context"], row["continuation"])
        assert row["tokens"] == tokens
        assert abs(row["log_prob"] - expected) <= 1e-4 * tokens, row
        assert row["is_greedy"] == greedy


def test_accuracy_is_lm_evals(run, tmp_path, reference):
    out = tmp_path / "items.jsonl"
    [result] = results(run, "choice", "--data", FIXTURES / "piqa.jsonl", "--task", "piqa", "--items",
                       "--out", out, *F32)
    fixture = [json.loads(line) for line in (FIXTURES / "piqa.jsonl").read_text().splitlines()]
    acc, norm = [], []
    for row in fixture:
        choices = [row["sol1"], row["sol2"]]
        scores = [log_likelihood(reference, f"Question: {row['goal']}\nAnswer:", " " + choice)[0]
                  for choice in choices]
        by_length = [score / len(choice) for score, choice in zip(scores, choices)]
        acc.append(float(scores.index(max(scores)) == row["label"]))
        norm.append(float(by_length.index(max(by_length)) == row["label"]))
    assert result["items"] == {"acc": acc, "acc_norm": norm}
    assert result["acc"] == sum(acc) / 2 and result["acc_norm"] == sum(norm) / 2
    assert result["chance"] == 0.5 and result["n"] == 2 and result["main"] == "acc_norm"
    assert len(out.read_text().splitlines()) == 3  # the fingerprint, two items


def test_long_prompts_lose_their_front_as_in_lm_eval(run, tmp_path, reference):
    row = {"question": "The river runs through the valley. " * 250, "choices": ["yes", "no"], "answer": 0}
    data = write_rows(tmp_path / "long.jsonl", [row])
    run("eval", "choice", "--data", data, "--export-lm-eval", tmp_path / "export", *F32)
    for line in (tmp_path / "export/long.jsonl").read_text().splitlines():
        got = json.loads(line)
        expected, _, tokens = log_likelihood(reference, got["context"], got["continuation"])
        assert abs(got["log_prob"] - expected) <= 1e-4 * tokens
    [result] = results(run, "choice", "--data", data)
    assert result["items_cut"] == 1


def test_drop_shots_drops_whole_ones(run):
    options = ("choice", "--data", FIXTURES / "mmlu.jsonl", "--task", "mmlu", "--shots", "2")
    [cut] = results(run, *options, "--max-length", "60")
    assert cut["items_cut"] == 6 and cut["dropped_shots"] == 0
    [dropped] = results(run, *options, "--max-length", "60", "--drop-shots")
    assert dropped["dropped_shots"] > 0 and dropped["items_cut"] < 6
    assert dropped["n"] == 6


def test_shared_prefixes_have_the_bits_of_the_plain_way(run, tmp_path):
    logs = {}
    tokens = {}
    for way in ((), ("--plain",)):
        out = tmp_path / f"items{len(way)}.jsonl"
        [result] = results(run, "choice", "--data", FIXTURES / "mmlu.jsonl", "--task", "mmlu", "--shots", "2",
                           "--out", out, *way)
        logs[way] = out.read_text()
        tokens[way] = result["tokens_run"]
    assert logs[()] == logs[("--plain",)]
    assert tokens[()] < 0.8 * tokens[("--plain",)]


def test_resumes_what_was_killed(run, tmp_path):
    out = tmp_path / "items.jsonl"
    command = ("eval", "choice", "--data", FIXTURES / "mmlu.jsonl", "--task", "mmlu", "--out", out)
    run(*command)
    whole = out.read_text()
    lines = whole.splitlines(keepends=True)
    partial = tmp_path / "items.jsonl.partial"
    altered = [line.replace('"greedy":[', '"seen":1,"greedy":[') for line in lines[1:3]]
    out.unlink()
    partial.write_text(lines[0] + "".join(altered) + lines[3][:20])  # as kill -9 leaves it
    run(*command, "--resume")
    # The lines that were there are kept, not computed again.
    assert out.read_text().splitlines(keepends=True) == lines[:1] + altered + lines[3:]
    assert not partial.exists()
    partial.write_text("".join(lines[:3]))
    refused = start_and_wait(*command, "--resume", "--shots", "1")
    assert refused.returncode == INVALID and "--resume" in sentence(refused.stderr)
    run(*command)
    assert out.read_text() == whole


@pytest.mark.parametrize("command", ["eval perplexity --data", "perplexity --input"])
def test_perplexity_killed_and_resumed_has_the_same_bits(tmp_path, command):
    long = " ".join(json.loads(line)["text"] for line in CORPUS.read_text(encoding="utf-8").splitlines()[:60])
    data = write_rows(tmp_path / "long.jsonl", [{"text": "A short one."}, {"text": long}, {"text": long[:4000]}])
    arguments = [*command.split(), data, "--context", "64", "--stride", "16", "--threads", "1", "--json"]
    whole = start_and_wait(*arguments, "--out", tmp_path / "whole.jsonl")
    assert whole.returncode == 0, whole.stderr
    out, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
    kept = 0
    for _ in range(3):  # killed three times, each time further on
        process = start(*arguments, "--out", out, "--resume")
        while process.poll() is None and not (partial.exists() and partial.read_bytes().count(b"\n") > kept + 5):
            time.sleep(0.002)
        process.kill()
        process.communicate()
        assert process.returncode == -9 and not out.exists(), "the text is too short to be killed in"
        assert partial.read_bytes().count(b"\n") > kept
        kept = partial.read_bytes().count(b"\n")
    begun = partial.read_bytes()[:partial.read_bytes().rfind(b"\n") + 1]
    resumed = start_and_wait(*arguments, "--out", out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    numbers = lambda done: {k: v for k, v in json.loads(done.stdout).items() if k != "provenance"}
    assert numbers(resumed) == numbers(whole)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes(), "every window once, with the same bits"
    assert out.read_bytes().startswith(begun) and not partial.exists()
    partial.write_bytes(begun)
    arguments[arguments.index("--stride") + 1] = "32"
    refused = start_and_wait(*arguments, "--out", out, "--resume")
    assert refused.returncode == INVALID and "--resume" in sentence(refused.stderr)


def test_perplexity_goes_on_under_an_edit(run, edit, tmp_path):
    out = tmp_path / "out.jsonl"
    command = ("perplexity", "--data", FIXTURES / "documents.jsonl", "--edit", edit, "--model", "olmoe-small", "--out", out)
    whole = results(run, *command)
    lines = out.read_text().splitlines(keepends=True)
    assert {json.loads(line)["system"] for line in lines[1:]} == {"model", "edit"}
    (tmp_path / "out.jsonl.partial").write_text("".join(lines[:5]) + lines[5][:9])
    for one, again in zip(whole, results(run, *command, "--resume"), strict=True):
        assert {**one, "provenance": 0} == {**again, "provenance": 0}
    altered = json.loads(lines[1]) | {"value": {"next": "x"}}
    (tmp_path / "out.jsonl.partial").write_text(lines[0] + json.dumps(altered) + "\n")
    refused = start_and_wait("eval", *command, "--resume")
    assert refused.returncode == BAD_FILE and "--resume" in sentence(refused.stderr)


def test_fields_in_other_names_have_the_same_scores(run, program, tmp_path):
    rows = [json.loads(line) for line in (FIXTURES / "generic.jsonl").read_text().splitlines()]
    own = [{"stem": row.get("context", row.get("question")), "options": row["choices"], "gold": row["answer"]} for row in rows]
    data = write_rows(tmp_path / "generic.jsonl", own)
    names = ("--question-field", "stem", "--choices-field", "options", "--answer-field", "gold")
    out = tmp_path / "items.jsonl"
    [same] = results(run, "choice", "--data", FIXTURES / "generic.jsonl")
    [result] = results(run, "choice", "--data", data, *names, "--out", out)
    assert {**result, "provenance": 0} == {**same, "provenance": 0}
    refused = start_and_wait("eval", "choice", "--data", data, *names, "--context-field", "stem")
    assert refused.returncode == INVALID and b"--context-field" in refused.stderr
    out.rename(tmp_path / "items.jsonl.partial")
    other = start_and_wait("eval", "choice", "--data", data, *names[2:], "--context-field", "stem", "--out", out, "--resume")
    assert other.returncode == INVALID and "--resume" in sentence(other.stderr)


def test_a_log_belongs_to_the_field_and_the_shots(run, tmp_path):
    rows = [{"text": "A cat sat on the mat.", "other": "It is cold in here."}] * 2
    data = write_rows(tmp_path / "words.jsonl", rows)
    out = tmp_path / "items.jsonl"
    shots = write_rows(tmp_path / "shots.jsonl", [{"question": "One?", "choices": ["a", "b"], "answer": 1}])
    asked = ("choice", "--data", FIXTURES / "generic.jsonl", "--shots", "1", "--shots-from", shots)
    for command, change in ((("lambada", "--data", data), ("--text-field", "other")), (asked, ())):
        run("eval", *command, "--out", out)
        out.rename(tmp_path / "items.jsonl.partial")
        shots.write_text(shots.read_text().replace("?", "??"))
        refused = start_and_wait("eval", *command, *change, "--out", out, "--resume")
        assert refused.returncode == INVALID and "--resume" in sentence(refused.stderr), command


def test_a_log_with_too_few_scores_is_refused(run, tmp_path):
    out = tmp_path / "items.jsonl"
    command = ("eval", "choice", "--data", FIXTURES / "generic.jsonl", "--out", out)
    run(*command)
    alone = start_and_wait(*command[:-2], "--resume")
    assert alone.returncode == INVALID and b"--out" in alone.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    lines[1]["log_probs"].pop()
    write_rows(tmp_path / "items.jsonl.partial", lines[:3])
    refused = start_and_wait(*command, "--resume")
    assert refused.returncode == BAD_FILE and "1 scores of item 0" in sentence(refused.stderr)


def test_runs_are_compared_with_paired_intervals(run, edit, tmp_path):
    for task, score in (("lambada", "perplexity"), ("perplexity", "bits_per_byte"), ("perplexity", "perplexity")):
        data = FIXTURES / ("lambada.jsonl" if task == "lambada" else "documents.jsonl")
        saved = []
        for name, model in (("a", "monet-small"), ("b", "olmoe-small")):
            saved.append(tmp_path / f"{name}.jsonl")
            run("eval", task, "--data", data, "--model", model, "--items", "--results", saved[-1])
        compared = [json.loads(line) for line in run("eval", "compare", *saved, "--json").stdout.splitlines()]
        [one] = [row for row in compared if row["score"] == score]
        low, high = one["interval"]
        assert low < one["difference"] < high and one["verdict"] == ("higher" if low > 0 else "lower" if high < 0 else None)


@pytest.fixture(scope="module")
def edit(tmp_path_factory):
    path = tmp_path_factory.mktemp("edit") / "edit.json"
    path.write_text(json.dumps({
        "format": "expertoire.routing_edit", "version": 1,
        "model": {"model_type": "olmoe", "num_hidden_layers": 6, "num_experts": 32},
        "edits": [{"action": "ablate", "layers": [2], "experts": list(range(8))}]}))
    return path


def test_before_and_after_an_edit(run, edit):
    for task in (("choice", "--data", FIXTURES / "generic.jsonl"),
                 ("lambada", "--data", FIXTURES / "lambada.jsonl"),
                 ("perplexity", "--data", FIXTURES / "documents.jsonl")):
        before, after, difference = results(run, *task, "--edit", edit, "--model", "olmoe-small")
        assert [before["system"], after["system"], difference["system"]] == ["model", "edit", "edit - model"]
        assert "edit_hash" not in before["provenance"] and "edit_hash" in after["provenance"]
        main = before["main"]
        assert difference[main] == pytest.approx(after[main] - before[main], abs=1e-12)
        for score in difference["scores"]:
            if score == "chance":
                continue
            low, high = difference["intervals"][score]
            assert low <= difference[score] <= high, score
    assert after["bits_per_byte"] != before["bits_per_byte"]


def test_lambada(run, reference):
    [result] = results(run, "lambada", "--data", FIXTURES / "lambada.jsonl", "--items", *F32)
    scores, greedy = [], []
    for line in (FIXTURES / "lambada.jsonl").read_text().splitlines():
        context, word = json.loads(line)["text"].rsplit(" ", 1)
        score, likeliest, _ = log_likelihood(reference, context, " " + word)
        scores.append(score)
        greedy.append(float(likeliest))
    assert result["items"]["log_prob"] == pytest.approx(scores, abs=1e-3)
    assert result["items"]["acc"] == greedy
    assert result["perplexity"] == pytest.approx(math.exp(-sum(scores) / len(scores)), rel=1e-3)


def test_perplexity_is_that_of_the_command(run, tmp_path):
    file = FIXTURES / "documents.jsonl"
    [result] = results(run, "perplexity", "--data", file)
    alone = json.loads(run("perplexity", "--input", file, "--json").stdout)
    same = json.loads(run("perplexity", "--data", file, "--text-field", "text", "--json").stdout)
    assert same["bits_per_byte"] == alone["bits_per_byte"], "the flags of eval perplexity"
    for key in ("perplexity", "nll_mean", "bits_per_byte", "scored_bytes", "tokens"):
        assert result[key] == alone[key], key
    low, high = result["intervals"]["bits_per_byte"]
    assert low <= result["bits_per_byte"] <= high
    first, second, total = results(run, "perplexity", "--data", file, "--data", file)
    assert total["dataset"] == "total" and total["n"] == 6
    assert total["bits_per_byte"] == pytest.approx(first["bits_per_byte"], rel=1e-12)


@pytest.mark.parametrize("row, options, code, words", [
    ({"question": "a", "choices": ["b", "c"]}, (), BAD_FILE, "answer"),
    ({"sentence": "a _ b", "option1": "c", "option2": "d", "answer": "1"}, (), BAD_FILE, "--task winogrande"),
    ({"question": "a", "choices": ["b", "c"], "answer": 2}, (), BAD_FILE, "answer"),
    ({"question": "a", "choices": ["b", "c"], "answer": -1}, (), BAD_FILE, "answer"),
    ({"question": "a", "choices": ["b"], "answer": 0}, (), BAD_FILE, "two or more"),
    ({"question": "a", "choices": "bc", "answer": 0}, (), BAD_FILE, "choices"),
    ({"question": "a", "choices": ["b", ""], "answer": 0}, (), BAD_FILE, "choice"),
    ({"question": "a", "choices": ["b", "c"], "answer": 0}, ("--task", "none"), INVALID, "mmlu"),
    ({"question": "a", "choices": ["b", "c"], "answer": 0}, ("--shots", "1"), INVALID, "--shots-from"),
    ({"question": "a", "choices": ["b", "sea " * 2000], "answer": 0}, (), TOO_LONG, "at most 1024"),
    (None, (), BAD_FILE, "no rows"),
])
def test_bad_input_is_one_sentence(program, tmp_path, row, options, code, words):
    data = write_rows(tmp_path / "bad.jsonl", [row] if row else [])
    done = start_and_wait("eval", "choice", "--data", data, *options)
    assert done.returncode == code, done.stderr
    assert words in sentence(done.stderr)


def test_real_data_scores_with_chance_and_interval(run, tmp_path):
    import os
    folder = os.environ.get("EXPERTOIRE_SHARED", str(ROOT.parent / "shared"))
    data = os.path.join(folder, "data/lm/validation/openbookqa_main.validation.jsonl")
    if not os.path.exists(data):
        pytest.skip("no data/lm in the shared data; set EXPERTOIRE_SHARED to run this")
    with open(data, encoding="utf-8") as lines:
        rows = [json.loads(next(lines)) for _ in range(40)]
    [result] = results(run, "choice", "--data", write_rows(tmp_path / "obqa.jsonl", rows), "--task", "openbookqa")
    low, high = result["intervals"]["acc"]
    assert result["n"] == 40 and result["chance"] == 0.25 and low <= result["acc"] <= high
