"""expertoire-train data, documents and plot, and scripts/train_tokenizer, against tokenizers,
transformers, numpy and a second writing of the rule that holds documents out."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import numpy
import pytest
from program import BAD_FILE, INVALID, IO, NOT_FOUND, PROGRAM, ROOT, names
from tokenizers import Tokenizer

TRAIN = PROGRAM.with_name("expertoire-train")
SHIPPED = ROOT / "models/monet-small"
PIECE, EVERY, INDEX = 100, 4, 2


def train(*arguments, code=0, **options):
    done = subprocess.run([TRAIN, *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, **options)
    assert done.returncode == code, (done.returncode, done.stdout[-500:], done.stderr[-2000:])
    return done


def samples():
    """English, code of four languages, other scripts, long runs, and odd white space."""
    with open(ROOT / "data/calibration/openstax.jsonl", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines][::7]
    for name in ("src/tokenizer/bpe.cc", "scripts/checks/source_rules.py", "scripts/test",
                 "src/README.md", "CMakePresets.json"):
        texts.append((ROOT / name).read_text(encoding="utf-8"))
    return texts + ["", " ", "\n\n\t  x\r\n", "a" * 3000, "0123456789 3.14159e-10",
                    "Ünïcödé ﬁ e\u0301 日本語 العربية 🙂🙃", "<|endoftext|>a<|padding|>", "\ufeffx",
                    "don't DON'T we'll", "  four\n    eight\n\tTab"]


def our_ids(folder, texts, tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    done = subprocess.run([PROGRAM, "tokenize", "--tokenizer", folder, "--input", path, "--json"],
                          capture_output=True, check=True)
    return [json.loads(line)["ids"] for line in done.stdout.splitlines()]


def test_the_shipped_tokenizer_gives_the_ids_of_tokenizers_and_transformers(tmp_path):
    from transformers import AutoTokenizer
    texts = samples()
    ours = our_ids(SHIPPED, texts, tmp_path)
    theirs = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    wrapped = AutoTokenizer.from_pretrained(SHIPPED)
    for text, ids in zip(texts, ours, strict=True):
        assert ids == theirs.encode(text).ids, text[:80]
        assert ids == wrapped(text)["input_ids"], text[:80]
        assert wrapped.decode(ids) == text
    assert (len(wrapped), wrapped.eos_token_id, wrapped.pad_token_id) == (8192, 0, 1)
    used = {token for ids in ours for token in ids}
    assert len(used) > 2500, "the samples see little of the vocabulary"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Rows with licences and a split, and a plain text, both compressed."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = [text for text in samples() if "<|" not in text]
    rows = [{"body": text, "license": ("MIT", "Zlib")[i % 2],
             "split": "validation" if i % 9 == 0 else "train"} for i, text in enumerate(texts)]
    with gzip.open(folder / "code.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    book = "".join((ROOT / name).read_text() for name in ("README.md", "docs/log.md"))
    with gzip.open(folder / "book.txt.gz", "wt", encoding="utf-8", newline="") as file:
        file.write(book)
    return folder, rows, book


def arguments(folder):
    return ["--field", "body", "--input", folder / "code.jsonl.gz", "--source", "code:@license",
            "--input", folder / "book.txt.gz", "--source", "books:CC0-1.0", "--piece", PIECE,
            "--hold-out", EVERY, "--hold-out-index", INDEX, "--hold-out-rows", "split=validation"]


def runs_of(book):
    """Runs of lines in the same split, by marking each held-out character first."""
    held = [i // PIECE % EVERY == INDEX for i in range(len(book))]
    runs, at = [], 0
    for line in book.splitlines(keepends=True):
        split = any(held[at:at + len(line)])
        at += len(line)
        if runs and runs[-1][0] == split:
            runs[-1][1] += line
        else:
            runs.append([split, line])
    return runs


def expected(corpus, held_out):
    _, rows, book = corpus
    documents = [row["body"] for i, row in enumerate(rows) if row["body"] and held_out ==
                 (i % EVERY == INDEX or row["split"] == "validation")]
    return documents, [text for split, text in runs_of(book) if split == held_out]


def read_shard(out, entry):
    data = (out / entry["shard"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    ids = numpy.frombuffer(data, dtype="<u2")
    assert len(ids) == entry["tokens"]
    return ids.tolist()


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_shards_hold_the_ids_that_tokenizers_gives(split, corpus, tmp_path):
    out = tmp_path / "out"
    train("data", "--tokenizer", SHIPPED, *arguments(corpus[0]), "--out", out)
    manifest = json.loads((out / "manifest.json").read_text())
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    for file, documents in zip(manifest["files"], expected(corpus, split == "held_out"), strict=True):
        wanted = [i for text in documents for i in [*tokenizer.encode(text).ids, 0]]
        assert read_shard(out, file[split]) == wanted
        assert file[split]["documents"] == len(documents)
        assert file[split]["bytes"] == sum(len(text.encode()) for text in documents)
    assert [file["source"] for file in manifest["files"]] == ["code", "books"]
    assert set(manifest["files"][0]["licences"]) == {"MIT", "Zlib"}


def test_documents_are_those_of_the_split(corpus):
    for split in ("train", "held_out"):
        lines = train("documents", *arguments(corpus[0]), "--split", split).stdout.splitlines()
        texts, book = expected(corpus, split == "held_out")
        assert [json.loads(line)["text"] for line in lines] == texts + book


def test_the_summary_adds_up(corpus, tmp_path):
    done = train("data", "--tokenizer", SHIPPED, *arguments(corpus[0]), "--out", tmp_path / "o",
                 "--json")
    code, books, everything = json.loads(done.stdout)["sources"]
    sums = json.loads((tmp_path / "o/manifest.json").read_text())["sums"]
    for key in ("documents", "bytes", "tokens"):
        assert code[key] + books[key] == everything[key] == sums["train"][key] + sums["held_out"][key]
    assert everything["held_out_tokens"] == sums["held_out"]["tokens"]
    assert done.stderr == "", "a progress bar is for terminals"


def shape(vocab_size, texts, out):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    subprocess.run([sys.executable, ROOT / "scripts/train_tokenizer.py", "--out", out,
                    "--vocab-size", str(vocab_size)], input=lines, text=True, check=True)
    return [(out / name).read_bytes() for name in ("tokenizer.json", "tokenizer_config.json")]


def test_a_tokenizer_is_trained_to_the_same_files(tmp_path):
    from transformers import AutoTokenizer
    texts = samples()
    first = shape(700, texts, tmp_path / "one")
    assert first == shape(700, texts, tmp_path / "two")
    theirs = AutoTokenizer.from_pretrained(tmp_path / "one")
    ours = our_ids(tmp_path / "one", texts, tmp_path)
    assert ours == [theirs(text)["input_ids"] for text in texts]
    assert max(map(max, filter(None, ours))) == 699


def test_too_little_text_for_a_vocabulary_is_said(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "scripts/train_tokenizer.py", "--out",
                           tmp_path / "t"], input='{"text": "a b"}\n', text=True, capture_output=True)
    assert done.returncode == 1 and "give more text" in done.stderr
    assert not (tmp_path / "t").exists()


FAILURES = [
    (["--input", "none.jsonl", "--source", "a:MIT"], NOT_FOUND, "none.jsonl"),
    (["--input", "code.jsonl.gz", "--source", "a:MIT"], BAD_FILE, "without a field \"text\""),
    (["--input", "book.txt.gz"], INVALID, "--source is required"),
    (["--input", "book.txt.gz", "--source", "a"], INVALID, "two words with : between"),
    (["--input", "book.txt.gz", "--source", "a:b", "--source", "c:d"], INVALID, "2 of them for 1"),
    (["--input", "book.txt.gz", "--source", "a:b", "--hold-out", "3", "--hold-out-index", "3"],
     INVALID, "number 3 of every 3"),
    (["--input", "book.txt.gz", "--source", "a:b", "--tokenizer", "none"], NOT_FOUND, "none"),
]


@pytest.mark.parametrize("options,code,said", FAILURES)
def test_mistakes_are_one_sentence(options, code, said, corpus, tmp_path):
    tokenizer = [] if "--tokenizer" in options else ["--tokenizer", SHIPPED]
    done = train("data", *tokenizer, *options, "--out", tmp_path / "out", code=code, cwd=corpus[0])
    assert said in done.stderr
    assert names(tmp_path) == []


def large(tmp_path):
    path = tmp_path / "in/large.jsonl"
    path.parent.mkdir()
    text = (ROOT / "docs/log.md").read_text()
    path.write_text("".join(json.dumps({"text": f"{i} {text}"}) + "\n" for i in range(3000)))
    return ["data", "--tokenizer", SHIPPED, "--input", path, "--source", "a:MIT", "--out",
            tmp_path / "out/shards"]


def test_a_file_that_may_not_grow_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "out").mkdir()
    limited = ["bash", "-c", "ulimit -f 512; exec \"$@\"", "_", TRAIN, *large(tmp_path)]
    done = subprocess.run([str(word) for word in limited], capture_output=True, text=True)
    assert done.returncode == IO and "File too large" in done.stderr
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_gives_no_folder_and_the_next_one_is_whole(number, tmp_path):
    (tmp_path / "out").mkdir()
    command = [str(word) for word in large(tmp_path)]
    process = subprocess.Popen([str(TRAIN), *command], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").glob("shards.tmp-*/train/*")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGTERM else -signal.SIGKILL)
    assert "shards" not in names(tmp_path / "out")
    train(*command)
    assert names(tmp_path / "out") == ["shards"]


def write_log(path, **run):
    lines = [{"run": run}]
    for step in range(1, 400):
        lines.append({"step": step, "tokens": step * 4096, "seconds": step * 2.5, "lr": 1e-3,
                      "loss": 9 / step**0.1, "lm": 8.9 / step**0.1, "unif": 6.3, "amb": 3.2,
                      "grad_norm": 1.5, "tokens_per_second": 1600, "survivors1": [8.1, 7.9],
                      "survivors2": 8.4, "keys_used": [0.98, 1.0], "balance": None})
        if step % 100 == 0:
            lines.append({"step": step, "tokens": step * 4096, "held_out_loss": 9 / step**0.1})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_plot_makes_pages_that_need_nothing_else(tmp_path):
    logs = [write_log(tmp_path / "a.jsonl", name="one <&>", moe_topk=8, moe_experts=512),
            write_log(tmp_path / "b.jsonl")]
    for out in (tmp_path / "curves.svg", tmp_path / "page.html"):
        train("plot", *logs, "--out", out)
        text = out.read_text()
        for word in ("<script", "src=", "@import", "href="):
            assert word not in text
        assert text.count("http") == 1, "the name of the SVG format only"
    svg = ElementTree.parse(tmp_path / "curves.svg").getroot()
    words = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    for word in ("one <&>", "b", "k = 8", "ln 512", "all", "Ambiguity"):
        assert word in words
    assert "Load balance" not in words, "nobody logged one"


def test_plot_names_the_bad_line_and_forgives_a_torn_last_one(tmp_path):
    log = write_log(tmp_path / "a.jsonl")
    whole = log.read_text()
    log.write_text(whole[:-20])
    train("plot", log, "--out", tmp_path / "o.svg")
    log.write_text(whole.replace('"step": 7,', '"step": x,', 1))
    done = train("plot", log, "--out", tmp_path / "p.svg", code=BAD_FILE)
    assert "a.jsonl line 8" in done.stderr
    assert "p.svg" not in names(tmp_path)
    train("plot", log, "--out", tmp_path / "p.png", code=INVALID)


def test_help_lists_the_commands_and_failures_carry_the_programs_name(tmp_path):
    listed = train("--help").stdout
    for command in ("data", "documents", "plot"):
        assert f"\n  {command} " in listed
    done = train("plot", tmp_path / "none", "--out", tmp_path / "o.svg", code=NOT_FOUND)
    assert done.stderr.startswith("expertoire-train: ")
    assert os.listdir(tmp_path) == []
