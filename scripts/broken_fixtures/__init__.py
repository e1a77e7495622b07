"""The hand-broken files, by reader.

Cases: (name, bytes or {file: bytes}, what is wrong, code, words of `found`, words of `expected`).
"""
