#!/usr/bin/env python3
"""Code in a second memory (external flash that start-up makes ready) does not trade places
with the code of the first: it stays, is counted, and is called as before.

    code_in_two_memories_stays_in_each.py PROOFMARK
"""
import os
import sys

import board as boards
from board import Board

COUNT = 40
FUNCTIONS = "".join(f'__attribute__((noinline, long_call, section(".exttext"))) int e{i}(int n)'
                    f" {{ volatile int x = n; x += {i}; x *= 3; return x & 0xffff; }}\n" for i in range(COUNT))
PROGRAM = f"""
#include <stdio.h>
{FUNCTIONS}
int main(void) {{
    int n = 1;
    {"".join(f"n = e{i}(n);" for i in range(COUNT))}
    printf("done %d\\n", n);
    return 0;
}}
"""


def main():
    board = Board(sys.argv[1])
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    for old, new in (("MEMORY\n{", "MEMORY\n{\n    EXT (rx) : ORIGIN = 0x21000000, LENGTH = 64K"),
                     ("    zero PT_LOAD FLAGS(6);", "    zero PT_LOAD FLAGS(6);\n    ext PT_LOAD FLAGS(5);"),
                     ("    .data : ALIGN(8)", "    .exttext : { *(.exttext) } > EXT AT > EXT :ext\n    .data : ALIGN(8)")):
        assert old in text
        text = text.replace(old, new)
    boards.LINK[-1] = board.write("two.ld", text)
    report = board.same(board.build("two", PROGRAM), "done ")
    board.expect(board.function(report, "e7").get("reason") == "it is in another memory than the start",
                 "a function in the second memory does not say why it stays")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
