#!/usr/bin/env python3
"""A key that is kept in a RAM word is read only once the firmware runs: harden gives the word a
region of its own, the image behaves the same, and check finds the word writable when that
region is not there.

  key_in_memory_is_read_only.py PROOFMARK"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../corpus"))
import corpus  # noqa: E402

CELL = 0x203FFC00  # the board leaves the last KiB of RAM free
IMAGE = f"{corpus.OUT}/programs/machine-O2.elf"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main():
    proofmark = os.path.abspath(sys.argv[1])
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    corpus.build_programs((IMAGE,))
    with tempfile.TemporaryDirectory() as directory:
        out, broken = f"{directory}/out.elf", f"{directory}/broken.elf"
        done = run(proofmark, "harden", "--key-function", corpus.KEY_FUNCTION, "--key-cell", hex(CELL),
                   "--report", f"{directory}/report.json", "-o", out, IMAGE)
        assert done.returncode == 0, done.stderr
        with open(f"{directory}/report.json", encoding="utf-8") as file:
            regions = json.load(file)["memory_map"]["regions"]
        key = [region for region in regions if region["role"] == "key"]
        assert len(key) == 1 and key[0]["base"] == CELL and key[0]["size_bytes"] == 32, regions
        assert corpus.emulate(out).same(corpus.emulate(IMAGE)), "it behaves differently"
        done = run(proofmark, "check", "--original", IMAGE, out)
        assert done.returncode == 0, done.stdout + done.stderr
        # The same table with the key's region made readable and writable (AP 011, B3.5.9).
        with open(out, "rb") as file:
            data = bytearray(file.read())
        old = key[0]["rasr"].to_bytes(4, "little")
        new = (key[0]["rasr"] & ~(7 << 24) | 3 << 24).to_bytes(4, "little")
        assert data.count(old) == 1, "the key's region stands once in the table"
        data[data.index(old):data.index(old) + 4] = new
        with open(broken, "wb") as file:
            file.write(data)
        done = run(proofmark, "check", broken)
        assert done.returncode == 1 and "key's word can be written" in done.stdout, done.stdout
    print("1 passed, 0 failed")


main()
