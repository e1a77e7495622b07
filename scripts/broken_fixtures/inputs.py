"""What users write and pass in: edits, token ids, texts, vectors."""

import struct

from .parts import DEEP, DROP, NAN, edited, f32, js

EDIT = {"format": "expertoire.routing_edit", "version": 1,
        "edits": [{"action": "ablate", "layers": [0], "experts": [1]}]}


def edit(what, code, found, expected, **changes):
    value = edited(EDIT, **{k: v for k, v in changes.items() if not k.startswith("edit_")})
    for key, new in changes.items():
        if key.startswith("edit_"):
            value["edits"][0][key[5:]] = new
    return (what.replace(" ", "-").lower(), js(value), what, code, found, expected)


EDITS = [
    ("not-json", b"ablate 3", "no JSON", "bad_file", "not JSON", "JSON"),
    ("list", b"[]", "a list", "bad_file", "the file is []", "object"),
    ("key-twice", js(EDIT)[:-1] + b',"edits":[]}', "a key twice", "bad_file", '"edits" twice',
     "once"),
    edit("Other format", "bad_file", '"format" is "other"', "routing_edit", format="other"),
    edit("No version", "bad_file", '"version" is null', "whole", version=DROP),
    edit("Version 2", "unsupported", "version 2", "version 1", version=2),
    edit("No edits", "bad_file", '"edits" is null', "list", edits=DROP),
    edit("Unknown key", "bad_file", '"expert" in edit 0', "experts", edit_expert=3),
    edit("Unknown action", "bad_file", 'action "remove"', "ablate", edit_action="remove"),
    edit("Negative expert", "bad_file", "-1", "from 0", edit_experts=[-1]),
    edit("Expert of 2 to the 40", "bad_file", "1099511627776", "16777216",
         edit_experts=[1 << 40]),
    edit("Expert twice", "bad_file", '3 twice in "experts"', "different", edit_experts=[3, 3]),
    edit("No experts", "bad_file", '"experts" in edit 0 is []', "shared", edit_experts=[]),
    edit("Half a layer", "bad_file", "0.5", "whole", edit_layers=[0.5]),
    edit("Scale without factor", "bad_file", "factor null", "32-bit float", edit_action="scale"),
    edit("Factor beyond float", "bad_file", "1e+60", "32-bit float", edit_action="scale",
         edit_factor=1e60),
    edit("Factor without scale", "bad_file", "has a factor", '"scale"', edit_factor=2),
    edit("Force shared", "bad_file", "shared experts", "no router", edit_action="force",
         edit_experts="shared"),
    edit("Renormalise as number", "bad_file", '"renormalize" in edit 0 is 1', "true or false",
         edit_renormalize=1),
    edit("Layers of the model as text", "bad_file", 'num_hidden_layers is "2"', "whole",
         model={"num_hidden_layers": "2"}),
]

IDS = [
    ("empty", b"", "nothing", "bad_file", "not JSON", "JSON"),
    ("no-sequences", b"[]", "an empty list", "bad_file", "[]", "list of lists"),
    ("object", b'{"ids":[[1]]}', "an object", "bad_file", '{"ids":[[1]]}', "list of lists"),
    ("flat", b"[1,2,3]", "a list of ids", "bad_file", "sequence 0 is 1", "list of lists"),
    ("empty-sequence", b"[[1],[]]", "a sequence without ids", "bad_file", "sequence 1", "lists"),
    ("negative", b"[[1,-2]]", "a negative id", "bad_file", "-2 in sequence 0", "token ids"),
    ("half", b"[[1,2.5]]", "an id of 2.5", "bad_file", "2.5", "token ids"),
    ("text", b'[[1],["2"]]', "an id as text", "bad_file", '"2" in sequence 1', "token ids"),
    ("beyond-32-bits", b"[[2147483648]]", "an id of 2^31", "bad_file", "2147483648", "ids"),
    ("beyond-64-bits", b"[[18446744073709551617]]", "2^64 + 1", "bad_file", "1.8446", "ids"),
    ("deep", DEEP, "100 levels", "bad_file", "nesting", "flatter"),
]

ROW = b'{"text":"one"}\n'
JSONL = [
    ("not-json.jsonl", ROW + b"two\n", "no JSON", "bad_file", "not JSON", "JSON"),
    ("cut.jsonl", ROW + b'{"text":"tw', "JSON ends early", "bad_file", "not JSON", "JSON"),
    ("two-in-a-line.jsonl", b'{"text":"a"} {"text":"b"}\n', "two documents", "bad_file",
     "not JSON at byte 14", "one JSON document"),
    ("no-field.jsonl", ROW + b'{"body":"two"}\n', "no such field", "bad_file",
     'without a field "text"', "in that field"),
    ("number.jsonl", ROW + b'{"text":2}\n', "a field that is no text", "bad_file",
     'field "text" is 2', "string"),
    ("list.jsonl", ROW + b'["two"]\n', "a list", "bad_file", '["two"]', "object"),
    ("key-twice.jsonl", ROW + b'{"text":"a","text":"b"}\n', "a key twice", "bad_file",
     '"text" twice', "once"),
    ("not-utf8.jsonl", ROW + b'{"text":"tw\xf6"}\n', "Latin-1", "bad_file", "offset 11", "UTF-8"),
    ("surrogate.jsonl", b'{"text":"\\ud83d"}\n', "half a surrogate pair", "bad_file", "not JSON",
     "JSON"),
    ("deep.jsonl", DEEP + b"\n", "100 levels", "bad_file", "nesting", "flatter"),
    ("not-utf8.txt", b"one\n\xff\xfet\0w\0o\0\n", "UTF-16", "bad_file", "offset 0", "UTF-8"),
]


def npy(header, data=b"", version=b"\1\0", length=None):
    text = header if isinstance(header, bytes) else (
        "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % header).encode()
    size = struct.pack("<H", len(text) if length is None else length)
    return b"\x93NUMPY" + version + size + text + data


NPY = [
    ("empty", b"", "nothing", "bad_file", "no .npy header", "numpy.save"),
    ("text", b"0.5 0.25\n0.125 1.0\n", "numbers as text", "bad_file", "no .npy", "numpy.save"),
    ("version-2", npy(b"", version=b"\2\0"), "another version", "unsupported", "2.0", "1.0"),
    ("header-beyond-file", npy(b"{", length=4000), "header cut short", "bad_file",
     "header of 4000 bytes", "inside the file"),
    ("header-open", npy(b"{'descr': '" + b"<" * 40000), "a string of 40,000 bytes without an end",
     "bad_file", "without an end", "'descr'"),
    ("header-pickle", npy(b"(lp0\nI1\na."), "no dictionary", "bad_file", "no '{'", "'descr'"),
    ("no-shape", npy(b"{'descr': '<f4', 'fortran_order': False}"), "no shape", "bad_file",
     "no shape", "'shape'"),
    ("key-twice", npy(b"{'descr': '<f4', 'descr': '<f8'}"), "a key twice", "bad_file",
     '"descr" twice', "'descr'"),
    ("doubles", npy(("<f8", "False", "(1, 1)"), bytes(8)), "64-bit floats", "unsupported", "<f8",
     "<f4"),
    ("fortran", npy(("<f4", "True", "(1, 1)"), f32(1)), "columns first", "unsupported", "True",
     "C order"),
    ("three-sizes", npy(("<f4", "False", "(1, 1, 1)"), f32(1)), "three sizes", "bad_file",
     "(1, 1, 1)", "one or two"),
    ("negative-size", npy(("<f4", "False", "(-1, 1)"), f32(1)), "a negative size", "bad_file",
     "(-1, 1)", "one or two"),
    ("overflow", npy(("<f4", "False", "(%d, 4)" % (1 << 62))), "2^64 numbers", "bad_file",
     "0 bytes", "as many"),
    ("cut", npy(("<f4", "False", "(2, 2)"), f32(1, 2, 3)), "data cut short", "bad_file",
     "12 bytes", "as many"),
    ("rows-of-nothing", npy(("<f4", "False", "(%d, 0)" % (1 << 62))), "2^62 empty rows",
     "bad_file", "(4611686018427387904, 0)", "one number or more"),
    ("nan", npy(("<f4", "False", "(2, 2)"), f32(1, 2, 3, NAN)), "NaN", "numeric", "nan in row 1",
     "finite"),
]
