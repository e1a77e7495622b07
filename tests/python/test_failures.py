"""Full disks, folders that cannot be written, closed pipes and signals end cleanly: a documented
exit code, one sentence on stderr, nothing half-written."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from program import (BAD_FILE, CANCELLED, CORPUS, INVALID, IO, NOT_FOUND, NUMERIC, PROGRAM, ROOT, TOO_LONG,
                     corpus, names, run, sentence, start, wait_until_it_catches)


def write_ids(folder, sequences, length=500):
    path = folder / "ids.json"
    path.write_text(json.dumps([[(7 * i + j) % 8000 for j in range(length)]
                                for i in range(sequences)]))
    return path


def commands(folder, out, lines=80_000, sequences=600):
    """Long commands that write to `out`, and perplexity, which writes to stdout."""
    texts = corpus(folder / "texts.jsonl", lines)
    return {
        "embed": ["embed", "--input", texts, "--out", out / "o.npy"],
        "trace": ["trace", "--input", texts, "--out", out / "o.jsonl"],
        "trace-tensors": ["trace", "--input", texts, "--out", out / "o.safetensors"],
        "calibrate": ["calibrate", "--input", texts, "--out", out / "o.safetensors"],
        "forward": ["forward", "--ids", write_ids(folder, sequences), "--stages", "final_norm",
                    "--out", out / "o.safetensors"],
        "perplexity": ["perplexity", "--input", texts],
    }


WRITERS = ["embed", "trace", "trace-tensors", "calibrate", "forward"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 128 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", folder],
                             capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this user cannot mount a small disk: run as root")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_disk(command, tmp_path, small_disk):
    (small_disk / "full").write_bytes(b"x" * 100_000)
    arguments = commands(tmp_path, small_disk, lines=200, sequences=2)[command]
    if command == "calibrate":  # a file of 31 KB
        arguments += sum([["--prompt", f"{i} {{text}}"] for i in range(10)], [])
    result = run(*arguments)
    assert result.returncode == IO
    assert "No space left on device" in sentence(result.stderr)
    assert names(small_disk) == ["full"]


def test_embed_resumes_once_the_disk_has_room(tmp_path, small_disk):
    texts = corpus(tmp_path / "texts.jsonl", 400)
    arguments = ["embed", "--input", texts, "--checkpoint-every", 10]
    result = run(*arguments, "--out", small_disk / "o.npy")
    assert result.returncode == IO
    assert names(small_disk) == ["o.npy.partial", "o.npy.partial.json"]
    subprocess.run(["mount", "-o", "remount,size=32m", small_disk], check=True)
    assert run(*arguments, "--out", small_disk / "o.npy", "--resume").returncode == 0
    assert run(*arguments, "--out", tmp_path / "o.npy").returncode == 0
    assert (small_disk / "o.npy").read_bytes() == (tmp_path / "o.npy").read_bytes()


@pytest.mark.parametrize("command", WRITERS)
def test_a_limit_of_file_size(command, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    arguments = commands(tmp_path, out, lines=200, sequences=2)[command]
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", str(PROGRAM), *map(str, arguments)]
    result = subprocess.run(limited, capture_output=True, timeout=300)
    assert result.returncode == IO
    assert "File too large" in sentence(result.stderr)
    assert names(out) == []


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("where, code, words", [
    ("missing", NOT_FOUND, "check that its folder exists"),
    ("locked", IO, "ermi"),  # Permission denied, or Operation not permitted
    ("folder", INVALID, "it exists and is not a regular file"),
])
def test_an_output_that_cannot_be_written(command, where, code, words, tmp_path):
    arguments = commands(tmp_path, tmp_path, lines=200, sequences=2)[command]
    out = arguments.index("--out") + 1
    name = arguments[out].name
    if where == "folder":
        arguments[out].mkdir()
    elif where == "locked":
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o555)
        # Modes do not hold root back; sysfs takes no files from anybody.
        arguments[out] = folder / name if os.geteuid() else Path("/sys/kernel") / name
    else:
        arguments[out] = tmp_path / "nowhere" / name
    result = run(*arguments)
    assert result.returncode == code
    assert words in sentence(result.stderr)
    assert not [n for n in names(tmp_path) if "tmp-" in n or "partial" in n]


STDOUT_COMMANDS = [
    ["info"], ["info", "--json"], ["prompts"], ["--help"], ["--version"], ["embed", "--help"],
    ["tokenize", "--input", CORPUS], ["tokenize", "--json", "--input", CORPUS],
    ["trace", "--input", CORPUS], ["embed", "--input", CORPUS], ["similarity", "a", "b"],
    ["generate", "--prompt", "The cell", "--max-tokens", "4"],
]


@pytest.mark.parametrize("arguments", STDOUT_COMMANDS, ids=lambda a: " ".join(map(str, a))[:24])
def test_stdout_on_a_full_disk(arguments):
    with open("/dev/full", "wb") as full:
        result = run(*arguments, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert result.returncode == IO
    assert "No space left on device" in sentence(result.stderr)


@pytest.mark.parametrize("arguments", [
    ["trace", "--input", CORPUS], ["embed", "--input", CORPUS], ["tokenize", "--input", CORPUS],
], ids=lambda a: a[0])
def test_a_closed_pipe(arguments):
    process = start(*arguments)
    head = subprocess.run(["head", "-1"], stdin=process.stdout, capture_output=True)
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait(timeout=60) == IO
    assert head.stdout.count(b"\n") == 1
    assert "Broken pipe" in sentence(error)


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_standard_stream(closed, tmp_path):
    """No file of ours takes the place of a stream that the caller closed."""
    out = tmp_path / "o.npy"
    texts = corpus(tmp_path / "texts.jsonl", 100)
    command = f'exec "$0" "$@" {closed}>&-'
    result = subprocess.run(
        ["sh", "-c", command, PROGRAM, "embed", "--input", texts, "--out", out],
        capture_output=True, timeout=300)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert run("embed", "--input", texts, "--out", tmp_path / "same.npy").returncode == 0
    assert out.read_bytes() == (tmp_path / "same.npy").read_bytes()
    lost = subprocess.run(["sh", "-c", command, PROGRAM, "info"], capture_output=True, timeout=60)
    assert lost.returncode == (IO if closed == 1 else 0)


def test_errors_need_no_stderr():
    with open("/dev/full", "wb") as full:
        result = run("info", "--model", "nowhere/at-all", stderr=full, stdout=subprocess.PIPE,
                     capture_output=False)
    assert result.returncode == NOT_FOUND


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0.0, 0.4])
@pytest.mark.parametrize("command", [*WRITERS, "perplexity"])
def test_signals(command, number, delay, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    process = start(*commands(tmp_path, out)[command])
    wait_until_it_catches(process, number)
    time.sleep(delay)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == CANCELLED
    assert "stopped on request" in sentence(stderr)
    assert stdout == b""
    left = ["o.npy.partial", "o.npy.partial.json"]
    if command == "embed" and names(out):
        assert names(out) == left
        assert "--resume" in sentence(stderr)
    else:
        assert names(out) == []


def test_ctrl_c_then_resume(tmp_path):
    texts = corpus(tmp_path / "texts.jsonl", 20_000)
    out, journal = tmp_path / "o.npy", tmp_path / "o.npy.partial.json"
    arguments = ["embed", "--input", texts, "--out", out, "--checkpoint-every", 10]
    process = start(*arguments)
    while not journal.exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == CANCELLED
    assert "--resume" in sentence(stderr)
    rows = json.loads(journal.read_text())["rows"]
    assert 0 < rows < 20_000 and rows % 10  # up to where it was stopped, not to the last checkpoint
    corpus(texts, rows + 100)  # the rest would take a while
    assert run(*arguments, "--resume").returncode == 0
    assert run("embed", "--input", texts, "--out", tmp_path / "whole.npy").returncode == 0
    assert out.read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_an_error_of_the_model_blames_no_line(tmp_path):
    """Texts wait for a full batch: the line that was read last is not at fault. One that is, is named."""
    model = tmp_path / "model"
    shutil.copytree(ROOT / "models/olmoe-small", model)
    weights = bytearray((model / "model.safetensors").read_bytes())
    size = int.from_bytes(weights[:8], "little")
    begin, end = json.loads(weights[8:8 + size])["model.layers.0.input_layernorm.weight"]["data_offsets"]
    weights[8 + size + begin:8 + size + end] = b"\x7f\x7f" * ((end - begin) // 2)  # the largest BF16
    (model / "model.safetensors").write_bytes(weights)
    result = run("embed", "--model", model, "--input", corpus(tmp_path / "texts.jsonl", 100))
    assert result.returncode == NUMERIC
    assert "layer" in sentence(result.stderr) and "line" not in sentence(result.stderr)
    (tmp_path / "long.txt").write_text("short\n" + "word " * 3000 + "\n")
    result = run("embed", "--input", tmp_path / "long.txt")
    assert result.returncode == TOO_LONG
    assert "line 2" in sentence(result.stderr)


def test_vectors_do_not_appear_without_their_metadata(tmp_path):
    out = tmp_path / "o.npy"
    (tmp_path / "o.npy.meta.json").mkdir()
    result = run("embed", "--input", corpus(tmp_path / "texts.jsonl", 20), "--out", out)
    assert result.returncode == INVALID
    assert names(tmp_path) == ["o.npy.meta.json", "texts.jsonl"]


def test_a_signal_while_it_waits_for_input(tmp_path):
    process = start("embed", "--out", tmp_path / "o.npy", stdin=subprocess.PIPE)
    wait_until_it_catches(process, signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == CANCELLED
    sentence(stderr)
    assert names(tmp_path) == []


@pytest.mark.parametrize("line", ["[1, 4294967297]", "[-1]", "[1.5]", '{"ids": 7}', '"text"', "["])
def test_detokenize_refuses_what_are_no_ids(line):
    """2^32 + 1 is not token 1."""
    result = run("detokenize", input=f"[1, 2]\n{line}\n".encode())
    assert result.returncode == BAD_FILE
    assert "line 2" in sentence(result.stderr)
