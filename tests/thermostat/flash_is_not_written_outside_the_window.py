#!/usr/bin/env python3
"""A store that goes astray into settings, a boot record, the idle slot or the image itself changes
flash in the image as the compiler made it. It faults where the boot stage has set the memory map,
where the hardener has, and where both have. (That the driver writes there all the same, every
update shows.)

  flash_is_not_written_outside_the_window.py PROOFMARK MAKE_RELEASE"""
import os
import struct
import subprocess
import sys
import tempfile

from product import EXAMPLE, ROOT, SLOTS, WINDOW, expect, quietly
from unit import Unit

PLACES = {"settings": 0xa000, "a boot record": 0x5000, "the idle slot": 0x90000, "the image": 0x1f000}
STORED, FAULT = 7, 3
QEMU = ("qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "stdio",
        "-semihosting-config", "enable=on,target=native")


def outcome(folder, address, *options):
    with open(os.path.join(folder, "stray.bin"), "wb") as file:
        file.write(struct.pack("<I", address))
    done = subprocess.run([*QEMU, *options], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    told = done.stdout.decode(errors="replace")
    expect(done.returncode != FAULT or "fault MemManage" in told, f"a fault of the memory map: {told}")
    return done.returncode, told


def alone(folder, elf):
    """The image without the boot stage: its vectors at address 0."""
    vectors = f"{elf}.vectors"
    quietly("arm-none-eabi-objcopy", "-O", "binary", "-j", ".vectors", elf, vectors)
    return folder, ("-device", f"loader,file={vectors},addr=0", "-device", f"loader,file={elf}")


def behind_stage(folder, stage, make_release, image):
    os.makedirs(folder)
    quietly(make_release, folder, image, image)
    Unit(stage, os.path.join(folder, "root.bin"), os.path.join(folder, "factory.bin"), folder)
    return folder, ("-kernel", stage)


with tempfile.TemporaryDirectory() as directory:
    proofmark, make_release = map(os.path.abspath, sys.argv[1:3])
    quietly("make", "-s", "-C", os.path.join(ROOT, "device", "boot"), f"OUT={directory}/stage")
    quietly("make", "-s", "-C", EXAMPLE, f"O={directory}", "UPDATE=1",
            f"EXTRA={ROOT}/tests/thermostat/stray_store.c", "EXTRA_LINK=-Wl,--wrap=room_start")
    plain, hardened = os.path.join(directory, "thermostat.elf"), os.path.join(directory, "hardened.elf")
    plain_image, hardened_image = os.path.join(directory, "plain.bin"), os.path.join(directory, "hardened.bin")
    quietly("arm-none-eabi-objcopy", "-O", "binary", "--pad-to", "0x22000", plain, plain_image)
    quietly(proofmark, "harden", "--key-function", "random_seed", "--stack-limit", "__StackLimit", *WINDOW,
            "-o", hardened, plain)
    quietly(proofmark, "release", "layout", "--slot", SLOTS["a"], "-o", os.path.join(directory, "a.elf"),
            "--image", hardened_image, hardened)
    stage = os.path.join(directory, "stage", "stage.elf")
    runs = {"nobody": (STORED, alone(directory, plain)),
            "the hardener": (FAULT, alone(directory, hardened)),
            "the boot stage": (FAULT, behind_stage(f"{directory}/1", stage, make_release, plain_image)),
            "both": (FAULT, behind_stage(f"{directory}/2", stage, make_release, hardened_image))}
    for who, (wanted, (folder, options)) in runs.items():
        for place, address in PLACES.items():
            code, told = outcome(folder, address, *options)
            expect(code == wanted, f"{who} has set the memory map, store to {place}: exit {code}, not {wanted}: {told}")
        print(f"memory map set by {who}: {'stored' if wanted == STORED else 'refused'} at {len(PLACES)} places")
