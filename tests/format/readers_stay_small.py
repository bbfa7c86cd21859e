#!/usr/bin/env python3
"""The readers of the wire formats and the manifest processor, compiled for a Cortex-M4 at -Os, are
at most 4.5 KiB: their part of the update client's 16 KiB. Prints the bytes of each file."""
import os
import subprocess
import sys
import tempfile

MAXIMUM = 4608
FILES = ["format/cbor.c", "format/cose.c", "format/suit.c", "format/channel.c", "device/src/suit.c"]
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))

total = 0
with tempfile.TemporaryDirectory() as folder:
    for name in FILES:
        out = os.path.join(folder, "out.o")
        subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-Os", "-std=c11", "-ffreestanding",
                        "-ffunction-sections", "-fdata-sections", "-I.", "-Idevice/include", "-c", name, "-o", out],
                       check=True)
        text, data, bss = subprocess.run(["arm-none-eabi-size", out], check=True, capture_output=True,
                                         text=True).stdout.splitlines()[1].split()[:3]
        if (data, bss) != ("0", "0"):
            sys.exit(f"{name} keeps {data} + {bss} bytes of its own in RAM")
        print(f"{text:>6} {name}")
        total += int(text)
print(f"{total:>6} of at most {MAXIMUM} bytes")
sys.exit(total > MAXIMUM)
