#!/usr/bin/env python3
"""A vector table that was declared without `const` is flagged writable by the linker, and lies in
flash all the same. Of whatever length, the memory map leaves it read only, and address 0 with its
guard; a store to it faults. Where code can have its address to write there (by VTOR, or by the
table's name) it stays writable, the code keeps working, and there is no guard at address 0.

    vector_tables_without_const_stay_read_only.py PROOFMARK
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
import board as boards  # noqa: E402
from board import Board, emulate  # noqa: E402

FAULT = 99  # tests/board/startup.c: a fault was reported
PLAIN = r"""
#include <stdio.h>
int main(void) { printf("runs\n"); return 0; }
"""
STORES = r"""
#include <stdio.h>
#include <stdint.h>
static volatile uintptr_t place = 0x28; /* reserved, and no constant that anything could follow */
int main(void) { *(volatile uint32_t *)place = 1; printf("stored\n"); return 0; }
"""
SETS_HANDLER = r"""
#include <stdio.h>
#include <stdint.h>
static volatile int ticks;
static void tick(void) { ticks++; }
TABLE
int main(void) {
    table()[15] = (uint32_t)(uintptr_t)tick;
    *(volatile uint32_t *)0xe000ed04 = 1u << 26; /* ICSR.PENDSTSET */
    __asm__ volatile("dsb\nisb" ::: "memory");
    printf("ticks %d\n", ticks);
    return 0;
}
"""
BY_VTOR = "static volatile uint32_t *table(void) { return *(volatile uint32_t **)0xe000ed08; }"
BY_NAME = "extern uint32_t vectors[]; static volatile uint32_t *table(void) { return vectors; }"
SETS_VTOR = r"""
#include <stdio.h>
#include <stdint.h>
extern uint32_t vectors[];
int main(void) {
    __asm__ volatile("ldr r2, =vectors\n str r2, [%0]\n movs r2, #0" : : "r"(0xe000ed08) : "r2", "memory");
    printf("runs\n");
    return 0;
}
"""
BEHIND = r"""
#include <stdio.h>
__attribute__((section(".vectors"), used)) volatile int counter[8];
int main(void) { counter[3] += 4; printf("counter %d\n", counter[3]); return 0; }
"""


def board_of(board, words, name):
    """The board with a vector table of so many words, and no const."""
    folder = board.path(name)
    shutil.copytree(os.path.join(boards.ROOT, "tests/board"), folder)
    with open(os.path.join(folder, "startup.c"), encoding="utf-8") as file:
        text = file.read()
    for old, new in (("used)) static const struct {", "used)) struct table {"), ("entries[15];", f"entries[{words - 1}];")):
        assert old in text
        text = text.replace(old, new)
    with open(os.path.join(folder, "startup.c"), "w", encoding="utf-8") as file:
        file.write(text)
    boards.BOARD = folder
    if os.path.exists(board.path("board-startup.c.o")):
        os.unlink(board.path("board-startup.c.o"))


def guarded(board, name, text, expected, on):
    elf = board.build(name, text, ["-O1"])
    report = board.same(elf, expected, ["exploit"], seeds=["01"])
    if not report:
        return None
    found = report["memory_map"]
    roles = [region["role"] for region in found["regions"]]
    board.expect(found["applied"] and ("address 0" in roles) == on and ("RAM in the code region" in roles) != on,
                 f"{name}: {found}")
    return elf


def main():
    board = Board(sys.argv[1])
    for words in (16, 24, 40, 48, 64, 112):
        board_of(board, words, f"board{words}")
        guarded(board, f"plain{words}", PLAIN, "runs", True)
        guarded(board, f"vtor{words}", BY_VTOR.join(SETS_HANDLER.split("TABLE")), "ticks 1", False)
    guarded(board, "name", BY_NAME.join(SETS_HANDLER.split("TABLE")), "ticks 1", False)
    guarded(board, "sets_vtor", SETS_VTOR, "runs", True)
    guarded(board, "behind", BEHIND, "counter 4", False)
    elf = board.build("stores", STORES, ["-O1"])
    plain = emulate(elf)
    board.expect(plain.code == 0 and b"stored" in plain.output, f"a store to the plain table: {plain.told()}")
    done, out, _ = board.harden(elf)
    run = emulate(out)
    board.expect(done.returncode == 0 and run.code == FAULT, f"a store to the hardened table: {run.told()}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
