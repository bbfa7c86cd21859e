#!/usr/bin/env python3
"""What Clang compiled and lld linked: every function moves and is sealed, the program is the same,
and check finds so. lld fills the gaps between functions with what reads as a branch (`bmi`), which
is no code, unless control comes to it: then what it leads to stays, as with any other filler.

    images_of_clang_and_lld_are_hardened_whole.py PROOFMARK
"""
import os
import re
import subprocess
import sys

from board import BOARD, MACHINE, Board
from programs_of_c_behave_the_same import FLOW, PREEMPTED, large_switch

LEVELS = (["-O1"], ["-O3"], ["-Oz"], ["-O2", "-falign-functions=16"])
FILLER = re.compile(r"^\s*[0-9a-f]+:\s+(?:d4d4\s|d4d4d4d4\s)", re.M)

# An assembler's functions without sizes, whose neighbours are aligned: what lld fills the gaps with
# has no mapping symbol of its own and reads as more of their code.
WITHOUT_SIZES = r"""
    .syntax unified
    .thumb
    .macro function name
    .section .text.\name, "ax"
    .balign 16
    .global \name
    .thumb_func
\name:
    .endm

    function odd
    push {r4, lr}
    mov r4, r0
    bl twice
    adds r0, r0, r4
    pop {r4, pc}

    function tail
    adds r0, r0, #1
    b.w odd

    function twice
    lsls r0, r0, #1
    bx lr
"""

CALLS = r"""
#include <stdio.h>
int odd(int), tail(int);
int main(void) { volatile int n = 5; printf("made %d\n", odd(n) * 100 + tail(n)); return 0; }
"""

# Control does come to what looks like filler: `front` runs into it, branches there, or goes there by
# a pointer. lld's filler then is a branch to 84 bytes in front, taken where N is set.
BACK = 84
WAYS = {  # and how many bytes it is long
    "runs": ("adds r0, r0, #1", 2),
    "branches": ("adds r0, r0, #1\n    b.n 2f\n    bx lr", 6),
    "points": ("ldr r1, =2f + 1\n    adds r0, r0, #1\n    bx r1\n    .ltorg", 10),
}


def into_filler(way, filler):
    body, length = WAYS[way]
    return rf"""
    .syntax unified
    .thumb
    .section .text.into_filler, "ax"
    .balign 4
    .type reached, %function
    .thumb_func
reached:
    movs r0, #77
    nop
    bx lr
    .size reached, . - reached
    .type unused, %function
    .thumb_func
unused:
    .rept {(BACK - 6 - length) // 2 - 1}
    adds r0, r0, #2
    .endr
    bx lr
    .size unused, . - unused
    .global front
    .type front, %function
    .thumb_func
front:
    {body}
    .size front, . - front
2:  .inst.n 0x{filler}
    .inst.n 0x{filler}
    .global behind
    .type behind, %function
    .thumb_func
behind:
    lsls r0, r0, #1
    bx lr
    .size behind, . - behind
"""


FRONT = r"""
#include <stdio.h>
int front(int), behind(int);
int main(void) {
    volatile int n = 5, negative = -5;
    printf("front %d %d, behind %d\n", front(n), front(negative), behind(n));
    return 0;
}
"""


def of_gcc(*arguments):
    return subprocess.run(["arm-none-eabi-gcc", *MACHINE, *arguments], capture_output=True, text=True,
                          check=True).stdout.strip()


def link(board, name, sources, flags):
    """Clang's objects of `sources` and the board's, linked by lld with GCC's newlib."""
    objects = []
    board_sources = [os.path.join(BOARD, part) for part in ("startup.c", "syscalls.c", "key_fixed.c")]
    for source in board_sources + sources:
        objects.append(board.path(f"{name}-{os.path.basename(source)}.o"))
        subprocess.run(["clang", "--target=thumbv7em-none-eabi", "-mcpu=cortex-m4", "-mfloat-abi=soft",
                        "-ffunction-sections", "-isystem", "/usr/include/newlib", "-Wno-everything",
                        *flags, "-c", source, "-o", objects[-1]], check=True)
    elf = board.path(f"{name}.elf")
    subprocess.run(["ld.lld", "--gc-sections", "--emit-relocs", "-u", "pm_random", "-T",
                    os.path.join(BOARD, "board.ld"), *objects, of_gcc("-print-file-name=libc.a"),
                    of_gcc("-print-libgcc-file-name"), "-o", elf], check=True)
    return elf


def gaps(elf):
    """How many words of lld's filler the image's code has."""
    listing = subprocess.run(["arm-none-eabi-objdump", "-d", elf], capture_output=True, text=True, check=True)
    return len(FILLER.findall(listing.stdout))


def whole(board, elf, expected, stays=()):
    """Nothing stays as it is but those of that name."""
    report = board.same(elf, expected, seeds=["7e57"])
    left = {row["name"]: row.get("reason") for row in report["functions"]
            if row.get("status") == "untouched"} if report else None
    board.expect(report and set(left) == set(stays), f"{os.path.basename(elf)}: stay: {left}")


def programs(board):
    filled = 0
    for level in LEVELS:
        name = "".join(level)
        elf = link(board, f"flow{name}", [board.write("flow.c", FLOW)], level)
        filled += gaps(elf)
        whole(board, elf, "sum 4322 of four", stays=["by_table", "by_difference"])  # no table that is read at once
        elf = link(board, f"switch{name}", [board.write("switch.c", large_switch())], level)
        filled += gaps(elf)
        whole(board, elf, "switched ")
    board.expect(filled > 20, f"the images have {filled} words of lld's filler")
    elf = link(board, "preempted", [board.write("preempted.c", PREEMPTED)], ["-Oz"])
    whole(board, elf, "preempted, hash")
    elf = link(board, "sizes", [board.write("calls.c", CALLS), board.write("sizes.s", WITHOUT_SIZES)], ["-O1"])
    board.expect(gaps(elf) > 3, "no filler behind functions without sizes")
    whole(board, elf, "made 1518")


def filler_that_runs(board):
    for filler, negative in (("d4d4", 77), ("bf00", -8)):
        for way in WAYS:
            sources = [board.write("front.c", FRONT), board.write(f"{way}.s", into_filler(way, filler))]
            elf = link(board, f"{way}-{filler}", sources, ["-O1"])
            report = board.same(elf, f"front 12 {negative}, behind 10", seeds=["7e57"], check=way != "branches")
            rows = {row["name"]: row.get("reason") for row in report["functions"]
                    if row.get("status") == "untouched"} if report else {}
            stays = {"behind"} | ({"reached"} if filler == "d4d4" else set())
            board.expect(stays <= set(rows), f"{way} {filler}: stay: {rows}")
            if way == "branches":  # code that no symbol names and nothing tells from filler
                found = board.tool("check", "--original", elf, f"{elf}.exploit")
                board.expect(found.returncode == 1 and "not known as code" in found.stdout, f"{way} {filler}: {found}")


def main():
    board = Board(sys.argv[1])
    programs(board)
    filler_that_runs(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
