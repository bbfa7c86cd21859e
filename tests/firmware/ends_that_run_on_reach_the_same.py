#!/usr/bin/env python3
"""Where control runs out of a function's end, it reaches the same instruction afterwards: next to
it, across filler, behind a call that comes back (of a function, or of the host by semihosting), into
data, in the next section, behind bytes that nobody decodes. Nothing refers to what it reaches. `check --original` sees each byte of
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
# SYS_ERRNO comes back, whatever the host has there.
HOST = "mov r2, r0\n movs r1, #0\n movs r0, #0x13\n bkpt 0xab\n mov r0, r2"
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
    "behind_a_host_call": (".text.f", HOST, "", ".text.f", NEXT),
    "behind_a_host_call_across_filler": (".text.f", HOST, "nop", ".text.f", NEXT),
    "behind_a_host_call_into_data": (".text.f", "b 1f\n nop\n1: nop\n" + HOST + "\n .word 0x47703001", "", ".text.f",
                                     "f_next: bx lr"),
    # An exit's operation stands in front, but not on every way, or not for certain.
    "host_call_behind_dead_code": (".text.f", "mov r2, r0\n movs r0, #0x13\n b 1f\n .inst.n 0x2018\n1: movs r1, #0\n"
                                 " bkpt 0xab\n mov r0, r2", "", ".text.f", NEXT),
    "host_call_in_a_loop": (".text.f", "mov r2, r0\n movs r1, #0\n movs r0, #0x13\n movs r3, #0\n b 2f\n"
                            "1: movs r0, #0x18\n cmp r3, #0\n bne 2f\n b 2f\n2: bkpt 0xab\n mov r0, r2", "", ".text.f",
                            NEXT),
    "host_call_on_one_outcome": (".text.f", "mov r2, r0\n movs r1, #0\n movs r0, #0x13\n cmp r1, #9\n it eq\n"
                                 " moveq r0, #0x18\n bkpt 0xab\n mov r0, r2", "", ".text.f", NEXT),
    "host_call_behind_a_callee": (".text.f", "push {r4, lr}\n movs r4, #0x18\n b 3f\n2: movs r4, #0x13\n bx lr\n"
                                  "3: mov r3, r0\n bl 2b\n mov r0, r4\n movs r1, #0\n bkpt 0xab\n mov r0, r3", "",
                                  ".text.f", "f_next: adds r0, #1\n pop {r4, pc}"),
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

# Semihosting calls that do not come back: newlib's _kill_shared, as GCC compiles it, whose second call
# nothing but the first would come to with another operation; one by a constant in front; and what
# runs on were the operation 4.
EXITS = """
    .section .text.{0}, "ax"
    .global {0}
    .type {0}, %function
    .thumb_func
{0}:
{1}
    .size {0}, . - {0}
"""
KILL_SHARED = """
    push {lr}
    sub sp, #12
    ldr r2, 9f
    strd r2, r0, [sp]
    bl extended
    cmp r0, #0
    ite eq
    moveq r4, #24
    movne r4, #32
    bl extended
    cbz r0, 1f
    mov r5, sp
    mov r0, r4
    mov r1, r5
    bkpt 0xab
    mov r4, r0
1:  ldr r5, [sp]
    mov r0, r4
    mov r1, r5
    bkpt 0xab
    mov r4, r0
    nop
    .align 2
9:  .word 0x20026
"""
PLAIN_EXIT = "sub sp, #8\n ldr r2, 9f\n strd r2, r0, [sp]\n mov r1, sp\n movs r0, #0x20\n bkpt 0xab\n .align 2\n9: .word 0x20026"
ENDING = r"""
#include <stdio.h>
void leave(int code);
__attribute__((noinline, used)) int extended(void) { __asm__ volatile("" ::: "memory"); return 1; }
__attribute__((noinline)) int odd(int n) { if (n > 1000) leave(3); return n | 1; }
__asm__(%s);
int main(void) { printf("odd %%d\n", odd(8)); fflush(stdout); leave(0); }
"""
RDIMON = ["-Wl,--start-group", "-lc", "-lrdimon", "-Wl,--end-group", "-Wl,--defsym,end=__HeapBase"]
MONITOR = r"""
#include <stdio.h>
void initialise_monitor_handles(void);
int main(void) { initialise_monitor_handles(); printf("monitor\n"); return 0; }
"""


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


def exits(board):
    """Such functions move, and who calls them does not run on: that is judged of each image alone."""
    elf = None
    for name, body in (("kill_shared", KILL_SHARED), ("plain_exit", PLAIN_EXIT)):
        text = json.dumps(EXITS.format("leave", body))
        elf = board.build(name, ENDING % text)
        row = board.function(board.same(elf, "odd 9") or {"functions": []}, "leave")
        board.expect(row.get("status") == "accepted", f"{name}: {row}")
    out = board.path("plain_exit.elf.null")
    changed = [Patch(path) for path in (elf, out)]
    for image in changed:
        image.put(image.address("leave", "movs r0, #32"), b"\x04\x20")
    original, moved = (image.save("writes") for image in changed)
    found = board.tool("check", "--original", original, moved)
    board.expect(found.returncode == 1 and "control may run out of" in found.stdout, found.stdout)
    elf = board.build("monitor", MONITOR, shared=("startup.c", "key_fixed.c"), link=RDIMON)
    report = board.same(elf, "monitor")
    for name in ("_exit", "_kill_shared"):
        row = board.function(report or {"functions": []}, name)
        board.expect(row.get("status") == "accepted", f"monitor: {name}: {row}")


def main():
    board = Board(sys.argv[1])
    for name, case in CASES.items():
        board.same(build(board, name, case), "got 42")
    exits(board)
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
