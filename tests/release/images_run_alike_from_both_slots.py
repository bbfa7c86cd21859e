#!/usr/bin/env python3
"""A hardened program laid out for slot B behaves there as in slot A: tables of functions, jump
tables, literal pools and MOVW/MOVT pairs, code in RAM that calls back through veneers, setjmp,
C++ with exceptions. `check` proves it protected, and the same firmware; laid out for where it
is, it is the same file; back again from B to A, too.

    images_run_alike_from_both_slots.py PROOFMARK
"""
import json
import os
import subprocess
import sys

from slots import SLOT_A, SLOT_B, Slots, boards

PROGRAM = r"""
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
static jmp_buf place;
static int twice(int n) { return n * 2; }
static int next(int n) { return n + 1; }
static int leave(int n) { if (n > 9) longjmp(place, n); return n; }
static int (*const table[])(int) = {twice, next, leave};
static int (*volatile changing[])(int) = {next, twice, abs};
static const char *const words[] = {"one", "two", "three"};
__attribute__((noinline)) static int run(int n) { return n > 40 ? n : run(table[n % 3](n) + 1); }
__attribute__((noinline)) static int choose(int n) {
    switch (n) {
    case 0: return run(1); case 1: return twice(8); case 2: return run(n) - 1; case 3: return 7;
    case 4: return run(4) + run(3); case 5: return -1; case 6: return abs(n - 9); default: return 0;
    }
}
__attribute__((noinline)) static int computed(int n) {
    static const void *const labels[] = {&&a, &&b, &&c};
    goto *labels[n % 3];
a:  return n + 1;
b:  return choose(n);
c:  return 65536 + n;
}
#ifdef CODE_IN_RAM /* beside data: the hardener leaves the memory map away */
__attribute__((section(".data.ramfunc"), noinline))
#endif
static int in_ram(int n) { return table[n & 1](n) + choose(n); }
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
    int total = 0, numbers[] = {3, 1, 2};
    for (volatile int i = 0; i < 9; i++) {
        int code = setjmp(place);
        total = total * 3 + (code ? code : choose(i)) + computed(i) + changing[i % 3](i);
    }
    qsort(numbers, 3, sizeof *numbers, compare);
    printf("slots %d %d %d%d%d %s\n", total, in_ram(20), numbers[0], numbers[1], numbers[2], words[numbers[1]]);
    return 0;
}
"""

# Three calls return 7, 9 and 11; three throw 6, 7 and 8.
THROWING = r"""
#include <stdio.h>
extern "C" { void *__dso_handle; }
struct A { virtual int f(int n) { return n; } virtual ~A() { printf("~ "); } };
struct B : A { int f(int n) override { if (n > 5) throw n; return n * 2; } };
static int run(A &a, int n) { A keep; return a.f(n) + 1; }
int main() {
    B b;
    int total = 0;
    for (volatile int i = 3; i < 9; i++) {
        try { total += run(b, i); } catch (int n) { total += n * 100; } catch (...) { puts("other"); }
    }
    printf("slots 2127 is %d\n", total);
    return total != 2127;
}
"""


def build_throwing(board):
    """With g++, which brings its libraries."""
    shared = [os.path.join(boards.BOARD, name) for name in ("startup.c", "syscalls.c", "key_fixed.c")]
    objects = board._objects(shared, ["-Os"], "board")  # pylint: disable=protected-access
    objects += board._objects([board.write("throwing.cpp", THROWING)], ["-O2"], "throwing")  # pylint: disable=protected-access
    elf = board.path("throwing.elf")
    subprocess.run(["arm-none-eabi-g++", *boards.MACHINE, *boards.LINK, "-Wl,--strip-debug", *objects, "-o", elf], check=True)
    return elf


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def try_image(board, elf, name, hardened=True, mapped=False):
    before = board.run(elf, SLOT_A)
    board.expect(before.code == 0 and b"slots " in before.output, f"{name} in slot A: {before.told()}")
    done, moved = board.lay_out(elf, options=["--json"])
    if not board.expect(done.returncode == 0, f"{name}: {done.stderr}"):
        return
    figures = json.loads(done.stdout)
    board.expect(figures["words"] > 10 and figures["to"] == SLOT_B, f"{name}: {figures}")
    board.expect(figures["regions"] == mapped, f"{name}: regions {figures}")
    after = board.run(moved, SLOT_B)
    board.expect(after.same(before), f"{name} in slot B: {after.told()}, was {before.told()}")
    wrong = board.run(elf, SLOT_B)  # the slot is empty: the stage really starts slot B
    board.expect(wrong.code != 0, f"{name}: started from an empty slot B")
    proven = board.tool("check", "--json", "--moved-from", elf, moved)
    if board.expect(proven.returncode == 0, f"{name}: {proven.stdout[-600:]}{proven.stderr}") and hardened:
        here, there = json.loads(board.tool("check", "--json", elf).stdout), json.loads(proven.stdout)
        for group in ("returns", "calls", "key"):
            board.expect(here[group] == there[group], f"{name}: {group} {here[group]} {there[group]}")
        board.expect(there["memory_map"]["applied"] == mapped and there["returns"]["sealed"] > 0, f"{name}: {there}")
    done, same = board.lay_out(elf, SLOT_A)
    board.expect(done.returncode == 0 and bytes_of(same) == bytes_of(elf), f"{name}: not the same at its own place")
    done, back = board.lay_out(moved, SLOT_A, name=f"{moved}.back")
    board.expect(done.returncode == 0 and bytes_of(back) == bytes_of(elf), f"{name}: not the same after a way back: {done.stderr}")
    again = bytes_of(moved)
    board.lay_out(elf)
    board.expect(bytes_of(moved) == again, f"{name}: twice gives other bytes")


def main():
    board = Slots(sys.argv[1])
    in_ram = ["-DCODE_IN_RAM", "-Wa,--no-warn"]
    images = {"throwing": build_throwing(board)}
    for flags in (["-O0", *in_ram], ["-O2", *in_ram], ["-O0"], ["-Os"], ["-O2", "-mslow-flash-data"]):
        name = "".join(flags)
        images[name] = board.build(f"slots{name}", PROGRAM, flags, link=["-Wl,--strip-debug"])
    for name, elf in images.items():
        done, hardened, _ = board.harden(elf)
        if board.expect(done.returncode == 0, f"{name}: {done.stderr}"):
            try_image(board, hardened, name, mapped="CODE_IN_RAM" not in name)
        try_image(board, elf, f"{name}, plain", hardened=False)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
