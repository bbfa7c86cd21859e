#!/usr/bin/env python3
"""Firmware for Cortex-M3, M4 and M7 does the same plainly, moved and sealed on a machine with that
processor, which the firmware itself reads the name of: calls through pointers, switch tables,
recursion with many saved registers, setjmp, interrupts between sealed functions, and floating point
in software, in the M4's single and in the M7's double precision.

    each_processor_runs_what_was_hardened.py PROOFMARK
"""
import subprocess
import sys

from board import Board
from programs_of_c_behave_the_same import FLOW, PREEMPTED, large_switch

# name, compiler's flags, QEMU's machine, part number in CPUID (ARM DDI 0403E, B3.2.3; the
# processors' technical reference manuals), an instruction that only its compiler makes
PROCESSORS = [
    ("m3", ["-mcpu=cortex-m3"], "mps2-an385", 0xc23, None),
    ("m4", ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"], "mps2-an386", 0xc24, "vmul.f32"),
    ("m7", ["-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"], "mps2-an500", 0xc27, "vmul.f64"),
]

PROGRAM = r"""
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#define CPUID (*(volatile uint32_t *)0xE000ED00)
static jmp_buf place;
typedef double (*operation)(double, double);
static double add(double a, double b) { return a + b; }
static double mul(double a, double b) { return a * b; }
static double over(double a, double b) { if (b == 0) longjmp(place, 7); return a / b; }
static operation volatile const operations[] = {add, mul, over};
__attribute__((noinline)) static double polynomial(const double *c, int n, double x) {
    return n ? c[0] + x * polynomial(c + 1, n - 1, x) : 0;
}
__attribute__((noinline)) static float mean(const float *v, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++) sum += v[i] * 0.5f;
    return sum / (float)n;
}
__attribute__((noinline)) static int kind(unsigned c) {
    switch (c) {
    case 0: return (int)operations[0](1, 2);
    case 1: return 17;
    case 2: return (int)operations[1](3, 4);
    case 3: return -4;
    case 4: return kind(0) + kind(2);
    case 5: return 88;
    default: return -1;
    }
}
__attribute__((noinline)) static double try(double a, double b) {
    if (setjmp(place)) return -1;
    return operations[2](a, b);
}
__attribute__((noinline)) static double root(double of, double guess, int steps) {
    return steps ? root(of, (guess + of / guess) / 2, steps - 1) : guess;
}
int main(void) {
    static const double c[] = {1.5, -2.25, 0.125, 3};
    static const float v[] = {1, 2.5f, -7, 9};
    int total = 0;
    for (unsigned i = 0; i < 7; i++) total = total * 5 + kind(i);
    printf("part %x kinds %d polynomial %d mean %d tried %d %d root %d\n", (unsigned)(CPUID >> 4 & 0xfff), total,
           (int)(polynomial(c, 4, 1.75) * 1000), (int)(mean(v, 4) * 1000), (int)(try(9, 2) * 10), (int)try(9, 0),
           (int)(root(polynomial(c, 4, 3), 9, 20) * 1000));
    return 0;
}
"""


def uses(elf, mnemonic):
    """Is the instruction in the image?"""
    listing = subprocess.run(["arm-none-eabi-objdump", "-d", elf], capture_output=True, text=True, check=True).stdout
    return mnemonic in listing


def run_on(proofmark, name, flags, machine, part, mnemonic):
    """Every program on one processor; (passed, failures)."""
    board = Board(proofmark, flags, machine)
    for level in ("-O0", "-O2", "-Os"):
        elf = board.build(f"{name}{level}", PROGRAM, [level])
        if mnemonic:
            board.expect(uses(elf, mnemonic), f"{name} {level}: no {mnemonic} in it")
        report = board.same(elf, f"part {part:x} kinds", seeds=["0e11"])
        if report:
            returns = [f["protections"]["returns"] for f in report["functions"] if "returns" in f.get("protections", {})]
            board.expect(returns and all(r["protected"] == r["sites"] for r in returns), f"{name} {level}: {returns}")
            board.expect(report["memory_map"].get("applied"), f"{name} {level}: {report['memory_map']}")
    board.same(board.build(f"{name}-flow", FLOW, ["-O2"]), "sum 4322 of four", seeds=["c0de"])
    board.same(board.build(f"{name}-preempted", PREEMPTED, ["-Os"]), "preempted, hash", seeds=["0dd5"])
    board.same(board.build(f"{name}-switch", large_switch(), ["-Os"]), "switched ", seeds=["5eed"])
    return board.finish()


def main():
    return max([run_on(sys.argv[1], *processor) for processor in PROCESSORS])


if __name__ == "__main__":
    sys.exit(main())
