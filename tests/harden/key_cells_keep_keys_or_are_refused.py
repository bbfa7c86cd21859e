#!/usr/bin/env python3
"""A RAM word is taken for the key only where a key lasts: words that start-up clears or
copies, heap and stack, flash, devices and unaligned places are refused with the reason; a
word of a section that start-up leaves alone keeps it.

    key_cells_keep_keys_or_are_refused.py PROOFMARK
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
import board as boards  # noqa: E402
from board import Board  # noqa: E402

PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
volatile uint32_t cleared[9];
volatile uint32_t copied[9] = {1, 2};
const volatile uint32_t constant[9] = {3, 4};
__attribute__((section(".noinit,\"aw\",%nobits@"), aligned(32))) volatile uint32_t kept[8];
__attribute__((section(".fast_bss,\"aw\",%nobits@"), aligned(32))) volatile uint32_t fast_bss[8];
int main(void) { printf("kept %d\n", (int)(cleared[3] + copied[1] + constant[1]) + atoi("1")); return (int)(fast_bss[0] + kept[6] * 0); }
"""
# place, words of the reason
REFUSED = [
    ("cleared", "clears"), ("copied", "copies"), ("0x00000100", "flash"), ("fast_bss", "clears"),
    ("0x20000002", "aligned"), ("0xe000ed94", "devices"), ("0xfffffffc", "devices"), ("0x40004000", "devices"),
    ("0x5ffffffc", "devices"), ("0xa0000000", "devices"), ("0xdffffffc", "devices"), ("0x00300000", "flash"),
    ("__HeapBase", "heap"), ("__StackLimit", "stack"), ("nowhere", "no symbol"),
    ("0x100000000", "no symbol"), ("0x60000000", "no RAM"), ("0x80000000", "no RAM"),
]


def script(board, name, sections, stack=None):
    """The board's script with sections that nothing clears; and with neither heap nor stack but
    what lies below 0x203ffc00."""
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    rows = "".join(f"    {section} {address:#x} (NOLOAD) : {{ *({section}) }} :late\n"
                   for section, address in sections.items())
    text = text.replace("    zero PT_LOAD FLAGS(6);", "    zero PT_LOAD FLAGS(6);\n    late PT_LOAD FLAGS(6);")
    end = text.rindex("}")
    if stack is not None:
        start = text.index("    .heap (NOLOAD)")
        text = text[:start] + "    __HeapBase = .; __HeapLimit = 0x20300000;\n    __StackTop = 0x203ffc00;\n}\n"
        end = text.rindex("}")
    boards.LINK[-1] = board.write(f"{name}.ld", text[:end] + rows + "}\n")


def main():
    board = Board(sys.argv[1])
    script(board, "cells", {".noinit": 0x203ffc40, ".fast_bss": 0x203ffd00})
    elf = board.build("cells", PROGRAM, ["-O1"], ["-Wl,--defsym,_bss_start=0x203ffd00", "-Wl,--defsym,_bss_end=0x203ffd20"])
    for place, reason in REFUSED:
        board.refused(elf, [f"{place}: a key cell", reason], ["--key-cell", place])
    # A script that knows only the stack's top: what lies below it is heap and stack.
    script(board, "top", {".noinit": 0x203ffc40, ".fast_bss": 0x203ffd00}, stack=0)
    top = board.build("top", PROGRAM, ["-O1"])
    board.refused(top, ["0x20200000: a key cell", "stack or heap"], ["--key-cell", "0x20200000"])
    board.refused(top, ["0x203ffbfc: a key cell", "stack or heap"], ["--key-cell", "0x203ffbfc"])
    for place in ("kept", "0x203ffc44", "0x203fffe0"):
        report = board.same(elf, "kept 7", ["exploit"], ["--key-cell", place], ["01"])
        if report:
            board.expect(report["key"]["place"] == "memory", f"{place}: {report['key']}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
