#!/usr/bin/env python3
"""Build the seeds of the check_image harness: small firmware as it is, moved and hardened,
alone and with its original; with the kept crashes beside them hand over to run.sh.

    check_seeds.py RUN_SH PROGRAM KEPT_SEEDS PROOFMARK
"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import elf_seeds


def pack(image, original=b""):
    return struct.pack("<I", len(image)) + image + original


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    run, program, kept, runs, proofmark = sys.argv[1:]
    with tempfile.TemporaryDirectory() as built, tempfile.TemporaryDirectory() as seeds:
        elf_seeds.build(built)
        count = 0
        for name in elf_seeds.BUILDS:
            elf = os.path.join(built, name)
            images = [(read(elf), b"")]
            for profile in ("null", "exploit"):
                out = f"{elf}.{profile}"
                done = subprocess.run([proofmark, "harden", "--profile", profile, "-o", out, elf],
                                      capture_output=True, check=False)
                if done.returncode == 0:
                    images += [(read(out), b""), (read(out), read(elf))]
            for image, original in images:
                with open(os.path.join(seeds, f"{name}-{count}"), "wb") as file:
                    file.write(pack(image, original))
                count += 1
        for name in os.listdir(kept) if os.path.isdir(kept) else ():
            shutil.copy(os.path.join(kept, name), os.path.join(seeds, f"kept-{name}"))
        if count < 3 * len(elf_seeds.BUILDS):
            raise SystemExit(f"only {count} seeds were made")
        return subprocess.run(["sh", run, program, seeds, runs], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
