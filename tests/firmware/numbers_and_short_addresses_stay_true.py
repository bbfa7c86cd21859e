#!/usr/bin/env python3
"""What a relocation may mean by a function's address, and cannot follow it, stays true: a
half-word (.hword function, below 64 KiB), a byte, an absolute symbol, which may be the address or
a number that only equals it, MOVW/MOVT of one, and what position-independent code names. The function
keeps its place, the report says why, and calls are not checked. A half-word at the end of its
section is no fault.

    numbers_and_short_addresses_stay_true.py PROOFMARK
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import board as boards  # noqa: E402
from board import Board  # noqa: E402

TAKEN = r"""
#include <stdio.h>
__asm__(".syntax unified\n.thumb\n.section .text.wanted,\"ax\",%%progbits\n.global wanted\n.thumb_func\n"
        ".type wanted,%%function\nwanted: movs r0, #42\n bx lr\n.size wanted, . - wanted\n"
        %s);
%s
int main(void) { int (*volatile f)(void) = (int (*)(void))((%s) | 1); printf("got %%d\n", f()); return 0; }
"""
DATA = '".section .rodata.tab,\\"a\\"\\n.global tab\\n.type tab,%%object\\ntab: %s\\n.size tab, . - tab\\n.text\\n"'
FORMS = {
    "hword": (DATA % ".hword wanted\\n.hword 0", "extern const unsigned short tab[];", "(unsigned)tab[0]"),
    "no_thumb_bit": (DATA % ".word 0\\n.reloc tab, R_ARM_ABS32_NOI, wanted", "extern const unsigned tab[];", "tab[0]"),
    "movw_prel": ('".section .text.get,\\"ax\\"\\n.global get\\n.thumb_func\\n.type get,%function\\n'
                  'get: movw r0, #:lower16:wanted - (1f + 4)\\n movt r0, #:upper16:wanted - (1f + 4)\\n1: add r0, pc\\n bx lr\\n'
                  '.size get, . - get\\n"', "unsigned get(void);", "get()"),
}
WHY = {"hword": "cannot follow it", "no_thumb_bit": "cannot follow it", "movw_prel": "position-independent code"}
NUMBER = r"""
#include <stdio.h>
extern char NUMBER[];
__attribute__((noinline, used)) int wanted(int x) { return x ^ 0x55; }
volatile unsigned n;
int main(void) { n = (unsigned)NUMBER; printf("number %u %d\n", n, wanted(3)); return 0; }
"""
ALIAS = r"""
#include <stdio.h>
__attribute__((used, noinline)) int wanted(int x) { return x + 1; }
extern int alias(int);
int (*volatile p)(int) = alias;
int main(void) { printf("alias %d\n", p(5)); return 0; }
"""
LAST = r"""
#include <stdio.h>
__asm__(".section .last,\"aR\"\n.byte 1, 2\n.hword number\n.text\n.global number\n.set number, 77\n");
int main(void) { printf("last\n"); return 0; }
"""


def stays(board, elf, expected, why):
    report = board.same(elf, expected, seeds=("00", "7e57", "5eed"))
    if report:
        row = board.function(report, "wanted")
        board.expect(row.get("status") == "untouched" and why in row.get("reason", ""), f"{os.path.basename(elf)}: {row}")
        board.expect("without a relocation" in report.get("calls_reason", ""), f"{os.path.basename(elf)}: calls checked")


def address_of(elf, name):
    names = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^(\w+) T {name}$", names, re.M).group(1), 16) | 1


def numbers(board):
    for flags in ("-mslow-flash-data", "-mno-unaligned-access"):  # MOVW/MOVT, and a pool
        name = f"number{flags}"
        link = ["-Wl,--defsym=NUMBER=4097"]
        address = address_of(board.build(name, NUMBER, ["-O2", flags], link), "wanted")
        elf = board.build(name, NUMBER, ["-O2", flags], [f"-Wl,--defsym=NUMBER={address}"])
        board.expect(address_of(elf, "wanted") == address, "the function moved at the link")
        stays(board, elf, f"number {address} 86", "the absolute symbol NUMBER, ")


def alias(board):
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    ordinary, boards.LINK[-1] = boards.LINK[-1], board.write(
        "alias.ld", text.replace("\n    .rodata :", "\n    alias = ABSOLUTE(wanted) | 1;\n    .rodata :"))
    stays(board, board.build("alias", ALIAS, link=("-Wl,-u,wanted",)), "alias 6", "the absolute symbol alias, ")
    boards.LINK[-1] = ordinary


def main():
    board = Board(sys.argv[1])
    for name, parts in FORMS.items():
        stays(board, board.build(name, TAKEN % parts), "got 42", WHY[name])
    numbers(board)
    alias(board)
    board.same(board.build("last", LAST), "last", seeds=["00"])
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
