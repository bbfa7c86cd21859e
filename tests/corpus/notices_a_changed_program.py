#!/usr/bin/env python3
"""The corpus runner notices what it is there for: a program that gives other output, that
ends otherwise, that hangs, that faults, and a hardener that refuses or dies."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
os.chdir(ROOT)
import corpus  # noqa: E402 (beside this file)

ZLIB = f"{corpus.OUT}/programs/zlib-Os.elf"

# Thumb code put at the start of a function.
RETURN_ZERO = bytes.fromhex("00207047")   # movs r0, #0; bx lr
FOR_EVER = bytes.fromhex("fee7")          # b .
UNDEFINED = bytes.fromhex("00de")         # udf #0


def symbol_address(elf, name):
    text = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0], 16) & ~1 for line in text.splitlines() if line.split()[-1] == name)


def file_offset(data, address):
    offset, = struct.unpack_from("<I", data, 28)
    size, count = struct.unpack_from("<HH", data, 42)
    for index in range(count):
        kind, place, start, _, length = struct.unpack_from("<5I", data, offset + index * size)
        if kind == 1 and start <= address < start + length:
            return place + address - start
    raise SystemExit(f"no file bytes for address {address:#x}")


def changed(elf, function, code, directory):
    """A copy of the image with `code` at the start of the function."""
    with open(elf, "rb") as file:
        data = bytearray(file.read())
    at = file_offset(data, symbol_address(elf, function))
    data[at:at + len(code)] = code
    path = os.path.join(directory, f"{function}.elf")
    with open(path, "wb") as file:
        file.write(data)
    return path


def main():
    corpus.build_programs((ZLIB,))
    original = corpus.emulate(ZLIB)
    with tempfile.TemporaryDirectory() as work:
        output = corpus.emulate(changed(ZLIB, "adler32", RETURN_ZERO, work))
        hang = corpus.emulate(changed(ZLIB, "deflate", FOR_EVER, work), timeout=3)
        fault = corpus.emulate(changed(ZLIB, "inflate", UNDEFINED, work))
        copy = shutil.copy(ZLIB, os.path.join(work, "copy.elf"))
        refused = corpus.judge("/bin/false", copy, "null", "00", original)
        died = corpus.judge("/bin/sh", copy, "null", "00", original)
        results = {
            "the image itself: same": corpus.emulate(copy).same(original) and original.code == 0,
            "a checksum that is always 0: other output, though exit 0":
                not output.same(original) and output.code == 0,
            "a function that hangs: different": not hang.same(original) and hang.code == "timeout",
            "an undefined instruction: fault, exit 99":
                not fault.same(original) and fault.code == 99 and b"fault 00000003 pc=" in fault.output,
            "a hardener that exits 1: refused": refused.verdict == "refused",
            "a hardener that exits otherwise: error": died.verdict == "error",
        }
    for name, good in results.items():
        print(f"{'ok' if good else 'WRONG'}: {name}")
    failed = list(results.values()).count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
