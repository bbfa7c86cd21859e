#!/usr/bin/env python3
"""Computed gotos by tables of labels, in data and in the code of functions that are called through
pointers: ld makes the relocations of labels be of the section that the code was in, which says nothing
true of code that goes to another. All of it does go there, some with each seed, and works, and check holds it.

    labels_follow_code_to_another_section.py PROOFMARK
"""
import os
import subprocess
import sys

from board import Board, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../harden"))
from firmware_without_data_holds import SCRIPT  # noqa: E402

PROGRAM = r"""
#include <stdint.h>
extern uint32_t __top;
__attribute__((noipa)) static void leave(uint32_t code) {
    uint32_t block[2] = {0x20026, code};
    __asm__ volatile("movs r0, #0x20\n mov r1, %0\n bkpt 0xab" : : "r"(block) : "r0", "r1", "memory");
    for (;;) {}
}
__attribute__((noipa)) uint32_t key(void) { return *(volatile uint32_t *)0x40004010; }
__attribute__((noipa)) int work(int n) { return n * 3 + 1; }
#define IN_DATA(name, k) __attribute__((noipa)) int name(int n) { \
    static const void *const labels[] = {&&a, &&b, &&c, &&d}; \
    int v = k, step = n | 0x80; \
    goto *labels[step & 3]; \
a:  v = work(v) + 1; step = step / 4; goto *labels[step & 3]; \
b:  v = work(v) * k; step = step / 4; goto *labels[step & 3]; \
c:  v = work(v) - n; return v; \
d:  return work(v) ^ k; }
#define IN_CODE(name, k) int name(int n); \
    __asm__(".syntax unified\n.section .text." #name ",\"ax\"\n.balign 4\n.type " #name ", %function\n.thumb_func\n" \
            #name ": push {r4, lr}\nmov r4, r0\nbl work\nand r1, r4, #1\nadr r2, 9f\nldr pc, [r2, r1, lsl #2]\n" \
            ".balign 4\n9: .word 1f + 1, 2f + 1\n1: adds r0, #" #k "\npop {r4, pc}\n" \
            "2: bl work\nadds r0, #" #k "\npop {r4, pc}\n.size " #name ", . - " #name "\n.text");
#define FOUR(X, p) X(p##0, 3) X(p##1, 4) X(p##2, 5) X(p##3, 6)
FOUR(IN_DATA, d)
FOUR(IN_CODE, c)
int (*const all[])(int) = {c0, c1, c2, c3};
void Reset_Handler(void) {
    uint32_t sum = 0;
    for (int n = 0; n < 60; n += 7) {
        sum += d0(n) ^ d1(n) ^ d2(n) ^ d3(n);
        for (int i = 0; i < 4; i++) sum = sum * 3 + all[i](n);
    }
    leave(sum % 251);
}
__attribute__((section(".vectors"), used)) const void *const vectors[16] = {&__top, Reset_Handler};
"""
SEEDS = ("00", "01", "02", "03", "04", "05")


def sections_of(elf):
    """The section of each function."""
    listing = subprocess.run(["arm-none-eabi-objdump", "-t", elf], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines() if " F " in line]
    return {row[-1]: row[3] for row in rows}


def main():
    board = Board(sys.argv[1])
    script = board.write("bare.ld", SCRIPT)
    for level in ("-O1", "-Os"):
        elf, went, accepted = board.path(f"labels{level}.elf"), set(), set()
        subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", level, "-nostdlib", "-T", script,
                        "-ffunction-sections", "-Wl,--emit-relocs", board.write("labels.c", PROGRAM), "-o", elf],
                       check=True)
        plain, before = run(elf), sections_of(elf)
        board.expect(plain.code > 1, f"{level}: {plain.told()}")
        for seed in SEEDS:
            done, out, report = board.harden(elf, options=["--key-function", "key", "--seed", seed])
            if not board.expect(done.returncode == 0, f"{level} {seed}: {done.stderr}"):
                continue
            found = board.tool("check", out, "--original", elf)
            board.expect(found.returncode == 0, f"{level} {seed}: {found.stdout[-500:]}{found.stderr}")
            board.expect(run(out).same(plain), f"{level} {seed}: {run(out).told()}")
            went |= {name for name, section in sections_of(out).items() if section != before.get(name, section)}
            accepted |= {row["name"] for row in report["functions"] if row["status"] == "accepted"}
        labels = {f"{kind}{i}" for kind in "cd" for i in range(4)} & accepted
        board.expect({name[0] for name in labels} == {"c", "d"} and labels <= went,
                     f"{level}: accepted {sorted(labels)}, gone {sorted(went)}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
