"""tokenizer.json and tokenizer_config.json."""

from .parts import DEEP, DROP, edited, js

BPE = {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
       "post_processor": None, "decoder": None,
       "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<s>": 3}, "merges": ["a b"]}}
START = {"id": 3, "content": "<s>", "special": True}
DOUBLE = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}


def tokenizer(what, code, found, expected, **changes):
    name = what.replace(" ", "-").lower()
    return (name, js(edited(BPE, **changes)), what, code, found, expected)


def tokenizer_config(what, code, found, expected, config):
    name = "config-" + what.replace(" ", "-").lower()
    files = {"tokenizer.json": js(BPE), "tokenizer_config.json": js(config)}
    return (name, files, what, code, found, expected)


def template(ids, item="<s>"):
    return {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": item}},
                                                     {"Sequence": {"id": "A"}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": ids}}}


TOKENIZER = [
    ("cut", js(BPE)[:-1], "JSON ends early", "bad_file", "not JSON", "JSON"),
    ("list", b"[]", "a list", "bad_file", "no object", "object"),
    ("deep", b'{"model":' + DEEP + b"}", "100 levels", "bad_file", "nesting", "flatter"),
    ("token-twice", b'{"model":{"vocab":{"a":0,"a":1},"merges":[]}}', "a token twice", "bad_file",
     'key "a" twice', "once"),
    tokenizer("No model", "bad_file", "null", "object", model=DROP),
    tokenizer("WordPiece", "unsupported", '"WordPiece"', "tokenizers.md", model__type="WordPiece"),
    tokenizer("Vocab as list", "bad_file", "vocab is a list", "by token",
              model__vocab=[[f"t{i}", -1.0] for i in range(100)]),
    tokenizer("Negative id", "bad_file", 'the id -1 of "a"', "from 0", model__vocab__a=-1),
    tokenizer("Id as text", "bad_file", 'the id "0" of "a"', "whole", model__vocab__a="0"),
    tokenizer("Id of two tokens", "bad_file", "the id 1 of", "of its own", model__vocab__a=1),
    tokenizer("Id far beyond the others", "bad_file", "16777216", "few holes",
              model__vocab__a=1 << 24),
    tokenizer("Merge of unknown tokens", "bad_file", 'no token "c"', "vocabulary",
              model__merges=["a c"]),
    tokenizer("Merge into an unknown token", "bad_file", 'no token "ba"', "vocabulary",
              model__merges=["b a"]),
    tokenizer("Merge twice", "bad_file", '"a" and "b" twice', "once",
              model__merges=["a b", ["a", "b"]]),
    tokenizer("Merge of three", "bad_file", '"a b ab"', "two tokens", model__merges=["a b ab"]),
    tokenizer("Merges as text", "bad_file", 'merges is "a b"', "list", model__merges="a b"),
    tokenizer("Unknown token unknown", "bad_file", 'unk_token is "<unk>"', "vocabulary",
              model__unk_token="<unk>"),
    tokenizer("Dropout", "unsupported", "dropout 0.1", "tokenizers.md", model__dropout=0.1),
    tokenizer("Unknown normalizer", "unsupported", '"BertNormalizer"', "tokenizers.md",
              normalizer={"type": "BertNormalizer"}),
    tokenizer("Unknown pre tokenizer", "unsupported", '"UnicodeScripts"', "tokenizers.md",
              pre_tokenizer={"type": "UnicodeScripts"}),
    tokenizer("Unknown decoder", "unsupported", '"CTC"', "tokenizers.md", decoder={"type": "CTC"}),
    tokenizer("Unknown post processor", "unsupported", '"BertProcessing"', "tokenizers.md",
              post_processor={"type": "BertProcessing"}),
    tokenizer("Normalizer without type", "bad_file", "without a type", '"type"', normalizer={}),
    tokenizer("Null in a sequence", "bad_file", "null", "normalizer",
              normalizer={"type": "Sequence", "normalizers": [None]}),
    tokenizer("Bad regex", "bad_file", "fails at 2: missing closing parenthesis", "PCRE2",
              pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a"}}),
    tokenizer("Regex over any byte", "bad_file", "fails at", "PCRE2",
              pre_tokenizer={"type": "Split", "pattern": {"Regex": "\\C"}}),
    tokenizer("Catastrophic regex", "invalid_argument", '"(a+)+$" gives up', "steps",
              pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a+)+$"}}),
    tokenizer("Cubic regex", "invalid_argument", "gives up", "steps",
              pre_tokenizer={"type": "Split", "pattern": {"Regex": "a*a*a*a*a*a*a*a*b"}}),
    tokenizer("Empty pattern", "bad_file", "empty pattern", "text",
              pre_tokenizer={"type": "Split", "pattern": {"String": ""}}),
    tokenizer("Pattern of nothing", "bad_file", "pattern null", "Regex",
              pre_tokenizer={"type": "Split"}),
    tokenizer("Unknown behavior", "bad_file", '"Sideways"', "Isolated",
              pre_tokenizer={"type": "Split", "pattern": {"String": "a"}, "behavior": "Sideways"}),
    tokenizer("Long replacement", "bad_file", "replacement", "one character",
              pre_tokenizer={"type": "Metaspace", "replacement": "a" * 1000}),
    tokenizer("Unknown prepend scheme", "bad_file", '"sometimes"', "always, first or never",
              pre_tokenizer={"type": "Metaspace", "prepend_scheme": "sometimes"}),
    tokenizer("Doubling normalizer", "bad_file", "a normalizer that makes", "times as many",
              normalizer={"type": "Sequence", "normalizers": [DOUBLE] * 60}),
    tokenizer("Doubling pre tokenizer", "bad_file", "a pre_tokenizer that makes", "times as many",
              pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}] * 60}),
    tokenizer("Doubling decoder", "bad_file", "a decoder that makes", "times as many",
              decoder={"type": "Sequence", "decoders": [DOUBLE] * 60}),
    tokenizer("Added token without text", "bad_file", "without content", "text",
              added_tokens=[{"id": 4}]),
    tokenizer("Added token twice", "bad_file", '"<s>" or its id 3 twice', "once",
              added_tokens=[START, START]),
    tokenizer("Added token with the id of another", "bad_file", 'the id 0 of the added token "<s>"',
              "one token for each id", added_tokens=[{**START, "id": 0}]),
    tokenizer("Template with an unknown token", "bad_file", '"<bos>"', "known token",
              post_processor=template([3], "<bos>")),
    tokenizer("Template with an id beyond", "bad_file", "the id 9 in", "vocabulary",
              post_processor=template([9])),
    tokenizer_config("list", "bad_file", "no object", "object", []),
    tokenizer_config("unknown bos", "bad_file", 'bos_token is "<bos>"', "tokenizer.json",
                     {"add_bos_token": True, "bos_token": "<bos>"}),
    tokenizer_config("add bos as text", "bad_file", 'add_bos_token is "yes"', "true or false",
                     {"add_bos_token": "yes", "bos_token": "<s>"}),
    tokenizer_config("template as number", "bad_file", "chat_template is 7", "string",
                     {"chat_template": 7}),
]
