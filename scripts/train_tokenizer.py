"""Trains a byte-level BPE tokenizer. The same documents give the same files (docs/training.md)."""

import argparse
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

EOS, PADDING = "<|endoftext|>", "<|padding|>"


def texts(lines):
    for line in lines:
        yield json.loads(line)["text"]


def train(documents, vocab_size):
    """No normalizer, so that decoding gives back every byte of a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[EOS, PADDING], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(documents, trainer)
    if tokenizer.get_vocab_size() != vocab_size:
        sys.exit(f"train_tokenizer: the documents give {tokenizer.get_vocab_size()} tokens, not "
                 f"{vocab_size}: give more text or a smaller --vocab-size")
    return tokenizer


def write(path, content):
    """By a temporary file, so that no reader sees half of it."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder, made if it is not there")
    parser.add_argument("--vocab-size", type=int, default=8192)
    arguments = parser.parse_args()
    tokenizer = train(texts(sys.stdin), arguments.vocab_size)
    arguments.out.mkdir(parents=True, exist_ok=True)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": EOS, "pad_token": PADDING,
              "clean_up_tokenization_spaces": False}
    write(arguments.out / "tokenizer.json", tokenizer.to_str(pretty=True) + "\n")
    write(arguments.out / "tokenizer_config.json", json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
