#!/usr/bin/env python3
"""A key function is uint32_t f(void), called before start-up has set a variable. One whose code
shows that it takes a parameter, returns nothing or does not come back, that handles an exception,
or that uses variables of .data or .bss (itself or through a call) is refused with one sentence,
which names the variable; `init` does not propose it, and `check` finds it. Device registers,
constants, the stack and memory that start-up leaves alone are no reason, and neither is what runs
only when an assertion failed.

    key_functions_that_cannot_be_one_are_refused.py PROOFMARK
"""
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402

PROGRAM = r"""
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#define ALONE __attribute__((noinline, noclone, noipa, used))
#define DEVICE (*(volatile uint32_t *)0x40004010)
static volatile uint32_t in_bss, in_data = 7;
static uint32_t large[40];
__attribute__((section(".noinit,\"aw\",%nobits@"), used)) volatile uint32_t kept, other_kept;
static const uint32_t table[4] = {1, 5, 9, 13};

ALONE uint32_t bss_random(void) { return ++in_bss; }
ALONE uint32_t data_random(void) { in_data = in_data * 1103515245u + 12345u; return DEVICE ^ in_data; }
ALONE uint32_t array_random(void) { return large[DEVICE & 31] ^ DEVICE; }
ALONE static uint32_t step(void) { return DEVICE ^ in_bss; }
ALONE uint32_t callee_random(void) { return step() ^ DEVICE; }
ALONE uint32_t library_random(void) { return (uint32_t)rand(); }
ALONE __attribute__((section(".data.ram"), long_call)) uint32_t ram_random(void) { return DEVICE; }
ALONE uint32_t parameter_random(const uint32_t *from) { return from[1] ^ DEVICE; }
ALONE void void_random(void) { DEVICE = 3; }
ALONE void conditional_random(void) { if (DEVICE & 1) DEVICE = 3; }
ALONE __attribute__((noreturn)) uint32_t endless_random(void) { for (;;) DEVICE = 3; }
ALONE void SysTick_Handler(void) { uint32_t value = DEVICE; DEVICE = value; }

ALONE uint32_t device_random(void) { uint32_t v = 0; for (int i = 0; i < 4; i++) v = v << 8 ^ DEVICE; return v; }
ALONE uint32_t kept_random(void) { return kept ^ DEVICE; }
ALONE uint32_t choice_random(void) { return DEVICE & 1 ? table[DEVICE & 3] : DEVICE; }
ALONE uint32_t asserting_random(void) { uint32_t v = DEVICE; assert(v != 5); return v; }
ALONE static uint32_t helper(uint32_t a, uint32_t b) { return a * b; }
ALONE uint32_t helped_random(void) { uint32_t on_stack[3] = {DEVICE, DEVICE, 3}; return helper(on_stack[DEVICE & 1], DEVICE); }

#ifdef WITHOUT_CALL_TO_RAM
#define CALL_TO_RAM 0
#else
#define CALL_TO_RAM ram_random()
#endif
int main(void) {
    large[3] = bss_random() + data_random() + array_random() + callee_random() + library_random() + CALL_TO_RAM;
    void_random(); conditional_random();
    large[4] = device_random() + kept_random() + choice_random() + asserting_random() + helped_random();
    if (large[3] == 77) endless_random();
    printf("%d\n", (int)(parameter_random(large) + other_kept));
    return 0;
}
"""
BAD = {"bss_random": ["bss_random uses .bss", "near, in_bss"], "data_random": ["data_random uses .data", "near, in_data"],
       "array_random": ["array_random uses .bss"], "callee_random": ["step uses .bss", "near, in_bss"],
       "library_random": ["uses .data", "near, _impure_ptr"], "ram_random": ["ram_random uses .data", "near, ram_random"],
       "parameter_random": ["takes a parameter"], "void_random": ["returns nothing"],
       "conditional_random": ["returns nothing"], "endless_random": ["does not come back"],
       "SysTick_Handler": ["exception's handler"]}
GOOD = ["device_random", "kept_random", "choice_random", "asserting_random", "helped_random"]


def symbol(elf, name):
    names = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0], 16) & ~1 for line in names.splitlines() if line.split()[-1] == name)


def file_offset(data, address):
    start, = struct.unpack_from("<I", data, 28)
    for i in range(struct.unpack_from("<H", data, 44)[0]):
        kind, offset, place, _, size = struct.unpack_from("<5I", data, start + 32 * i)
        if kind == 1 and place <= address < place + size:
            return offset + address - place
    raise ValueError(hex(address))


def refused(board, elf, level):
    for name, words in BAD.items():
        board.refused(elf, [name, *words], ["--key-function", name])
    for name in GOOD:
        done, out, _ = board.harden(elf, options=["--key-function", name])
        if board.expect(done.returncode == 0, f"{level} {name}: {done.stderr}"):
            found = board.tool("check", "--original", elf, out)
            board.expect(found.returncode == 0, f"{level} {name}: {found.stdout}")


def proposed(board, elf):
    done = board.tool("init", "--force", "-o", board.path("product.yaml"), elf)
    with open(board.path("product.yaml"), encoding="utf-8") as file:
        names = re.findall(r"# key_function: (\S+)$", file.read(), re.M)
    board.expect(done.returncode == 0 and names and not set(names) & set(BAD), f"{names} {done.stderr}")
    board.expect(set(names) & set(GOOD), f"{names}")


def found(board, elf):
    """The output's own key function is changed: what harden would refuse, check finds."""
    done, out, _ = board.harden(elf, options=["--key-function", "kept_random"])
    board.expect(done.returncode == 0, done.stderr)
    with open(out, "rb") as file:
        data = file.read()
    at = file_offset(data, symbol(out, "kept_random"))
    kept, variable = (struct.pack("<I", symbol(out, name)) for name in ("kept", "in_bss"))
    word = data.index(kept, at)
    for patched, words in ((data[:word] + variable + data[word + 4:], "kept_random uses .bss"),
                           (data[:at] + b"\x01\x30" + data[at + 2:], "takes a parameter")):  # adds r0, #1
        with open(out, "wb") as file:
            file.write(patched)
        told = board.tool("check", out)
        board.expect(told.returncode == 1 and words in told.stdout, f"{words}: {told.stdout}{told.stderr}")


def main():
    board = Board(sys.argv[1])
    for level in ("-O0", "-O2", "-Os"):
        elf = board.build(f"sources{level}", PROGRAM, [level, "-Wa,--no-warn"])
        refused(board, elf, level)
        if level != "-O0":
            proposed(board, elf)
    found(board, board.build("found", PROGRAM, ["-O2", "-Wa,--no-warn"]))
    elf = board.build("movw", PROGRAM, ["-O2", "-mslow-flash-data", "-DWITHOUT_CALL_TO_RAM", "-Wa,--no-warn"],
                      ["-Wl,-u,ram_random"])
    refused(board, elf, "movw")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
