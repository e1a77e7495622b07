"""Register spills in the inner loops of the panel products, and prefetches that the compiler dropped.
Prints each one; exit 1 if there is one.

    spills.py [-v] OBJECT...

Compilers swing these loops by a factor of two without a warning: one accumulator too many, and the
loop stores and reloads vectors through the stack. This disassembles what was built. A hot loop is
an innermost loop (a jump back, none inside) of a function tile…, panel… or strip… that multiplies
and adds vectors. No instruction there may touch the stack, and that of tile<R, Lines> prefetches
Lines cache lines (g++ takes a lambda around a prefetch for one without effect, and drops it).
"""

import re
import subprocess
import sys
from pathlib import Path

FUNCTION = re.compile(r"^([0-9a-f]+) <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
JUMP = re.compile(r"^j[a-z]+$")
TARGET = re.compile(r"^([0-9a-f]+) <")
PRODUCT = re.compile(r"^v(fn?madd\d*ps|dpbf16ps|dpwssd|pdpbusd)$")
VECTOR = re.compile(r"%[yz]mm\d+")
PREFETCHING_TILE = re.compile(r"\btile<\d+, (\d+)>")
PANEL = re.compile(r"\b(tile|panel|strip)")
FRAME_POINTER = ("mov", "%rsp,%rbp")


def disassemble(path):
    """{function: [(address, mnemonic, operands)]} of an object file."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "-C", str(path)],
                             capture_output=True, text=True, check=True).stdout
    functions, body = {}, None
    for line in listing.splitlines():
        if match := FUNCTION.match(line):
            body = functions.setdefault(match[2], [])
        elif body is not None and (match := INSTRUCTION.match(line)):
            body.append((int(match[1], 16), match[2], match[3].strip()))
    return functions


def innermost_loops(body):
    """Spans (first, last) of addresses that a jump goes back over, without those around others."""
    spans = set()
    for address, mnemonic, operands in body:
        target = TARGET.match(operands)
        if JUMP.match(mnemonic) and target and body[0][0] <= int(target[1], 16) <= address:
            spans.add((int(target[1], 16), address))
    return sorted(a for a in spans
                  if not any(a != b and a[0] <= b[0] and b[1] <= a[1] for b in spans))


def touches_stack(body, operands):
    if "(%rsp" in operands:
        return True
    framed = any((mnemonic, operands_) == FRAME_POINTER for _, mnemonic, operands_ in body)
    return framed and "(%rbp" in operands


def hot_loops(body):
    """Instructions of each hot loop."""
    for first, last in innermost_loops(body):
        loop = [entry for entry in body if first <= entry[0] <= last]
        if any(PRODUCT.match(mnemonic) and VECTOR.search(operands)
               for _, mnemonic, operands in loop):
            yield loop


def faults(name, body, loop):
    """Messages about one hot loop of the function `name`."""
    for address, mnemonic, operands in loop:
        if touches_stack(body, operands):
            yield f"{address:x}: {mnemonic} {operands}"
    tile = PREFETCHING_TILE.search(name)
    expected = int(tile[1]) if tile else 0
    found = sum(1 for _, mnemonic, _ in loop if mnemonic.startswith("prefetch"))
    if found < expected:
        yield f"{found} prefetches in a step, {expected} written"


def check(path, verbose):
    """Messages about one object file."""
    loops = 0
    for name, body in disassemble(path).items():
        if not PANEL.search(name):
            continue
        for loop in hot_loops(body):
            loops += 1
            products = sum(1 for _, mnemonic, _ in loop if PRODUCT.match(mnemonic))
            if verbose:
                print(f"{path.name}: {products} of {len(loop)} instructions multiply: {name}")
            for fault in faults(name, body, loop):
                yield f"{path.name}: {name}: {fault}"
    if loops == 0:
        yield f"{path.name}: no hot loop found; what was it compiled from?"


def main(arguments):
    verbose = "-v" in arguments
    paths = [Path(argument) for argument in arguments if argument != "-v"]
    if not paths:
        print(__doc__)
        return 2
    found = [message for path in paths for message in check(path, verbose)]
    for message in found:
        print(message)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
