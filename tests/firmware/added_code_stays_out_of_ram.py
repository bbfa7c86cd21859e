#!/usr/bin/env python3
"""Code that finds no room where code was goes behind what is flashed, also when the part has
RAM in the code region (core-coupled memory): never behind that RAM.

    added_code_stays_out_of_ram.py PROOFMARK
"""
import os
import subprocess
import sys

import board as boards
from board import Board

COUNT = 800
FUNCTIONS = "".join(f"__attribute__((noinline)) int k{i}(int n) {{ volatile int x = n; return other(x) + {i}; }}\n"
                    for i in range(COUNT))
PROGRAM = f"""
#include <stdio.h>
__attribute__((section(".lowram,\\"aw\\",%nobits@"))) volatile char low[4096];
__attribute__((noinline)) int other(int n) {{ return n; }}
{FUNCTIONS}
int main(void) {{
    int n = 0;
    for (unsigned i = 0; i < sizeof low; i++) low[i] = 1;
    {"".join(f"n = k{i}(n);" for i in range(COUNT))}
    printf("sum %d\\n", n);
    return 0;
}}
"""


def linker_script(address):
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    for old, new in (("MEMORY\n{", f"MEMORY\n{{\n    LOW (rw) : ORIGIN = {address:#x}, LENGTH = 16K"),
                     ("    zero PT_LOAD FLAGS(6);", "    zero PT_LOAD FLAGS(6);\n    low PT_LOAD FLAGS(6);"),
                     ("    .bss (NOLOAD)", "    .lowram (NOLOAD) : { *(.lowram) } > LOW AT > LOW :low\n    .bss (NOLOAD)")):
        assert old in text
        text = text.replace(old, new)
    return text


def section(elf, name):
    listed = subprocess.run(["arm-none-eabi-readelf", "-SW", elf], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        words = line.split("]")[-1].split()
        if words and words[0] == name:
            return int(words[2], 16), int(words[4], 16)
    return None


def main():
    board = Board(sys.argv[1])
    for address in (0x01000000, 0x00300000):
        boards.LINK[-1] = board.write(f"low-{address:x}.ld", linker_script(address))
        elf = board.build(f"low-{address:x}", PROGRAM)
        board.same(elf, f"sum {COUNT * (COUNT - 1) // 2}", seeds=("00",))
        added = section(f"{elf}.exploit", ".text.proofmark")
        board.expect(added is not None, f"{address:#x}: nothing was added, so nothing was tried")
        board.expect(added and sum(added) <= address, f"{address:#x}: the added code is at {added}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
