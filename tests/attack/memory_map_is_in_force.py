#!/usr/bin/env python3
"""The memory map of a hardened image stops what an attacker with a write or a jump would
do; the original image lets the same pass. Each deed is forced through QEMU's debugger where
a console command begins: the firmware goes on in its own memcpy with chosen arguments, or in
RAM.

  memory_map_is_in_force.py PROOFMARK"""
import importlib.machinery
import importlib.util
import os
import re
import struct
import sys
import tempfile

from thermostat import EXAMPLE, build, expect, harden

LOADER = importlib.machinery.SourceFileLoader("attack", os.path.join(EXAMPLE, "attack"))
attack = importlib.util.module_from_spec(importlib.util.spec_from_loader("attack", LOADER))
LOADER.exec_module(attack)

R0, R1, R2, PC = 0, 1, 2, 15
RAM_FREE = 0x20008000  # neither image has anything there
BX_LR = "7047"  # as it lies in memory
EXECUTE, READ_OR_WRITE = 1 << 0, 1 << 1  # in CFSR: IACCVIOL, DACCVIOL (ARM DDI 0403E, B3.2.15)


def outcome(path, registers):
    """CFSR from the fault's line on the console, or 0 when there was no fault."""
    image = attack.Image(path)
    with attack.stopped(image, b"name 41\nquit\n", "command_name") as (process, debugger, _):
        debugger.command("qXfer:features:read:target.xml:0,fff")  # QEMU sets none before this
        for number, value in registers(image).items():
            text = struct.pack("<I", value).hex()
            expect(debugger.command(f"P{number:x}={text}") == "OK", "QEMU sets a register")
        expect(debugger.command(f"M{RAM_FREE:x},2:{BX_LR}") == "OK", "QEMU writes to RAM")
        debugger.detach()
        output = process.communicate(timeout=60)[0].decode(errors="replace")
    fault = re.search(r"fault \w+ pc=\w{8} lr=\w{8} cfsr=(\w{8})", output)
    return int(fault[1], 16) if fault else 0


def copy(to, source):
    return lambda image: {R0: to(image), R1: source(image), R2: 1,
                          PC: image.address("memcpy") & ~1}


def free_ram(_):
    return RAM_FREE


def code(image):
    return image.address("factory_unlock") & ~1


DEEDS = {
    "jump to RAM": (EXECUTE, lambda _: {PC: RAM_FREE}),
    "write to code": (READ_OR_WRITE, copy(code, free_ram)),
    "write to the vector table": (READ_OR_WRITE, copy(lambda _: 0x40, free_ram)),
    "read address 0": (READ_OR_WRITE, copy(free_ram, lambda _: 0)),
    "write to the stack's lowest word": (
        READ_OR_WRITE, copy(lambda image: image.address("__StackLimit"), free_ram)),
}

with tempfile.TemporaryDirectory() as directory:
    plain = build(directory, "product")
    hardened = harden(sys.argv[1], plain, "exploit", "01")
    for deed, (kind, registers) in DEEDS.items():
        expect(outcome(plain, registers) & kind == 0, f"{deed}: nothing stops it in the original")
        expect(outcome(hardened, registers) & kind, f"{deed}: refused in the hardened image")
        print(f"{deed}: refused")
    harmless = copy(free_ram, code)
    expect(outcome(hardened, harmless) == 0, "reading code and writing RAM are not refused")
