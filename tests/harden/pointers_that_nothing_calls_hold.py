#!/usr/bin/env python3
"""Firmware that takes the addresses of functions and has no indirect call that can be checked: nothing
would ask for a tag, so none is put in front of them, and check finds the original whole.

    pointers_that_nothing_calls_hold.py PROOFMARK
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board, run  # noqa: E402
from firmware_without_data_holds import SCRIPT  # noqa: E402

PROGRAM = r"""
#include <stdint.h>
extern uint32_t __top;
__attribute__((noipa)) static void leave(uint32_t code) {
    uint32_t block[2] = {0x20026, code};
    __asm__ volatile("movs r0, #0x20\n mov r1, %%0\n bkpt 0xab" : : "r"(block) : "r0", "r1", "memory");
    for (;;) {}
}
__attribute__((noipa)) uint32_t key(void) { return *(volatile uint32_t *)0x40004010; }
__attribute__((noipa)) int one(int n) { return n + 1; }
__attribute__((noipa)) int two(int n) { return n * 2; }
__attribute__((used)) int (*const pointers[])(int) = {one, two};
volatile int which;
%s
void Reset_Handler(void) { leave(work(19)); }
__attribute__((section(".vectors"), used)) const void *const vectors[16] = {&__top, Reset_Handler};
"""
COMPARED = "__attribute__((noipa)) int work(int n) { return n + (pointers[which] == two) + one(two(1)); }"
EXEMPT = "__attribute__((noipa)) int work(int n) { return n + pointers[which](two(1)); }"
THROUGH_LR = r"""
int work(int n);
__asm__(".syntax unified\n.thumb\n.section .text.work\n.type work, %function\n.thumb_func\nwork: push {r4, lr}\n"
        "mov r4, r0\nmovs r0, #2\nldr lr, =one\nblx lr\nadds r0, r4\npop {r4, pc}\n.ltorg\n.size work, . - work\n.text");
"""


def main():
    board = Board(sys.argv[1])
    script = board.write("bare.ld", SCRIPT)
    sites = {"compared": (COMPARED, [], 0), "exempt": (EXEMPT, ["--exempt", "work"], 1), "lr": (THROUGH_LR, [], 1),
             "checked": (EXEMPT, [], 1)}
    for name, (work, options, calls) in sites.items():
        elf = board.path(f"{name}.elf")
        subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-O2", "-nostdlib", "-T", script,
                        "-Wl,--emit-relocs", board.write(f"{name}.c", PROGRAM % work), "-o", elf], check=True)
        board.expect(run(elf).code == 22, f"{name}: {run(elf).told()}")
        for seed in ("00", "01", "02"):
            done, out, report = board.harden(elf, options=["--key-function", "key", "--seed", seed, *options])
            if not board.expect(done.returncode == 0, f"{name}: {done.stderr}"):
                continue
            found = board.tool("check", out, "--original", elf, *options)
            board.expect(found.returncode == 0, f"{name} {seed}: {found.stdout}{found.stderr}")
            protected = {"sites": calls, "protected": int(name == "checked")}
            told = board.function(report, "work").get("protections", {}).get("calls", {"sites": 0, "protected": 0})
            board.expect({key: told[key] for key in protected} == protected, f"{name} {seed}: {told}")
            board.expect(run(out).code == 22, f"{name} {seed}: {run(out).told()}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
