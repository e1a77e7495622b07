"""The requests of `eval choice --export-lm-eval`, answered by lm-evaluation-harness's own HFLM: the same log-likelihoods
(1e-4 a token in f32), the same greedy answers, the same acc."""

import json
import warnings

import pytest
from eval_support import write_rows
from program import ROOT

FIXTURES = ROOT / "tests/fixtures/eval"
TASKS = {"mmlu": ("--task", "mmlu", "--shots", "2"), "piqa": ("--task", "piqa"), "generic": (),
         "winogrande": ("--task", "winogrande"), "hellaswag": ("--task", "hellaswag")}


@pytest.fixture(scope="module")
def hflm():
    import os
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # requests misses packages that nothing here needs
        from lm_eval.models.huggingface import HFLM
    return HFLM(pretrained=str(ROOT / "models/olmoe-small"), device="cpu", dtype="float32", batch_size=8)


def answers(hflm, rows):
    from lm_eval.api.instance import Instance
    requests = [Instance(request_type="loglikelihood", doc={}, arguments=(row["context"], row["continuation"]), idx=i)
                for i, row in enumerate(rows)]
    return hflm.loglikelihood(requests, disable_tqdm=True)


def exported(run, folder, data, *options):
    done = run("eval", "choice", "--data", data, "--export-lm-eval", folder, "--items", "--json", "--compute", "f32",
               "--threads", "1", "--model", "olmoe-small", *options)
    lines = (folder / data.name).read_text(encoding="utf-8").splitlines()
    return json.loads(done.stdout), [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", TASKS)
def test_hflm_gives_the_same_log_likelihoods_and_acc(run, hflm, tmp_path, name):
    data = FIXTURES / f"{name}.jsonl"
    result, rows = exported(run, tmp_path, data, *TASKS[name])
    expected = answers(hflm, rows)
    for row, (log_prob, greedy) in zip(rows, expected, strict=True):
        assert abs(row["log_prob"] - log_prob) <= 1e-4 * row["tokens"], row
        assert row["is_greedy"] == greedy, row
    items = {}
    for row, (log_prob, _) in zip(rows, expected):
        items.setdefault(row["doc_id"], []).append(log_prob)
    fixture = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    if name in ("mmlu", "generic"):  # the right choice stands as a number in the row
        assert result["items"]["acc"] == [float(scores.index(max(scores)) == row["answer"])
                                          for scores, row in zip(items.values(), fixture, strict=True)]


def test_hflm_cuts_long_prompts_alike(run, hflm, tmp_path):
    row = {"question": "The river runs through the valley. " * 250, "choices": ["yes", "no"], "answer": 0}
    _, rows = exported(run, tmp_path / "export", write_rows(tmp_path / "long.jsonl", [row]))
    for got, (log_prob, _) in zip(rows, answers(hflm, rows), strict=True):
        assert abs(got["log_prob"] - log_prob) <= 1e-4 * got["tokens"]
