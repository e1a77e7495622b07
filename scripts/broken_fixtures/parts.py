"""What broken files are made of."""

import json
import struct


def js(value):
    return json.dumps(value, ensure_ascii=False).encode()


def edited(base, **changes):
    """`base` with keys set; "a__b" reaches into base["a"]; a value of DROP removes the key."""
    value = json.loads(json.dumps(base))
    for key, new in changes.items():
        *path, last = key.split("__")
        inner = value
        for part in path:
            inner = inner[part]
        if new is DROP:
            del inner[last]
        else:
            inner[last] = new
    return value


DROP = object()
NAN, INF = float("nan"), float("inf")
DEEP = b"[" * 100 + b"]" * 100


def f32(*values):
    return struct.pack(f"<{len(values)}f", *values)


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def st(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else js(header)
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def st_file(tensors, metadata=None):
    """A sound safetensors file of {name: (dtype, shape, bytes)}."""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = tensor(dtype, shape, len(data), len(data) + len(raw))
        data += raw
    return st(header, data)
