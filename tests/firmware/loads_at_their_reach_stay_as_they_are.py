#!/usr/bin/env python3
"""A function whose load of a literal has no room left before its pool is out of reach stays as
it is, is named with the reason by harden and by check, and the image holds; with room left
it is sealed.

    loads_at_their_reach_stay_as_they_are.py PROOFMARK
"""
import json
import sys

from board import Board

# (the load, bytes between it and the pool where it still has room, and where it has none)
LOADS = {
    "ldrd": ("ldrd r2, r3, 1f", 1000, 1020),
    "ldr": ("ldr.w r2, 1f", 4070, 4090),
    "adr": ("adr.w r2, 1f\n ldr r2, [r2]", 4070, 4090),
}
PROGRAM = r"""
#include <stdio.h>
int f(int n);
__attribute__((noinline, used)) int g(int n) { return n * 2; }
__asm__(".section .text.f,\"ax\"\n.global f\n.type f, %%function\n.thumb_func\n.balign 4\nf:\n"
        " push {r4, lr}\n mov r4, r0\n bl g\n %s\n add r0, r2\n"
        " .rept %d\n nop\n .endr\n pop {r4, pc}\n.balign 4\n1: .word 5, 6\n.size f, . - f\n");
int main(void) { printf("got %%d\n", f(4)); return 0; }
"""


def main():
    board = Board(sys.argv[1])
    for name, (load, roomy, tight) in LOADS.items():
        for space, sealed in ((roomy, 1), (tight, 0)):
            # Behind the load: add, the nops, pop.
            text = PROGRAM % (load.replace("\n", "\\n"), (space - 4) // 2)
            elf = board.build(f"{name}_{space}", text)
            report = board.same(elf, "got 13", ["exploit"], seeds=["01"])
            if not report:
                continue
            row = board.function(report, "f")
            board.expect(row["protections"]["returns"]["protected"] == sealed, f"{name} {space}: {row}")
            _, out, _ = board.harden(elf, "exploit", ["--seed", "01"])
            found = json.loads(board.tool("check", "--json", out).stdout)["returns"]["unsealed"]
            named = [entry["reason"] for entry in found if entry["function"] == "f"]
            wanted = [] if sealed else ["a reference in it would not reach if it grew"]
            board.expect(named == wanted, f"{name} {space}: check names {found}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
