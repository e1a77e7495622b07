"""Commands, options, exit codes and streams: what other tools depend on."""

import json
import os
import re

import pytest

MODEL = ["--model", "--compute", "--threads", "--edit"]
EMBED = MODEL + ["--pooling", "--hidden-layers", "--routing-layers", "--routing-stage", "--truncate",
                 "--batch-tokens"]
KIND = ["--kind", "--prompt", "--alpha", "--calibration"]
OPTIONS = {
    "embed": EMBED + KIND + ["--input", "--field", "--out", "--resume"],
    "calibrate": EMBED + ["--prompt", "--input", "--field", "--out"],
    "similarity": EMBED + KIND + ["--json"],
    "nearest": EMBED + KIND + ["--vectors", "--query", "--row", "--texts", "--field", "--top", "--json"],
    "prompts": ["--json"],
    "forward": MODEL + ["--ids", "--stages", "--out"],
    "trace": MODEL + ["--input", "--field", "--ids", "--out", "--logits"],
    "generate": MODEL + ["--prompt", "--ids", "--ignore-eos", "--json", "--trace", "--trace-experts", "--max-tokens", "--temperature",
                         "--top-p", "--top-k", "--seed", "--stop", "--chat"],
    "perplexity": MODEL + ["--input", "--data", "--field", "--text-field", "--context", "--stride", "--out", "--resume", "--json"],
    "eval": [],  # its tasks: test_eval_cli.py
    "tokenize": ["--model", "--tokenizer", "--no-special", "--input", "--field", "--json"],
    "detokenize": ["--model", "--tokenizer", "--input", "--skip-special", "--json"],
    "info": ["--model", "--cpu", "--json"],
    "bench": MODEL + ["--case", "--runs", "--json"],
    "demo": EMBED + ["--prompt", "--json"],
}


def test_help_lists_every_command(run):
    listed = run("--help").stdout
    assert [name for name in OPTIONS if f"\n  {name} " not in listed] == []


@pytest.mark.parametrize("command", OPTIONS)
def test_help_lists_every_option(run, command):
    listed = run(command, "--help").stdout
    names = {name for line in re.findall(r"^  (--?\S+)", listed, re.MULTILINE) for name in line.split(",")}
    assert [option for option in OPTIONS[command] if option not in names] == []


def test_version(run):
    assert run("--version").stdout.strip().count(".") == 2


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Inputs, one for each way to be wrong."""
    folder = tmp_path_factory.mktemp("files")
    contents = {"a.txt": "One line.\n", "two.txt": "One.\nTwo.\n", "ids.json": "[[1, 2, 3]]", "bad.json": "[[1, 2", "bad.txt": b"\xff\n",
                "long.txt": "word " * 3000 + "\n", "other/config.json": '{"model_type": "gpt2"}',
                "bad.jsonl": '{"text": 7}\n', "edit.json": '{"format": "expertoire.routing_edit", "version": 9}'}
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


FAILURES = [
    (2, ["embed", "--kind", "colour", "--input", "{}/a.txt"]),
    (2, ["embed", "--no-such-option"]),
    (2, ["no-such-command"]),
    (2, []),
    (2, ["embed", "--prompt", "no placeholder", "--input", "{}/a.txt"]),
    (2, ["embed", "--compute", "f64", "--input", "{}/a.txt"]),
    (2, ["embed", "--input", "{}/a.txt", "--out", "{}/vectors.csv"]),
    (2, ["generate"]),
    (2, ["forward", "--ids", "{}/ids.json", "--out", "{}/o.npy"]),
    (2, ["calibrate", "--input", "{}/two.txt", "--out", "{}/o.json"]),
    (2, ["tokenize", "--tokenizer", "{}", "--model", "{}", "--input", "{}/a.txt"]),
    (2, ["forward", "--ids", "{}/ids.json", "--stages", "weather", "--out", "{}/o.safetensors"]),
    (2, ["embed", "--model", "not a model", "--input", "{}/a.txt"]),
    (3, ["embed", "--model", "no/model", "--input", "{}/a.txt"]),
    (3, ["embed", "--input", "{}/nothing.txt"]),
    (3, ["tokenize", "--tokenizer", "{}/nothing.json"]),
    (4, ["forward", "--ids", "{}/bad.json", "--out", "{}/o.safetensors"]),
    (4, ["embed", "--input", "{}/bad.txt"]),
    (4, ["embed", "--input", "{}/bad.jsonl"]),
    (5, ["info", "--model", "{}/other"]),
    (5, ["embed", "--edit", "{}/edit.json", "--input", "{}/a.txt"]),
    (6, ["embed", "--input", "{}/long.txt"]),
    (3, ["embed", "--input", "{}/a.txt", "--out", "{}/no/such/folder/o.npy"]),
]


@pytest.mark.parametrize("code, arguments", FAILURES, ids=lambda value: "-".join(value) if isinstance(value, list) else value)
def test_failures_have_their_code_and_one_sentence_on_stderr(run, files, code, arguments):
    done = run(*(argument.format(files) for argument in arguments), code=code)
    assert done.stdout == ""
    if not done.stderr.startswith("expertoire: "):
        assert code == 2  # the parser's own, which points at --help
        return
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["[The cat]", "[a, b]", "[]", "{}", "['x']"])
def test_texts_in_brackets_are_texts(run, root, files, text):
    """The parser of the command line has lists in brackets."""
    assert float(run("similarity", text, text, "--kind", "hidden").stdout) == pytest.approx(1, abs=1e-6)
    template = files / "template.jinja"
    template.write_text("{{ a }}{{ b }}")
    (files / "messages.json").write_text('[{"role": "user", "content": "x"}]')
    done = run("chat-template", "--template", template, "--messages", files / "messages.json", "--var",
               f"a={text}", "--var", "b=c")
    assert done.stdout == text + "c"


def test_a_stop_in_brackets_is_no_list(run):
    plain = run("generate", "--prompt", "The cell", "--max-tokens", "8").stdout
    letter = plain.strip()[1]
    assert run("generate", "--prompt", "The cell", "--max-tokens", "8", "--stop", f"[{letter}]").stdout == plain
    assert run("generate", "--prompt", "The cell", "--max-tokens", "8", "--stop", letter).stdout != plain


def test_results_go_to_stdout_and_nothing_else_does(run, files):
    results = {
        "embed": ["embed", "--input", files / "a.txt"],
        "trace": ["trace", "--input", files / "a.txt"],
        "generate": ["generate", "--prompt", "The cell", "--max-tokens", "3", "--json"],
        "perplexity": ["perplexity", "--input", files / "a.txt", "--json"],
        "tokenize": ["tokenize", "--input", files / "a.txt", "--json"],
        "similarity": ["similarity", "a", "b", "--json"],
        "prompts": ["prompts", "--json"],
        "info": ["info", "--json"],
        "cpu": ["info", "--cpu", "--json"],
        "bench": ["bench", "--case", "1x12", "--runs", "1", "--json"],
    }
    for name, arguments in results.items():
        done = run(*arguments)
        assert done.stderr == "", name
        for line in done.stdout.splitlines():
            assert isinstance(json.loads(line), dict), name
    quiet = run("forward", "--ids", files / "ids.json", "--out", files / "o.safetensors")
    assert quiet.stdout == "" and quiet.stderr == ""


def test_info_describes_the_default_model(run):
    about = json.loads(run("info", "--json").stdout)
    assert about["model_type"] == "olmoe" and about["parameters"] == 9577152
    assert about["num_experts"] == 32 and about["num_experts_per_tok"] == 4
    assert about["embedding"]["routing_dim"] == 6 * 32 and about["embedding"]["hidden_dim"] == 192
    assert about["calibration"]["texts"] == "2000" and about["tokenizer"] is True
    plain = run("info").stdout
    assert "9577152" in plain and "olmoe" in plain


def test_info_describes_the_model_of_experts_too(run):
    about = json.loads(run("info", "--json").stdout)["experts_model"]
    assert about["model_type"] == "monet" and about["num_experts"] == 262144
    assert about["parameters"] <= 9.5e6 and about["routing_layers"] == [0, 2, 4]
    assert "262144" in run("info").stdout


def test_shipped_models_have_names(run, root, tmp_path):
    for name in ("olmoe-small", "monet-small"):
        about = json.loads(run("info", "--json", "--model", name).stdout)
        assert about["folder"].endswith(f"models/{name}")
    os.symlink(root / "models/olmoe-small", tmp_path / "monet-small")  # a folder of that name wins
    about = json.loads(run("info", "--json", "--model", "monet-small", cwd=tmp_path).stdout)
    assert about["model_type"] == "olmoe"
    assert "olmoe-big" in run("info", "--model", "olmoe-big", code=2).stderr


def test_info_cpu_lists_levels_that_can_be_forced(run):
    about = json.loads(run("info", "--cpu", "--json").stdout)
    available = [level["name"] for level in about["simd_levels"] if level["available"]]
    assert "scalar" in available and about["simd"] in available
    forced = json.loads(run("info", "--cpu", "--json", env={"EXPERTOIRE_SIMD": "scalar"}).stdout)
    assert forced["simd"] == "scalar" and forced["default_compute"] == "f32"
    run("info", "--cpu", env={"EXPERTOIRE_SIMD": "abacus"}, code=5)


def test_bench_measures(run):
    for case, tokens in (("4x16", 64), ("decode", 8)):
        about = json.loads(run("bench", "--case", case, "--runs", "2", "--json").stdout)
        assert about["case"] == case and about["tokens"] == tokens
        assert 0 < about["best_s"] <= about["median_s"] <= about["worst_s"]
        assert about["tokens_per_s"] == pytest.approx(tokens / about["median_s"])
    assert "tokens/s" in run("bench", "--case", "1x12", "--runs", "1").stdout
    run("bench", "--case", "0x0", code=2)


def test_prompts_all_work(run, files):
    rows = [json.loads(line) for line in run("prompts", "--json").stdout.splitlines()]
    names = [row["name"] for row in rows]
    assert names[:3] == ["none", "quoted", "prompteol"] and len(names) == 11
    assert all(row["template"].count("*sent 0*") == 1 for row in rows[1:])
    outputs = {run("embed", "--prompt", name, "--input", files / "a.txt").stdout for name in names}
    assert len(outputs) == len(names)
    assert "prompteol" in run("prompts").stdout


def test_no_colour_or_progress_when_piped(run, files):
    for arguments in (["demo", "--queries", "1", "--top", "1"], ["--help"], ["info"]):
        done = run(*arguments, env={"TERM": "xterm-256color"})
        assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stdout


def test_models_folder_can_be_named(run, root, tmp_path):
    os.symlink(root / "models/olmoe-small", tmp_path / "olmoe-small")
    about = json.loads(run("info", "--json", env={"EXPERTOIRE_MODELS": str(tmp_path)}).stdout)
    assert about["folder"] == str(tmp_path / "olmoe-small")
    run("info", env={"EXPERTOIRE_MODELS": str(tmp_path / "nothing")}, code=3)
