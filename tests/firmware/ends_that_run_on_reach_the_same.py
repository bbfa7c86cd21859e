#!/usr/bin/env python3
"""Where control runs out of a function's end, it reaches the same instruction afterwards: next to
it, across filler, behind a call that comes back, into data, in the next section, behind bytes
that nobody decodes. Nothing refers to what it reaches. `check --original` sees each byte of
such a way, and a return address that leaves by it counts.

    ends_that_run_on_reach_the_same.py PROOFMARK
"""
import json
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../check"))
from board import Board  # noqa: E402
from images import Patch  # noqa: E402

NEXT = "f_next: adds r0, #1\n bx lr"
FRAME = "push {r4, lr}\n bl k"
# (section of f, its body, what lies between, section of f_next, its body); st_size ends in between
CASES = {
    "adjacent": (".text.f", "adds r0, #1", "", ".text.f", NEXT),
    "across_filler": (".text.f", "adds r0, #1", "nop", ".text.f", NEXT),
    "across_zeros": (".text.f", "adds r0, #1", ".inst.n 0, 0, 0, 0", ".text.f", NEXT),
    "behind_a_call": (".text.f", FRAME, "", ".text.f", "f_next: adds r0, #1\n pop {r4, pc}"),
    "behind_a_call_across_filler": (".text.f", FRAME, "nop", ".text.f", "f_next: adds r0, #1\n pop {r4, pc}"),
    "behind_a_call_by_pointer": (".text.f", "push {r4, lr}\n ldr r3, =k\n blx r3\n b 1f\n .ltorg\n1: blx r3",
                                 "", ".text.f", "f_next: pop {r4, pc}"),
    "into_data": (".text.f", FRAME + "\n .word 0xbd103001", "", ".text.f", "f_next: bx lr"),
    "over_data": (".text.f", FRAME + "\n .word 0xbf003001", "", ".text.f", "f_next: pop {r4, pc}"),
    "next_section": ("code_a", "adds r0, #1", "", "code_b", NEXT),
    "call_in_next_section": ("code_a", FRAME, "", "code_b", "f_next: adds r0, #1\n pop {r4, pc}"),
    "not_decoded": (".text.f", "b 1f\n .inst.w 0xeeeeeeee\n1: adds r0, #1", "nop", ".text.f", NEXT),
    "shares_code_further_on": (
        ".text.f", "cmp r0, #99\n beq.w f_inside\n push {r4, lr}\n bl k", "", ".text.f",
        "f_next: adds r0, #1\n pop {r4, pc}\n.size f_next, . - f_next\n"
        ".type f_last, %function\n.thumb_func\nf_last: movs r0, #0\nf_inside: bx lr\n.size f_last, . - f_last"),
}
PROGRAM = r"""
#include <stdio.h>
int f(int n);
__attribute__((noinline, used)) int k(int n) { __asm__ volatile("" ::: "r5", "lr"); return n + 3; }
__asm__(%s);
int main(void) { printf("got %%d\n", f(%d)); return 0; }
"""
SECTIONS = "SECTIONS { code_a : { *(code_a) } code_b : { *(code_b) } } INSERT AFTER .text;\n"
# lr leaves f by its end from another register, which the stack gave back.
LAUNDERED = (".text.f", "orr r3, lr, #1\n push {r3, r4}\n bl k\n pop {r3, r4}\n mov lr, r3\n nop", "nop", ".text.f",
             "f_next: adds r0, #1\n bx lr")


def assembly(case):
    section, body, between, next_section, following = case
    rest = "" if "f_last" in following else ".size f_next, . - f_next"
    return (f'.section {section},"ax"\n.p2align 2\n.global f\n.type f, %function\n.thumb_func\nf: {body}\n'
            f'.size f, . - f\n{between}\n.section {next_section},"ax"\n.global f_next\n.type f_next, %function\n'
            f'.thumb_func\n{following}\n{rest}\n.text\n')


def build(board, name, case):
    """f adds 3 for each call of k, 1 for each ADDS."""
    text = assembly(case)
    calls = case[1].count("bl k") + case[1].count("blx r3")
    ones = text.count("adds r0, #1") + text.count("3001")
    script = f"-Wl,-T,{board.write('sections.ld', SECTIONS)}"
    return board.build(name, PROGRAM % (json.dumps(text), 42 - 3 * calls - ones), link=["-Wl,-u,f_next", script])


def main():
    board = Board(sys.argv[1])
    for name, case in CASES.items():
        board.same(build(board, name, case), "got 42")
    elf, out = board.path("across_filler.elf"), board.path("across_filler.elf.null")
    image = Patch(out)
    nop = image.address("f", "nop")
    fault = image.put(nop, struct.pack("<H", 0xdeff)).save("between")
    found = board.tool("check", "--original", elf, fault)
    board.expect(found.returncode == 1 and "control may run out of f at" in found.stdout, found.stdout)
    done, out, report = board.harden(build(board, "laundered", LAUNDERED))
    board.expect(done.returncode == 0, done.stderr)
    unsealed = json.loads(board.tool("check", "--json", out).stdout)["returns"]["unsealed"]
    board.expect([row["function"] for row in unsealed] == ["f"], f"laundered: {unsealed}")
    row = board.function(report, "f")["protections"]["returns"]
    board.expect((row["sites"], row["protected"]) == (1, 0), f"laundered: {row}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
