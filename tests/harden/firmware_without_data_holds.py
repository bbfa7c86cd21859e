#!/usr/bin/env python3
"""Firmware without any initialised data (so that its last loaded section is the code at
address 0) is hardened, and the result is found to hold the original.

    firmware_without_data_holds.py PROOFMARK
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402

PROGRAM = r"""
#include <stdint.h>
volatile uint32_t count;
extern uint32_t __top;
__attribute__((noipa)) uint32_t key(void) { return *(volatile uint32_t *)0x40004010; }
__attribute__((noipa)) static void step(void) { count += key(); }
void Reset_Handler(void) { for (;;) { step(); step(); } }
__attribute__((section(".vectors"), used)) const void *const vectors[16] = {&__top, Reset_Handler};
"""
SCRIPT = """ENTRY(Reset_Handler)
MEMORY
{
  FLASH (rx) : ORIGIN = 0, LENGTH = 64K
  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 16K
}
SECTIONS
{
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } >FLASH
  .bss : { *(.bss*) *(COMMON) } >RAM
  __top = 0x20004000;
}
"""

board = Board(sys.argv[1])
script = board.write("bare.ld", SCRIPT)
for words in range(3):  # an empty .data stands where the code ends, and may be where added code begins
    table = "".join(f"__attribute__((used)) static const uint32_t filler{i} = {i};\n" for i in range(words))
    source, elf = board.write(f"bare{words}.c", PROGRAM + table), board.path(f"bare{words}.elf")
    subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-O2", "-nostdlib", "-T", script,
                    "-Wl,--emit-relocs", source, "-o", elf], check=True)
    for profile in ("null", "exploit"):
        done, out, _ = board.harden(elf, profile, options=["--key-function", "key"])
        if board.expect(done.returncode == 0, f"{words} {profile}: {done.stderr}"):
            found = board.tool("check", out, "--original", elf)
            board.expect(found.returncode == 0, f"{words} {profile}: {found.stdout}{found.stderr}")
sys.exit(bool(board.failures))
