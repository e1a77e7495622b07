"""The tokenizers of tests/fixtures/tokenizers: one of each kind that the families use, a few
hundred tokens each, and what the tokenizers library answers on texts that are easy to get wrong."""

import json
import os
from collections import Counter

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from oracle.texts import HARD

BYTES = pre_tokenizers.ByteLevel.alphabet()
SPACE = "\u2581"
# As the tokenizer.json of Qwen1.5 states it.
QWEN_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
              r"|\s*[\r\n]+|\s+(?!\S)|\s+")
# After DeepSeek's: newlines, words, punctuation, spaces at the end, CJK; fewer letter ranges.
DEEPSEEK_SPLITS = ["[\r\n]", "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u0370-\u0373\u0391-\u03a1\u03a3-\u0481\u1e00-\u1f15]+",
                   "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", "\\s+$",
                   "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"]


def train(tokenizer, texts, **options):
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(show_progress=False, **options))
    return tokenizer


def byte_level(normalizer, splits, use_regex):
    """A byte-level BPE without a vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, last]) if splits else last
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def make_gpt2(texts):
    """GPT-2's split and NFC, as OLMo's; added tokens for runs of spaces, and some with flags."""
    tokenizer = byte_level(normalizers.NFC(), [], True)
    train(tokenizer, texts, vocab_size=512, initial_alphabet=BYTES,
          special_tokens=["<|endoftext|>", "<|padding|>"])
    tokenizer.add_tokens([AddedToken("   ", normalized=True), AddedToken("  ", normalized=True),
                          AddedToken("\u00e9", normalized=True),
                          AddedToken("word", single_word=True, normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False)])
    return tokenizer, {"bos_token": None, "eos_token": "<|endoftext|>", "pad_token": "<|padding|>",
                       "tokenizer_class": "GPTNeoXTokenizer"}


def make_qwen(texts):
    """A regular expression splits, ByteLevel only spells."""
    splits = [pre_tokenizers.Split(Regex(QWEN_SPLIT), "isolated")]
    tokenizer = byte_level(normalizers.NFC(), splits, False)
    train(tokenizer, texts, vocab_size=512, initial_alphabet=BYTES)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return tokenizer, {"bos_token": None, "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
                       "add_bos_token": False, "tokenizer_class": "Qwen2Tokenizer"}


def make_deepseek(texts):
    """Several splits in turn and single digits; BOS is in tokenizer_config.json alone."""
    splits = [pre_tokenizers.Split(Regex(split), "isolated") for split in DEEPSEEK_SPLITS]
    splits.append(pre_tokenizers.Digits(individual_digits=True))
    tokenizer = byte_level(normalizers.Sequence([]), splits, False)
    train(tokenizer, texts, vocab_size=512, initial_alphabet=BYTES)
    bos, eos = "<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<\uff5cend\u2581of\u2581sentence\uff5c>"
    tokenizer.add_special_tokens([bos, eos])
    tokenizer.add_tokens(["\u00f8", "\u00fc"])  # letters that no text spells in bytes any more
    return tokenizer, {"bos_token": bos, "eos_token": eos, "pad_token": eos, "add_bos_token": True,
                       "add_eos_token": False, "tokenizer_class": "LlamaTokenizerFast"}


def common_characters(texts, count):
    """The trainer itself breaks ties by chance."""
    frequency = Counter("".join(texts).replace(" ", SPACE))
    return sorted(frequency, key=lambda character: (-frequency[character], character))[:count]


def sentencepiece(texts):
    """tokenizer.json of a SentencePiece-like BPE with byte fallback, without its surroundings:
    unk, BOS, EOS, the bytes, then what was trained on words that start with the space character."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    alphabet = common_characters(texts, 90)
    train(trained, texts, vocab_size=360, initial_alphabet=alphabet, limit_alphabet=len(alphabet))
    model = json.loads(trained.to_str())["model"]
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += sorted(model["vocab"], key=model["vocab"].get)
    tokenizer = Tokenizer(models.BPE(
        {token: i for i, token in enumerate(tokens)}, [tuple(merge) for merge in model["merges"]],
        unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
                       "add_bos_token": True, "add_eos_token": False,
                       "tokenizer_class": "LlamaTokenizer"}


def make_llama2(texts):
    """The whole text is one word: a normalizer puts the space characters in."""
    tokenizer, config = sentencepiece(texts)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return tokenizer, config


def make_metaspace(texts):
    """The same by a pre-tokenizer, which only the start of the text gets a space from."""
    tokenizer, config = sentencepiece(texts)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return tokenizer, config


MAKERS = {"gpt2": make_gpt2, "qwen": make_qwen, "deepseek": make_deepseek, "llama2": make_llama2,
          "metaspace": make_metaspace}


def vector(tokenizer, text, bos):
    """As a line of vectors.jsonl; keys that say nothing new are left out. `bos`: the ids that a
    LlamaTokenizerFast puts in front because tokenizer_config.json says so."""
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    special = bos + tokenizer.encode(text, add_special_tokens=True).ids
    decoded = tokenizer.decode(ids, skip_special_tokens=False)
    skipped = tokenizer.decode(ids, skip_special_tokens=True)
    row = {"text": text, "ids": ids}
    if special != ids:
        row["ids_special"] = special
    if decoded != text:
        row["decoded"] = decoded
    if skipped != decoded:
        row["decoded_skip"] = skipped
    return row


def save(tokenizer, config, folder):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(json.loads(tokenizer.to_str()), file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, ensure_ascii=False, indent=1)
        file.write("\n")


def make(name, texts, out):
    tokenizer, config = MAKERS[name](texts)
    folder = os.path.join(out, name)
    save(tokenizer, config, folder)
    bos = [tokenizer.token_to_id(config["bos_token"])] if name == "deepseek" else []
    with open(os.path.join(folder, "vectors.jsonl"), "w", encoding="utf-8") as file:
        for text in HARD:
            file.write(json.dumps(vector(tokenizer, text, bos)) + "\n")
    size = sum(entry.stat().st_size for entry in os.scandir(folder))
    print(f"{name}: {tokenizer.get_vocab_size()} tokens, {size / 1000:.0f} KB", flush=True)
