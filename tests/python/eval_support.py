"""What the tests of `expertoire eval` share."""

import json

import numpy as np


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def results(run, *arguments):
    return [json.loads(line) for line in run("eval", *arguments, "--json").stdout.splitlines()]


def cosines(vectors, pairs):
    unit = vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return [float(unit[a] @ unit[b]) for a, b in pairs]


def embed(run, folder, texts, *options):
    """The vectors of texts that `expertoire embed` gives."""
    source, out = folder / "texts.txt", folder / "vectors.npy"
    source.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    run("embed", "--input", source, "--out", out, *options)
    return np.load(out)
