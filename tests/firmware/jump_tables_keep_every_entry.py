#!/usr/bin/env python3
"""A jump table moves with all of its entries, or its function stays: a comparison of the index counts
only where it leads past the table branch, and a table that no such comparison bounds is its whole
run of data, each entry of which leads to an instruction of the function.

    jump_tables_keep_every_entry.py PROOFMARK
"""
import subprocess
import sys

from board import Board
from images_of_clang_and_lld_are_hardened_whole import link

LENGTH = "a jump table's length does not follow from its bound check"
ENTRY = "a jump table's entry is not an instruction of its function"
READ = "it reads code as data"

# Every value has a case, so that Clang compares nothing with the table's length at -Oz, but does
# compare the index with 6.
UNBOUNDED = r"""
#include <stdio.h>
volatile int kept;
__attribute__((noinline)) static void tell(int n) { printf("%d ", n); }
__attribute__((noinline)) int choose(unsigned n) {
    int k = 1;
    n &= 7;
    if (n == 6) k = 9;
    switch (n) {
    case 0: tell(1); k += 1; break;
    case 1: tell(2); k += 3; break;
    case 2: tell(3); k ^= 5; break;
    case 3: tell(4); return 7;
    case 4: tell(5); k += 11; break;
    case 5: tell(6); k = kept; break;
    case 6: kept = 3; break;
    case 7: tell(9); k += 5; kept = k; break;
    }
    return k + kept;
}
int main(void) {
    int sum = 0;
    for (unsigned i = 0; i < 16; i++) sum = sum * 3 + choose(i);
    printf("chose %d\n", sum);
    return 0;
}
"""

MAIN = r"""
#include <stdio.h>
int choose(int n);
__attribute__((noinline, used)) int grows(int n) { volatile int v = n + 3; return v; }
__asm__(".syntax unified\n.section .text.choose,\"ax\"\n.balign 4\n.global choose\n.type choose, %%function\n"
        ".thumb_func\nchoose:\n%s\n.size choose, . - choose\n.text\n");
int main(void) {
    int sum = 0;
    for (int i = 0; i < 8; i++) sum = sum * 5 + choose(i);
    printf("chose %%d\n", sum);
    return 0;
}
"""
ENTRIES = "(2f-1b)/2, (3f-1b)/2, (4f-1b)/2, (5f-1b)/2"
CASES = """
2: adds r0, #1
 bl grows
 b 6f
3: adds r0, #2
 bl grows
 b 6f
4: adds r0, #7
 bl grows
 b 6f
5: adds r0, #17
6: add r0, r4
 pop {r4, pc}
9: movs r0, #77
 pop {r4, pc}
"""


def switch(check, branch="tbb [pc, r1]", count=8, entry=".byte", pool="", front="", entries=None, mask=7):
    """As many values of r1 as the mask has, `count` entries."""
    listed = (entries or f"{ENTRIES}, {ENTRIES}").split(", ")[:count]
    return (f" push {{r4, lr}}\n movs r4, #0\n{front} and r1, r0, #{mask}\n{check}\n {branch}\n"
            f"1: {entry} {', '.join(listed)}\n .p2align 1\n{pool}{CASES}")


WIDE = {"branch": "tbh [pc, r1, lsl #1]", "entry": ".hword"}
# A literal directly behind the table, in its run of data: there the comparison alone says how long it is.
POOL = {"front": " ldr r4, 8f\n", "pool": "8: .word 1\n"}
MISLEADING = {  # comparisons with the index that bound nothing
    "to_itself": "cmp r1, #{}\n bhi 7f\n7:",
    "conditional_move": "cmp r1, #{}\n it eq\n moveq r4, #9",
    "equal": "cmp r1, #{}\n beq 7f\n7:",
    "flags_lost": "cmp r1, #{}\n movs r4, #2\n bhi 7f\n nop\n7:",
}
BOUNDS = {  # of a table of six
    "higher": "cmp r1, #5\n bhi 9f",
    "higher_or_same": "cmp r1, #6\n bhs 9f",
    "lower_or_same_into": "cmp r1, #5\n bls 7f\n b 9f\n7:",
    "lower_into": "cmp r1, #6\n blo 7f\n movs r0, #70\n pop {r4, pc}\n7:",
    "returns_under_a_condition": "cmp r1, #5\n itt hi\n movhi r0, #70\n pophi {r4, pc}",
    "branches_under_a_condition": "cmp r1, #5\n it hi\n bhi 9f",
    "of_a_copy": "cmp r1, #5\n mov r2, r1\n bhi 9f\n mov r1, r2",
    "with_code_between": "cmp r1, #5\n mov r3, #4\n bhi 9f\n adds r0, #1\n cmp r0, #100\n beq 9f",
}
UNPROVEN = {  # what stays, and why
    "none_and_a_pool": (switch("", **POOL), LENGTH),
    "passed_by": (switch("cmp r1, #9\n beq 7f\n cmp r1, #7\n bhi 9f\n7:", **POOL), LENGTH),
    "more_than_there_are": (switch("cmp r1, #8\n bhi 9f"), LENGTH),
    "fewer_than_there_are": (switch("cmp r1, #5\n bhi 9f"), LENGTH),
    "inside_an_instruction": (switch("", entries=f"{ENTRIES}, (2f-1b)/2, (3f-1b)/2, (4f-1b)/2, (2f+4-1b)/2", mask=3), ENTRY),
    "read_as_data": (switch("adr r2, 1f\n ldrb r3, [r2, #4]"), READ),
    "filled_with_other_than_zero": (switch("cmp r1, #6\n bhi 9f", entries=f"{ENTRIES}, (2f-1b)/2, (3f-1b)/2, (4f-1b)/2, 1"),
                                    ENTRY),
}


def assembled(board, name, body, expect_reason=None):
    text = MAIN % body.replace("\n", "\\n")
    elf = board.build(name, text)
    report = board.same(elf, "chose ", seeds=["7e57"])
    row = board.function(report, "choose") if report else {}
    right = row.get("reason") == expect_reason if expect_reason else row.get("status") == "accepted"
    board.expect(right, f"{name}: {row}")


def tables_of_clang(board):
    for level in (["-Oz"], ["-Os"], ["-O2"]):
        elf = link(board, f"unbounded{level[0]}", [board.write("unbounded.c", UNBOUNDED)], level)
        if level == ["-Oz"]:
            code = subprocess.run(["arm-none-eabi-objdump", "--disassemble=choose", elf], capture_output=True,
                                  text=True, check=True).stdout
            board.expect("tbb\t" in code and "cmp\tr0, #6" in code and "hi" not in code, f"no such table: {code}")
        report = board.same(elf, "chose ", seeds=["7e57"])
        row = board.function(report, "choose")
        board.expect(row["status"] == "accepted", f"clang {level}: {row}")


def main():
    board = Board(sys.argv[1])
    tables_of_clang(board)
    for name, check in MISLEADING.items():
        for bound in (5, 6):
            assembled(board, f"tbb_{name}_{bound}", switch(check.format(bound)))
            assembled(board, f"tbh_{name}_{bound}", switch(check.format(bound), **WIDE))
    for name, check in BOUNDS.items():
        assembled(board, f"tbb_{name}", switch(check, count=6, **POOL))
        assembled(board, f"tbh_{name}", switch(check, count=6, **WIDE, **POOL))
    for name, (body, reason) in UNPROVEN.items():
        assembled(board, name, body, reason)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
