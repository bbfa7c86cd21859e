#!/usr/bin/env python3
"""A symbol's name is what the image's maker chose: in what `proofmark check` prints, its
control characters are question marks, so that it can neither colour nor forge a line.

    names_cannot_draw_on_the_terminal.py PROOFMARK
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402

PROGRAM = """
#include <stdint.h>
volatile uint32_t count;
__attribute__((noipa)) uint32_t constant_key(void) { return 0x1234; }
int main(void) { return (int)constant_key() == 7; }
"""
NAME, NASTY = b"constant_key", b"\x1b[2J\rlies\nit"

board = Board(sys.argv[1])
elf = board.build("names", PROGRAM)
done, out, _ = board.harden(elf, options=["--key-function", NAME.decode()])
board.expect(done.returncode == 0, done.stderr)
with open(out, "rb") as file:
    image = file.read()
board.expect(image.count(b"\0" + NAME + b"\0") == 1 and len(NAME) == len(NASTY), "the name stands once")
with open(out, "wb") as file:
    file.write(image.replace(b"\0" + NAME + b"\0", b"\0" + NASTY + b"\0"))
found = board.tool("check", out)
board.expect(found.returncode == 1, found.stdout)
board.expect("?[2J?lies?it" in found.stdout, found.stdout)
board.expect(not any(c < " " and c != "\n" for c in found.stdout), repr(found.stdout))
board.expect("\nit" not in found.stdout, found.stdout)
sys.exit(bool(board.failures))
