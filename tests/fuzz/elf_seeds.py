#!/usr/bin/env python3
"""Build the seeds of the ELF harness into a directory of this run, put the kept crashes
beside them, and hand over to run.sh.

    elf_seeds.py RUN_SH PROGRAM KEPT_SEEDS
"""
import os
import shutil
import subprocess
import sys
import tempfile

BUILDS = {
    "small": "-Os",
    "fast": "-O2 -fno-section-anchors",
    "plain": "-O0",
    "pairs": "-O1 -mslow-flash-data",
    "unwind": "-Os -funwind-tables",
    "sections": "-Os -ffunction-sections -Wl,--gc-sections",
}
OPTIONS_AT, CHOICES = 9, (0, 1, 5, 9 + 64, 3 + 16, 33)


def build(directory):
    here = os.path.dirname(os.path.abspath(__file__))
    for name, flags in BUILDS.items():
        elf = os.path.join(directory, name)
        subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-ffreestanding", "-nostdlib",
                        "-Wl,--emit-relocs,--strip-debug,-n", "-Wl,-z,max-page-size=4", "-Wa,--no-warn",
                        "-Wl,--defsym=__aeabi_unwind_cpp_pr0=0,--defsym=__aeabi_unwind_cpp_pr1=0", *flags.split(),
                        "-T", os.path.join(here, "../board/board.ld"),
                        os.path.join(here, "elf_seed.c"), "-o", elf], check=True)
        with open(elf, "rb") as file:
            image = bytearray(file.read())
        for choice in CHOICES:
            image[OPTIONS_AT] = choice
            with open(f"{elf}-{choice}", "wb") as file:
                file.write(image)


def main():
    run, program, kept, runs = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        build(directory)
        for name in os.listdir(kept):
            shutil.copy(os.path.join(kept, name), os.path.join(directory, f"kept-{name}"))
        return subprocess.run(["sh", run, program, directory, runs], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
