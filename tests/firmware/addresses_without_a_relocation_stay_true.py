#!/usr/bin/env python3
"""A function's address that code makes without a relocated word of its own (ADR, or a
difference added to pc) still leads to the function, and calls through it are not trapped:
the image then has no checked calls, and the report says why.

    addresses_without_a_relocation_stay_true.py PROOFMARK
"""
import sys

from board import Board

BODIES = {
    "adr": ("adr.w r0, callee + 1\n bx lr", ""),
    "difference": ("ldr r0, 1f\n2: add r0, pc\n bx lr\n .align 2\n1: .word callee - (2b + 4)",
                   ".section .text.callee,\"ax\"\n"),
}
PROGRAM = r"""
#include <stdio.h>
int (*get(void))(void);
__asm__(%s);
int main(void) { printf("got %%d\n", get()()); return 0; }
"""
ASSEMBLY = """.section .text.get,"ax"
.global get
.type get, %function
.thumb_func
get: BODY
.size get, . - get
SECTION.global callee
.type callee, %function
.thumb_func
callee: movs r0, #7
bx lr
.size callee, . - callee
"""


def main():
    board = Board(sys.argv[1])
    for name, (body, section) in BODIES.items():
        text = ASSEMBLY.replace("BODY", body).replace("SECTION", section)
        quoted = "\n".join('"%s\\n"' % line.replace('"', '\\"') for line in text.split("\n"))
        report = board.same(board.build(name, PROGRAM % quoted), "got 7")
        board.expect("without a relocation" in str(report), f"{name}: the report does not say why")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
