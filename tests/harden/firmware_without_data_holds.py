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


def holds(board, name, text, level, seeds=("00",)):
    source, elf = board.write(f"{name}.c", text), board.path(f"{name}.elf")
    subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", level, "-nostdlib", "-T",
                    board.write("bare.ld", SCRIPT), "-Wl,--emit-relocs", source, "-o", elf], check=True)
    for profile, seed in ((profile, seed) for profile in ("null", "exploit") for seed in seeds):
        done, out, _ = board.harden(elf, profile, options=["--key-function", "key", "--seed", seed])
        if board.expect(done.returncode == 0, f"{name} {profile} {seed}: {done.stderr}"):
            found = board.tool("check", out, "--original", elf)
            board.expect(found.returncode == 0, f"{name} {profile} {seed}: {found.stdout}{found.stderr}")


def main():
    board = Board(sys.argv[1])
    for words in range(3):  # an empty .data stands where the code ends, and may be where added code begins
        table = "".join(f"__attribute__((used)) static const uint32_t filler{i} = {i};\n" for i in range(words))
        holds(board, f"bare{words}", PROGRAM + table, "-O2")
    # In some the protection's own code ends with .text and begins the section behind it.
    for nops in range(6):
        more = f"__attribute__((used)) void more(void) {{ __asm__(\".rept {nops}\\nmov r0, r0\\n.endr\"); }}\n"
        text = PROGRAM.replace("step(); step();", "step(); more();").replace("void Reset", more + "void Reset")
        holds(board, f"full{nops}", text, "-O0", [f"{seed:02x}" for seed in range(12)])
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
