#!/usr/bin/env python3
"""A function's address that code makes without a relocated word of its own still leads to the
function, and calls through it are not trapped. ADR of its entry counts like any address that is
taken: the function is tagged, and a pointer beside it traps. Where that cannot be (a difference
added to pc, an ADR out of reach once code has grown) the image has no checked calls, and the
report says why.

    addresses_without_a_relocation_stay_true.py PROOFMARK
"""
import sys

from board import Board, emulate

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



# The tag in front of the callee takes it out of reach.
FAR = r"""
#include <stdio.h>
int (*get(void))(void);
__asm__(".section .text.get,\"ax\"\n.global get\n.type get, %function\n.thumb_func\nget:\n"
        " adr.w r0, callee + 1\n .rept 2046\n adds r1, #1\n .endr\n bx lr\n.size get, . - get\n"
        ".global callee\n.type callee, %function\n.thumb_func\ncallee: movs r0, #7\n bx lr\n"
        ".size callee, . - callee\n");
int main(void) { printf("got %d\n", get()()); return 0; }
"""
# A pointer that is made by ADR, and four bytes beside it, as an overwritten one may be.
ATTACK = r"""
#include <stdint.h>
#include <stdio.h>
int (*get(void))(void);
__asm__(".section .text.get,\"ax\"\n.global get\n.type get, %function\n.thumb_func\n"
        "get: adr.w r0, callee + 1\n bx lr\n.size get, . - get\n"
        ".global callee\n.type callee, %function\n.thumb_func\ncallee: movs r0, #7\n bx lr\n"
        " movs r0, #66\n bx lr\n.size callee, . - callee\n");
volatile int beside = BESIDE;
int main(void) { printf("got %d\n", ((int (*)(void))((uintptr_t)get() + beside))()); return 0; }
"""


def adr_is_checked(board):
    report = board.same(board.build("right", ATTACK.replace("BESIDE", "0")), "got 7")
    calls = board.function(report, "main").get("protections", {}).get("calls")
    board.expect("calls_reason" not in report and calls == {"protected": 1, "sites": 1}, f"its call: {calls}")
    hijacked = board.build("beside", ATTACK.replace("BESIDE", "4"))
    for profile in ("plain", "null", "exploit"):
        image = hijacked if profile == "plain" else board.harden(hijacked, profile)[1]
        run = emulate(image)
        stopped = run.code == 99 and b"fault" in run.output and b"got" not in run.output
        reached = run.code == 0 and b"got 66" in run.output
        board.expect(stopped if profile == "exploit" else reached, f"beside {profile}: {run.told()}")


def main():
    board = Board(sys.argv[1])
    for name, (body, section) in BODIES.items():
        text = ASSEMBLY.replace("BODY", body).replace("SECTION", section)
        quoted = "\n".join('"%s\\n"' % line.replace('"', '\\"') for line in text.split("\n"))
        report = board.same(board.build(name, PROGRAM % quoted), "got 7")
        told = "without a relocation" in str(report)
        board.expect(told == (name == "difference"), f"{name}: the report says {report.get('calls_reason')}")
    report = board.same(board.build("far", FAR), "got 7")
    board.expect("without a relocation" in str(report), f"far: the report says {report.get('calls_reason')}")
    adr_is_checked(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
