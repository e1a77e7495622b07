"""Safetensors files, sharded checkpoints, calibrations and whole models."""

from .parts import DEEP, DROP, INF, NAN, f32, js, st, st_file, tensor
from .settings import OLMOE

ONE = tensor("F32", [1], 0, 4)
SAFETENSORS = [
    ("empty", b"", "nothing", "bad_file", "0 bytes", "8 bytes of header length"),
    ("seven-bytes", b"\1\0\0\0\0\0\0", "ends inside the length", "bad_file", "7 bytes", "header"),
    ("length-beyond-file", st({}, length=1000), "header longer than the file", "bad_file",
     "header of 1000 bytes", "inside the file"),
    ("length-2-63", st({}, length=1 << 63), "header of 2^63 bytes", "bad_file",
     "9223372036854775808", "100000000"),
    ("header-cut", st(b'{"a":{"dtype":"F32"'), "JSON ends early", "bad_file", "not JSON", "JSON"),
    ("header-list", st(b"[]"), "header is a list", "bad_file", "begin with {", "object"),
    ("header-not-utf8", st(b'{"a\xff":{}}'), "a byte that is not UTF-8", "bad_file",
     "not UTF-8 at offset 3", "UTF-8"),
    ("header-deep", st(b'{"a":' + DEEP + b"}"), "100 levels", "bad_file", "nesting", "flatter"),
    ("name-twice", st(b'{"a":%s,"a":%s}' % (js(ONE), js(ONE)), f32(1)), "one name twice",
     "bad_file", 'key "a" twice', "each key once"),
    ("entry-number", st({"a": 7}), "an entry that is no object", "bad_file", '"a"', "dtype"),
    ("no-shape", st({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, f32(1)), "no shape",
     "bad_file", '"a" has no shape', "shape"),
    ("dtype-unknown", st({"a": tensor("F33", [1], 0, 4)}, f32(1)), "no such dtype", "bad_file",
     'dtype "F33"', '"F32"'),
    ("dtype-f8", st({"a": tensor("F8_E4M3", [4], 0, 4)}, f32(1)), "a dtype that is not read",
     "unsupported", "F8_E4M3", "BF16"),
    ("shape-negative", st({"a": tensor("F32", [-1], 0, 4)}, f32(1)), "a negative size",
     "bad_file", "-1", "from 0"),
    ("shape-half", st({"a": tensor("F32", [0.5], 0, 4)}, f32(1)), "a size of 0.5", "bad_file",
     "0.5", "whole numbers"),
    ("shape-overflow", st({"a": tensor("U8", [1 << 32, 1 << 32], 0, 0)}), "2^64 elements",
     "bad_file", "overflows", "2^63"),
    ("shape-overflow-zero", st({"a": tensor("F32", [1 << 62, 4, 0], 0, 0)}),
     "sizes that overflow before a zero", "bad_file", "overflows", "2^63"),
    ("shape-wrong", st({"a": tensor("F32", [3], 0, 4)}, f32(1)), "shape and size disagree",
     "bad_file", "[3] has 4 bytes", "12 bytes"),
    ("offsets-misaligned", st({"a": tensor("F32", [1], 0, 3)}, b"\0\0\0"), "3 bytes of F32",
     "bad_file", "has 3 bytes", "4 bytes"),
    ("offsets-reversed", st({"a": tensor("F32", [1], 4, 0)}, f32(1)), "end before begin",
     "bad_file", "before it begins at 4", "rising"),
    ("offsets-beyond", st({"a": tensor("F32", [2], 0, 8)}, f32(1)), "data cut short", "bad_file",
     "byte 8 of 4", "inside the file"),
    ("offsets-2-64", st({"a": tensor("F32", [1], 2**64 - 4, 2**64 - 1)}, f32(1)),
     "offsets near 2^64", "bad_file", "18446744073709551615", "inside the file"),
    ("offsets-text", st({"a": {**ONE, "data_offsets": ["0", "4"]}}, f32(1)), "offsets as text",
     "bad_file", "no pair", "[begin, end]"),
    ("overlap", st({"a": tensor("F32", [2], 0, 8), "b": tensor("F32", [1], 4, 8)}, f32(1, 2)),
     "two tensors on the same bytes", "bad_file", "overlaps", "each byte in one"),
    ("hole", st({"a": ONE, "b": tensor("F32", [1], 8, 12)}, f32(1, 2, 3)),
     "bytes of no tensor", "bad_file", "hole of 4 bytes", "without holes"),
    ("bytes-at-end", st({"a": ONE}, f32(1, 2)), "bytes after the last tensor", "bad_file",
     "4 bytes after", "ends with"),
    ("metadata-number", st({"__metadata__": {"k": 7}}), "metadata that is no text", "bad_file",
     '"k"', "string"),
]


def index(weight_map, **shards):
    files = {f"{name}.safetensors": data for name, data in shards.items()}
    text = weight_map if isinstance(weight_map, bytes) else js({"weight_map": weight_map})
    return {"model.safetensors.index.json": text, **files}


A, AB = st_file({"a": ("F32", [1], f32(1))}), st_file({"a": ("F32", [1], f32(1)),
                                                       "b": ("F32", [1], f32(2))})
INDEX = [
    ("not-json", index(b"{"), "JSON ends early", "bad_file", "not JSON", "JSON"),
    ("no-map", index(b'{"metadata":{}}'), "no weight_map", "bad_file", "weight_map", "weight_map"),
    ("tensor-twice", index(b'{"weight_map":{"a":"m.safetensors","a":"n.safetensors"}}', m=A, n=A),
     "a tensor twice", "bad_file", 'key "a" twice', "once"),
    ("shard-outside", index({"a": "../m.safetensors"}), "leads out of the folder", "bad_file",
     '"../m.safetensors"', "same folder"),
    ("shard-absolute", index({"a": "/etc/hostname"}), "an absolute path", "bad_file",
     '"/etc/hostname"', "same folder"),
    ("shard-number", index({"a": 7}), "a number for a file name", "bad_file", '"a"', "string"),
    ("shard-missing", index({"a": "m.safetensors"}), "the shard is not there", "bad_file",
     '"m.safetensors" is not there', "beside the index"),
    ("shard-cut", index({"a": "m.safetensors"}, m=A[:-1]), "the shard ends early", "bad_file",
     "3 bytes", "inside the file"),
    ("tensor-elsewhere", index({"a": "m.safetensors", "b": "m.safetensors"}, m=A),
     "a tensor that its shard lacks", "bad_file", '"b" is not in "m.safetensors"', "index names"),
    ("tensor-unlisted", index({"a": "m.safetensors"}, m=AB), "a tensor that the index lacks",
     "bad_file", '"b" in "m.safetensors"', "in the index"),
    ("tensor-in-two", index({"a": "m.safetensors", "b": "n.safetensors"}, m=AB,
                            n=st_file({"b": ("F32", [1], f32(2))})),
     "a tensor in two shards", "bad_file", '"b" in "m.safetensors"', "in the index"),
]

PARTS = ("none/hidden.mean", "none/hidden.std", "none/routing.mean", "none/routing.std")


def calibration(what, code, found, expected, form="expertoire.calibration/1", drop=None, **change):
    tensors = {part: ("F32", [2], f32(1, 2)) for part in PARTS if part != drop}
    tensors.update({key.replace("__", "/").replace("_", "."): v for key, v in change.items()})
    name = what.replace(" ", "-").lower()
    return (name, st_file(tensors, {"format": form}), what, code, found, expected)


CALIBRATION = [
    ("empty", b"", "nothing", "bad_file", "0 bytes", "header"),
    ("cut", st_file({PARTS[0]: ("F32", [2], f32(1, 2))}, {"format": "x"})[:-1], "data cut short",
     "bad_file", "byte 8 of 7", "inside"),
    calibration("Other format", "bad_file", '"expertoire.calibration/2"', "calibration/1",
                form="expertoire.calibration/2"),
    calibration("Negative spread", "bad_file", "-2 at 1 of", "from 0",
                none__hidden_std=("F32", [2], f32(1, -2))),
    calibration("NaN mean", "bad_file", "nan at 0 of", "finite",
                none__routing_mean=("F32", [2], f32(NAN, 1))),
    calibration("Infinite spread", "bad_file", "inf at 1 of", "finite",
                none__routing_std=("F32", [2], f32(1, INF))),
    calibration("Spread too short", "bad_file", "2 means and 1 spreads", "as many",
                none__hidden_std=("F32", [1], f32(1))),
    calibration("No routing spread", "bad_file", "2 means and 0 spreads", "as many",
                drop="none/routing.std"),
    calibration("Doubles", "bad_file", "F64 [2]", "F32 vector",
                none__hidden_mean=("F64", [2], bytes(16))),
    calibration("Matrix", "bad_file", "F32 [1, 2]", "F32 vector",
                none__hidden_mean=("F32", [1, 2], f32(1, 2))),
    calibration("Left over tensor", "bad_file", '"none/hidden.max"', "PROMPT/hidden.mean",
                none__hidden_max=("F32", [2], f32(1, 2))),
]


def olmoe_weights():
    def floats(*shape):
        count = 1
        for size in shape:
            count *= size
        return ("F32", list(shape), f32(*(((i * 37) % 17 - 8) / 64 for i in range(count))))

    weights = {"model.embed_tokens.weight": floats(16, 8), "model.norm.weight": floats(8),
               "lm_head.weight": floats(16, 8)}
    for layer in range(2):
        at = f"model.layers.{layer}."
        for name in ("input_layernorm", "post_attention_layernorm", "self_attn.q_norm",
                     "self_attn.k_norm"):
            weights[f"{at}{name}.weight"] = floats(8)
        for name in "qkvo":
            weights[f"{at}self_attn.{name}_proj.weight"] = floats(8, 8)
        weights[at + "mlp.gate.weight"] = floats(2, 8)
        for expert in range(2):
            mlp = f"{at}mlp.experts.{expert}."
            weights[mlp + "gate_proj.weight"] = weights[mlp + "up_proj.weight"] = floats(4, 8)
            weights[mlp + "down_proj.weight"] = floats(8, 4)
    return weights


EXPERT = "model.layers.1.mlp.experts.1."


def model(what, code, found, expected, names=None, **changes):
    weights = olmoe_weights()
    for old, new in changes.items():
        if new is DROP:
            del weights[LONG[old]]
        elif isinstance(new, str):
            weights[new] = weights.pop(LONG[old])
        else:
            weights[LONG[old]] = new
    files = {"config.json": js(OLMOE), "model.safetensors": st_file(weights)}
    return (what.replace(" ", "-").lower(), files, what, code, found, expected, names or "")


LONG = {"up": EXPERT + "up_proj.weight", "v": "model.layers.1.self_attn.v_proj.weight",
        "norm": "model.layers.0.input_layernorm.weight", "head": "lm_head.weight",
        "bias": "model.layers.0.self_attn.q_proj.bias"}
BAD = f32(*([0.5] * 31 + [NAN]))
MODEL = [
    model("Missing tensor", "not_found", "no such tensor", "[8]", "input_layernorm", norm=DROP),
    model("Misspelled tensor", "not_found", f'nearest is "{EXPERT}up_prj.weight"', "[4, 8]",
          EXPERT + "up_proj", up=EXPERT + "up_prj.weight"),
    model("Wrong shape", "bad_file", "shape [8, 4]", "[4, 8]", EXPERT + "up_proj",
          up=("F32", [8, 4], bytes(128))),
    model("Left over tensor", "bad_file", '1 tensor that config.json does not account for: "model.'
          'layers.0.self_attn.q_proj.bias"', "model's", bias=("F32", [8], bytes(32))),
    model("Integers for weights", "unsupported", "dtype I32", "BF16", EXPERT + "up_proj",
          up=("I32", [4, 8], bytes(128))),
    model("NaN in an expert of layer 1", "numeric", "NaN", "finite", EXPERT + "up_proj",
          up=("F32", [4, 8], BAD)),
    model("Infinity in the values of layer 1", "numeric", "infinite", "finite",
          "model.layers.1.self_attn.v_proj", v=("BF16", [8, 8], b"\x80\x7f" * 64)),
    model("NaN in a norm of layer 0", "numeric", "NaN", "finite", "model.layers.0.input_layernorm",
          norm=("F16", [8], b"\x00\x7e" * 8)),
]
