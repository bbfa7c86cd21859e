#!/usr/bin/env python3
"""Assembly that returns in its own way comes back: through a register that it popped or
copied lr to (which is no indirect call), and from a subroutine of its own by something else
than BX lr, behind which its frame is still open.

    hand_written_returns_come_back.py PROOFMARK
"""
import sys

from board import Board

BODIES = {
    "popped": "push {r4, lr}\n bl g\n pop {r4}\n pop {r1}\n bx r1",
    "loaded": "push {r4, lr}\n bl g\n ldr r1, [sp, #4]\n ldr r4, [sp]\n add sp, #8\n bx r1",
    "copied": "mov ip, lr\n bl 1f\n bx ip\n1: lsls r0, r0, #1\n bx lr",
    "copied_again": "mov ip, r4\n mov r4, lr\n push {r0, ip}\n bl g\n mov r1, r4\n pop {r2, r4}\n bx r1",
    "copied_before": "mov ip, r4\n mov r4, lr\n push {r0, ip}\n mov r5, r5\n bl g\n mov r3, r4\n b 2f\n2: pop {r2, r4}\n bx r3",
    "subroutine_moves": "push {r4, lr}\n bl 1f\n pop {r4, pc}\n1: lsls r0, r0, #1\n mov pc, lr",
    "subroutine_jumps": "push {r4, lr}\n bl 1f\n pop {r4, pc}\n1: b.w g",
    "subroutine_copies": "push {r4, lr}\n bl 1f\n pop {r4, pc}\n1: mov r3, lr\n lsls r0, r0, #1\n bx r3",
}
PROGRAM = r"""
#include <stdio.h>
int f(int n);
__attribute__((noinline, used)) int g(int n) { return n * 2; }
__asm__(".section .text.f,\"ax\"\n.global f\n.type f, %%function\n.thumb_func\nf:\n %s\n.size f, . - f\n");
int main(void) { printf("got %%d\n", f(21)); return 0; }
"""


def main():
    board = Board(sys.argv[1])
    for name, body in BODIES.items():
        board.same(board.build(name, PROGRAM % body.replace("\n", "\\n")), "got 42")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
