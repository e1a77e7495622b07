"""Normalizers, pre-tokenizers and decoders by themselves: what the tokenizers library makes of texts."""

import json
import os

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from .texts import HARD

# Of each kind of character some that definitions of words, spaces and case disagree about.
CHARACTERS = [
    "a\u0301b c\u20ddd \u0915\u093f e\u0301\u0316\u0301\u0316\u0301", "x\u00b2y\u00bdz\u2167\u0966\u0bf0", "_\u203f_ \u24d0\u24b6 \U0001f130",
    "a\u200cb\u200dc\u200bd", "a\u180eb\u0085c\u1680d\u2007e\u202ff\u205fg\u3000h\u00a0i\u001cj\u001fk\u000bl",
    "$+<=>^`|~ !\"#%&'()*,-./:;?@[\\]_{} \u00a7\u20ac\u00d7\u3001\u2014\u00ab", "\u0130I\u0131i \u03a3\u03a3 \u01c5 \u1e9e \u10a0 \ua64a \uff21",
    "\ufb03 \u2460 \uff76\uff9e \u1e9b\u0323 \u0344 \u0958 \ufb2c \u1100\u1161\u11a8 \uac01 \u212b \u2f81a",
    " \t\u3000 both ends \u00a0\n", "a\u05b0\u0591\u05b0b \u0327\u0301\u0327 \u0e38\u0e48\u0e38", "0 9f G g",
]
TEXTS = CHARACTERS + HARD[::3]

NORMALIZERS = [
    normalizers.NFC(), normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD(), normalizers.Lowercase(),
    normalizers.Strip(), normalizers.Strip(left=True, right=False), normalizers.Strip(left=False, right=True),
    normalizers.Prepend("▁"), normalizers.Replace(" ", "▁"), normalizers.Replace(Regex(r"\s+"), " "),
    normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase(), normalizers.Strip()]),
]
PATTERNS = [r"\w+", r"\W+", r"\s+", r"\S+", r"\d", r"\h", r"\H+", r"\w\b\w*", r"\B.", r"[\w-]", r"[^\w]+", r"[\s\S]",
            r"[\S]+", r"[^\S]", r"[^\s\p{L}\p{N}]+", r"[\h.]", r"\\s|\]", r"[\]\\a]", r"[]a]+", r"[^]\s]+"]
PRE_TOKENIZERS = [
    pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(False), pre_tokenizers.Digits(True),
    *(pre_tokenizers.Punctuation(behavior) for behavior in
      ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")),
    *(pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
      for scheme in ("always", "first", "never") for split in (True, False)),
    pre_tokenizers.ByteLevel(add_prefix_space=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    *(pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in PATTERNS),
    *(pre_tokenizers.Split(" ", behavior, invert) for invert in (False, True) for behavior in
      ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")),
    pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]),
]
DECODERS = [
    decoders.ByteLevel(), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0), decoders.Strip("a", 2, 0),
    decoders.Replace("▁", " "), *(decoders.Metaspace(prepend_scheme=scheme) for scheme in ("always", "first", "never")),
    decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]),
]
TOKENS = [
    [], ["a"], ["▁"], ["▁▁", "▁a"], ["▁▁a▁b", "▁c", "▁"], ["", "▁a"], ["a▁", "▁▁b"], ["aab", "baa", "aaaa", "a"], [" ", " a", "  b "],
    ["<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "<0xF0>", "<0x9F>", "a"], ["<0x41>", "<0xE4>", "<0x1>", "<0xGG>", "<0xff>"],
    ["Ġä", "½", "ł", "Ċ", "ä"], ["Ġ▁", "é", "ä½łä"], ["▁<0x41>", "▁", "<0x20>", "<0x42>"],
]


def spec(part, component):
    """The component as tokenizer.json has it."""
    tokenizer = Tokenizer(models.BPE())
    setattr(tokenizer, part, component)
    return json.loads(tokenizer.to_str())[part]


def rows():
    for one in NORMALIZERS:
        yield {"part": "normalizer", "spec": spec("normalizer", one), "cases": [[text, one.normalize_str(text)] for text in TEXTS]}
    for one in PRE_TOKENIZERS:
        yield {"part": "pre_tokenizer", "spec": spec("pre_tokenizer", one),
               "cases": [[text, [piece for piece, _ in one.pre_tokenize_str(text)]] for text in TEXTS]}
    for one in DECODERS:
        yield {"part": "decoder", "spec": spec("decoder", one), "cases": [[tokens, one.decode(tokens)] for tokens in TOKENS]}


def make(out):
    with open(os.path.join(out, "components.jsonl"), "w", encoding="utf-8") as file:
        for row in rows():
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
    print(f"components: {os.path.getsize(file.name) / 1000:.0f} KB", flush=True)
