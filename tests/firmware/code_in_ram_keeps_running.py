#!/usr/bin/env python3
"""Functions that start-up copies to RAM run there after hardening: called directly over
long calls and linker veneers, through pointers, from flash and from each other, and calling
back into flash that moved; also where code makes their addresses in halves. The memory map leaves just their bytes executable, or is left away and says why.

    code_in_ram_keeps_running.py PROOFMARK
"""
import sys

from board import Board

PROGRAM = r"""
#include <stdio.h>
#define RAM __attribute__((section(".data.ramfunc"), noinline))
static int calls;
__attribute__((noinline)) int in_flash(int n) { calls++; printf("flash %d\n", n); return n + 1; }
RAM int far_veneer(int n) { return in_flash(n) * 2; }
RAM __attribute__((long_call)) int far_direct(int n) { return far_veneer(n) + in_flash(n); }
RAM int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
RAM unsigned where(void) { unsigned pc; __asm__ volatile("mov %0, pc" : "=r"(pc)); return pc; }
RAM int choose(int n) {
    switch (n) {
    case 0: return 9; case 1: return in_flash(40); case 2: return 7; case 3: return n * 3;
    case 4: return -n; case 5: return 77; case 6: return in_flash(n) - 1; default: return 0;
    }
}
int (*volatile through[])(int) = {far_veneer, fib, in_flash, choose};
__attribute__((noinline)) static int bounce(int n) { return n <= 0 ? 0 : through[n % 4](n) + bounce(n - 1); }
int main(void) {
    int total = far_direct(3) + far_veneer(5) + fib(10);
    for (int i = 0; i < 9; i++) total += choose(i);
    total += bounce(8);
    int (*volatile taken)(int) = fib;
    total += taken(7);
    printf("total %d calls %d\n", total, calls);
    return where() >> 28 != 2;
}
"""


def main():
    board = Board(sys.argv[1])
    for level in ("-O0", "-O2", "-mslow-flash-data"):
        elf = board.build(f"ram{level}", PROGRAM, ["-Os", level, "-Wa,--no-warn"])
        report = board.same(elf, "total ")
        if not report:
            continue
        row = board.function(report, "fib")
        board.expect(row.get("status") == "untouched" and row.get("reason") == "it runs from RAM", f"fib: {row}")
        flash = board.function(report, "in_flash")
        board.expect(flash.get("status") == "accepted", f"in_flash: {flash}")
        memory = report["memory_map"]
        told = not memory["applied"] and "RAM" in memory.get("reason", "")
        regions = [region for region in memory["regions"] if region["role"] == "code in RAM"]
        board.expect(told if not regions else regions[0]["size_bytes"] <= 2048, f"{level} executable RAM: {memory}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
