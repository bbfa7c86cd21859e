#!/usr/bin/env python3
"""Hand-written code that reads r12 or flags behind a call, of a function or through a register, as it
left them in front of it, or as what it called leaves them, reads the same when the firmware is
hardened: seals and checks of calls in between, however deep, keep them. Where a check cannot, the
call stays as it is and is counted. `check --original` refuses a check in such a place.

    r12_and_flags_outlive_calls_that_keep_them.py PROOFMARK
"""
import json
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../check"))
from board import Board, run  # noqa: E402
from images import Patch  # noqa: E402

FUNCTION = """
    .section .text.{0}, "ax", %progbits
    .global {0}
    .type {0}, %function
    .thumb_func
{0}:
{1}
    .ltorg
    .align 2
    .size {0}, . - {0}
"""
# r0 is returned: 6 of 5. None of them writes flags, and but for two, r12.
CALLEES = {
    "leaf": "add.w r0, r0, #1\n bx lr",
    "framed": "push {r4, lr}\n add.w r4, r0, #1\n mov r0, r4\n pop {r4, pc}",
    "ends_in_leaf": "push {r4, lr}\n pop {r4, lr}\n b.w leaf",
    "calls_leaf": "push {r4, lr}\n bl leaf\n pop {r4, pc}",
    "calls_framed": "push {r4, lr}\n bl framed\n pop {r4, pc}",
    "calls_pointer": "push {r4, lr}\n ldr r4, =leaf\n blx r4\n pop {r4, pc}",
    "calls_who_calls_pointer": "push {r4, lr}\n bl calls_pointer\n pop {r4, pc}",
    "jumps_to_pointer": "ldr r1, =framed\n bx r1",
    "brings_ip": "push {r4, lr}\n add.w r0, r0, #1\n mov ip, #40\n pop {r4, pc}",
    "brings_ip_by_another": "push {r4, lr}\n bl brings_ip\n pop {r4, pc}",
    "brings_flags": "push {r4, lr}\n add.w r4, r0, #1\n cmp r0, #5\n mov r0, r4\n pop {r4, pc}",
    "brings_flags_by_pointer": "push {r4, lr}\n ldr r4, =brings_flags\n blx r4\n pop {r4, pc}",
}
KEEP = ("leaf", "framed", "ends_in_leaf", "calls_leaf", "calls_framed", "calls_pointer", "calls_who_calls_pointer",
        "jumps_to_pointer")
IP = "push {r4, lr}\n mov ip, #40\n %s\n add r0, ip\n pop {r4, pc}"
FLAGS = "push {r4, lr}\n cmp r0, #5\n %s\n ite eq\n addeq r0, #40\n addne r0, #80\n pop {r4, pc}"
POINTER = "ldr r3, =%s\n blx r3"


def callers():
    """name: (body, what it does of 5, its checked calls of how many). Of 6: one more, and 40 with flags."""
    out = {}
    for callee in (*KEEP, "brings_ip", "brings_ip_by_another"):
        out[f"ip_over_{callee}"] = (IP % f"bl {callee}", 46, None)
        out[f"ip_over_pointer_to_{callee}"] = (IP % (POINTER % callee), 46, (1, 1))
    for callee in (*KEEP, "brings_flags", "brings_flags_by_pointer"):
        out[f"flags_over_{callee}"] = (FLAGS % f"bl {callee}", 46, None)
        out[f"flags_over_pointer_to_{callee}"] = (FLAGS % (POINTER % callee), 46, (0, 1))
    out["ip_over_two"] = (IP % (POINTER % "framed" + "\n subs r0, #1\n" + "bl calls_framed"), 46, (1, 1))
    out["flags_over_two"] = (FLAGS % (POINTER % "framed" + "\n sub.w r0, r0, #1\n bl leaf"), 46, (0, 1))
    out["flags_anew"] = ("push {r4, lr}\n cmp r0, #5\n ldr r3, =leaf\n blx r3\n cmp r0, #6\n ite eq\n addeq r0, #40\n"
                         " addne r0, #80\n pop {r4, pc}", 46, (1, 1))
    out["ip_anew"] = ("push {r4, lr}\n mov ip, #7\n ldr r3, =leaf\n blx r3\n mov ip, #40\n add r0, ip\n pop {r4, pc}", 46,
                      (1, 1))
    return out


def program(names, callees, callers_of):
    text = ".syntax unified\n.thumb\n" + "".join(FUNCTION.format(n, b) for n, b in callees.items())
    text += "".join(FUNCTION.format(n, body) for n, (body, _, _) in callers_of.items())
    lines = ["#include <stdio.h>", *(f"int {n}(int);" for n in names),
             f"__asm__({json.dumps(text + '.text')});",
             "static void is(const char *n, int got, int want) { if (got != want) printf(\"WRONG: %s %d\\n\", n, got); }",
             "int main(void) {"]
    for name in names:
        want = callers_of[name][1]
        other = want + (41 if name.startswith("flags") else 1)
        lines += [f'    is("{name}", {name}(5), {want});', f'    is("{name}", {name}(6), {other});']
    return "\n".join([*lines, '    puts("all were called");', "    return 0;", "}"])


def behaves(board, name, callers_of, seeds=("7e57",), counts=True):
    """Each alone is counted: what one of them asks of a function, others of the image would have too."""
    elf = board.build(name, program(list(callers_of), CALLEES, callers_of), ["-Os"])
    plain = run(elf)
    board.expect(b"WRONG" not in plain.output, f"{name} as it is: {plain.told()}")
    report = board.same(elf, "all were called", seeds=seeds)
    for caller, (_, _, calls) in callers_of.items():
        row = board.function(report or {"functions": []}, caller).get("protections", {})
        if calls and counts:
            got = row.get("calls", {})
            board.expect((got.get("protected"), got.get("sites")) == calls, f"{name}: {caller}: {got}")
        returns = row.get("returns", {})
        board.expect(returns.get("protected") == returns.get("sites") == 1, f"{name}: {caller}: {returns}")
    return elf


def is_left(board, elf, name, sites):
    """Of the calls in the output `sites` are left for their flags, and check says so of the output alone."""
    found = board.tool("check", f"{elf}.exploit")
    told = f"unchecked {sites:>9} flags that the check would write are kept over it"
    board.expect(found.returncode == 0 and " ".join(told.split()) in " ".join(found.stdout.split()), f"{name}: {found.stdout}")


# What stands behind the call is put in once it is hardened, into both images.
LATER = {
    "reads_flags": ("nop\n nop", "flags", struct.pack("<HH", 0xbf08, 0x2063)),  # it eq; moveq r0, #99
    "reads_ip": ("nop", "ip", struct.pack("<H", 0x4460)),  # add r0, ip
}


def checked_call_is_found(board):
    for name, (filler, words, code) in LATER.items():
        body = f"push {{r4, lr}}\n cmp r0, #5\n mov ip, #40\n ldr r3, =leaf\n blx r3\n {filler}\n pop {{r4, pc}}"
        one = {f"later_{name}": (body, 6, (1, 1))}
        elf = behaves(board, f"later_{name}", one)
        saved = []
        for image in (Patch(elf), Patch(f"{elf}.exploit")):
            saved.append(image.put(image.address(f"later_{name}", "nop"), code).save("later"))
        found = board.tool("check", "--original", *saved)
        told = f"later_{name}: the check of a call writes {words}"
        board.expect(found.returncode == 1 and told in found.stdout, f"{name}: {found.stdout}")


def main():
    board = Board(sys.argv[1])
    for name, caller in callers().items():
        elf = behaves(board, name, {name: caller})
        if caller[2] and caller[2][0] == 0:
            is_left(board, elf, name, 2 if name.endswith(("_pointer", "_to_pointer")) else 1)
    behaves(board, "together", callers(), seeds=("00", "7e57"), counts=False)
    checked_call_is_found(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
