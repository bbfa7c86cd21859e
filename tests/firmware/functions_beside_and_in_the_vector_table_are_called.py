#!/usr/bin/env python3
"""A table of functions may stand right behind the vectors in their section, with a symbol or
without, and code may call what a vector names: through the table's symbol, by MOVW/MOVT, from
data, or from where VTOR points. All those functions are targets of indirect
calls. A table whose address is only written to VTOR is the processor's alone, and its handlers
have no tag.

    functions_beside_and_in_the_vector_table_are_called.py PROOFMARK
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import board as boards  # noqa: E402
from board import Board  # noqa: E402

VECTORS = ".vectors : { KEEP(*(.vectors)) } > FLASH :text"
TABLE = "vec_table = .; KEEP(*(.vectors)) "

OPS = r"""
#include <stdio.h>
int one(int x); int two(int x);
__attribute__((used)) int one(int x) { return x + 1; }
__attribute__((used)) int two(int x) { return x * 2; }
typedef int (*operation)(int);
%s
volatile int which;
int main(void) { printf("ops %%d %%d\n", OPS[which](5), OPS[which + 1](5)); return 0; }
"""
NAMED = '__attribute__((section(".optable"), used)) static const operation ops[] = {one, two};\n#define OPS ops'
# Neither the table nor the vectors have a symbol: nothing says where they end.
UNNAMED = '__asm__(".section .optable, \\"a\\"\\n.word one, two\\n.text\\n");\n#define OPS ((operation *)64)'
CALLED = r"""
#include <stdint.h>
#include <stdio.h>
typedef void (*vector)(void);
extern vector vec_table[];
volatile int seen, n = 15;
void SysTick_Handler(void) { seen++; }
%s
int main(void) { %s; printf("seen %%d\n", seen); return 0; }
"""
WAYS = (
    ("symbol", "", "vec_table[n]()"),
    ("pair", "__attribute__((noinline)) static vector *table(void) { vector *t; __asm__(\"movw %0, #:lower16:vec_table\\n"
             "movt %0, #:upper16:vec_table\" : \"=r\"(t)); return t; }", "table()[n]()"),
    ("data", "vector *volatile kept = vec_table;", "kept[n]()"),
    ("vtor", "", "(*(vector *volatile *)0xe000ed08)[n]()"),
    ("scb", "struct scb { uint32_t cpuid, icsr; vector *vtor; };\n#define SCB ((volatile struct scb *)0xe000ed00)",
     "SCB->vtor[n]()"),
)
SET = r"""
#include <stdint.h>
#include <stdio.h>
extern uint32_t vec_table[];
volatile int seen;
void SysTick_Handler(void) { seen++; }
void SVC_Handler(void) { seen += 2; }
__attribute__((noinline)) static void start(void) {
    %s
}
int main(void) {
    start();
    *(volatile uint32_t *)0xe000ed04 = 1u << 26; /* ICSR: SysTick pending */
    __asm__ volatile("dsb\n\tisb\n\tsvc #0" ::: "memory");
    printf("seen %%d\n", seen);
    return 0;
}
"""
ONLY_SET = ("*(volatile uint32_t *)0xe000ed08 = (uint32_t)vec_table; *(volatile uint32_t *)0xe000ed88 |= 0xf00000; "
            "for (volatile int i = 0; i < 3;) i++;")
KEPT = "*(volatile uint32_t *)0xe000ed08 = (uint32_t)vec_table; seen = *(volatile uint32_t *)((uint32_t)vec_table + 40) ? 1 : 0;"


def script(board, name, vectors):
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    assert VECTORS in text
    boards.LINK[-1] = board.write(f"{name}.ld", text.replace(VECTORS, f".vectors : {{ {vectors} }} > FLASH :text"))


def targets(board, elf):
    found = board.tool("check", "--json", "--original", elf, f"{elf}.exploit")
    return json.loads(found.stdout)["calls"]["targets"] if found.returncode == 0 else 0


def behind_the_vectors(board):
    script(board, "ops", "KEEP(*(.vectors)) KEEP(*(.optable))")
    board.same(board.build("named", OPS % NAMED), "ops 6 10")
    elf = board.build("unnamed", OPS % UNNAMED, ["-O1"])
    subprocess.run(["arm-none-eabi-objcopy", "--strip-symbol=vectors", elf], check=True)
    names = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout
    board.expect(not any(line.endswith((" vectors", " ops")) for line in names.splitlines()), "the tables have symbols")
    board.same(elf, "ops 6 10")


def called(board):
    script(board, "called", TABLE)
    for name, text, call in WAYS:
        board.same(board.build(name, CALLED % (text, call)), "seen 1", seeds=["01"])


def only_set(board):
    script(board, "set", TABLE)
    counts = []
    for name, text in (("none", ""), ("only_set", ONLY_SET), ("kept", KEPT)):
        elf = board.build(name, SET % text, ["-O2"])
        board.same(elf, "seen 3", ["exploit"], seeds=["01"])
        counts.append(targets(board, elf))
    none, only, kept = counts
    board.expect(none == only, f"{only} targets with VTOR set, {none} without")
    board.expect(kept > none, f"{kept} targets where the table is read, {none} else")


def main():
    board = Board(sys.argv[1])
    ordinary = boards.LINK[-1]
    behind_the_vectors(board)
    called(board)
    only_set(board)
    boards.LINK[-1] = ordinary
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
