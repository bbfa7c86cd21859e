"""Images for two slots on the test board: linked for slot A, started there or in slot B by a
few instructions at address 0, as a boot stage would."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../firmware"))
import board as boards  # noqa: E402
from board import BOARD, Board, emulate  # noqa: E402

SLOT_A, SLOT_B, SLOT_BYTES = 0x10000, 0x90000, 0x80000
STAGE = r"""
    .syntax unified
    .thumb
    .word 0x203ff000
    .word start + 1
    .thumb_func
start:
    ldr r0, =%d
    ldr r1, =0xe000ed08
    str r0, [r1]
    ldr r1, [r0]
    msr msp, r1
    ldr r1, [r0, #4]
    bx r1
"""


class Slots(Board):
    """A board whose programs are linked for `address`."""

    def __init__(self, proofmark, address=SLOT_A):
        super().__init__(proofmark)
        with open(os.path.join(BOARD, "board.ld"), encoding="utf-8") as file:
            script = file.read()
        assert "ORIGIN = 0x00000000" in script
        self.script = self.write("slot.ld", script.replace("ORIGIN = 0x00000000", f"ORIGIN = {address:#x}"))
        boards.LINK[-1] = self.script
        self.stages = {}

    def stage(self, address):
        """An ELF at 0 that starts the image at `address`."""
        if address not in self.stages:
            source = self.write(f"stage{address:x}.s", STAGE % address)
            out = self.path(f"stage{address:x}.elf")
            subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-nostdlib", "-Wl,-Ttext=0", "-Wl,-e,0", source,
                            "-o", out], check=True)
            self.stages[address] = out
        return self.stages[address]

    def run(self, elf, address):
        return emulate(elf, options=["-device", f"loader,file={self.stage(address)}"])

    def lay_out(self, elf, address=SLOT_B, name=None, options=(), size=SLOT_BYTES):
        out = name or f"{elf}.{address:x}"
        return self.tool("release", "layout", "--force", "--slot", f"{address:#x}:{size:#x}", "-o", out, "--image",
                         f"{out}.bin", *options, elf), out
