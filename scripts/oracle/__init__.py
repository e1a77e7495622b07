"""Tiny checkpoints and tokenizers, and what the reference implementations answer for them."""
