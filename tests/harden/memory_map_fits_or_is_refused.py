#!/usr/bin/env python3
"""A memory map that would open flash to writes is refused with one sentence: RAM at two far
places of the code region, and a range that the firmware writes beside code without the
alignment. Variables that run in place below 0x20000000 are RAM, and are written. The stack's
end may be an address.

    memory_map_fits_or_is_refused.py PROOFMARK
"""
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
import board as boards  # noqa: E402
from board import Board, emulate  # noqa: E402

FAULT = 99  # tests/board/startup.c: a fault was reported

TWO_PLACES = r"""
#include <stdio.h>
__attribute__((section(".near_ram,\"aw\",%nobits@"))) static volatile int near_word;
__attribute__((section(".far_ram,\"aw\",%nobits@"))) static volatile int far_word;
int main(void) { near_word = 3; far_word = 4; printf("words %d\n", near_word + far_word); return 0; }
"""
IN_PLACE = r"""
#include <stdio.h>
__attribute__((section(".fast_data"))) static volatile int fast[4] = {1, 2, 3, 4};
int main(void) { fast[2] += 40; printf("fast %d\n", fast[2] + fast[0]); return 0; }
"""
DEEP = r"""
#include <stdio.h>
__attribute__((noinline)) static int deep(int n) { return n == 0 ? 0 : deep(n - 1) + *(volatile int *)&n / n; }
int main(void) { printf("deep %d\n", deep(12000)); return 0; }
"""


def segments(path):
    """(address where it is flashed, bytes) of each loaded segment (gABI program headers)."""
    with open(path, "rb") as file:
        data = file.read()
    offset, = struct.unpack_from("<I", data, 28)
    count, = struct.unpack_from("<H", data, 44)
    rows = [struct.unpack_from("<8I", data, offset + 32 * i) for i in range(count)]
    return [(row[3], row[4]) for row in rows if row[0] == 1 and row[4]]


def place(board, name, *sections):
    """The board's script with more sections, each (its name, address, PT_LOAD of its own)."""
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    segments_of = "".join(f"\n    {section[1:]} PT_LOAD FLAGS(6);" for section, _ in sections)
    rows = "".join(f"    {section} {address:#x} : AT({address:#x}) {{ *({section}) }} :{section[1:]}\n"
                   for section, address in sections)
    for old, new in (("    zero PT_LOAD FLAGS(6);", "    zero PT_LOAD FLAGS(6);" + segments_of),
                     ("    .data : ALIGN(8)", rows + "    .data : ALIGN(8)")):
        assert old in text
        text = text.replace(old, new)
    boards.LINK[-1] = board.write(f"{name}.ld", text)


def places(board):
    place(board, "one", (".near_ram", 0x01000000), (".far_ram", 0x01000100))
    one = board.build("one_place", TWO_PLACES, ["-O1"])
    report = board.same(one, "words 7", ["exploit"], seeds=["01"])
    if report:
        board.expect(report["memory_map"]["applied"], f"one place: {report['memory_map']}")
    place(board, "two", (".near_ram", 0x00200000), (".far_ram", 0x01000100))
    two = board.build("two_places", TWO_PLACES, ["-O1"])
    board.refused(two, ["RAM in the code region (0x00200000 to 0x01000103)", "read only", "align"])
    board.same(two, "words 7", ["exploit"], ["--no-mpu"], ["01"])


def writable_beside_code(board):
    elf = board.build("beside", "int main(void) { return 0; }")
    end = max(start + size for start, size in segments(elf))
    page = (end + 63) & ~31  # a region over 64 KiB from here has eighths that hold the code's end
    board.refused(elf, [f"flash the firmware writes ({page:#010x} to {page + 0xffff:#010x})", "read only", "align"],
                  ["--writable", f"{page:#x}:0x10000"])
    done, _, report = board.harden(elf, options=["--writable", "0x100000:0x2000"])
    board.expect(done.returncode == 0 and report["memory_map"]["applied"], f"an aligned range: {done.stderr}")


def in_place(board):
    place(board, "fast", (".fast_data", 0x01000000))
    elf = board.build("in_place", IN_PLACE, ["-O1"])
    report = board.same(elf, "fast 44", ["exploit"], seeds=["01"])
    if report:
        roles = [region["role"] for region in report["memory_map"]["regions"]]
        board.expect("RAM in the code region" in roles, f"variables in place: {roles}")


def stack_address(board):
    elf = board.build("deep", DEEP, ["-O1"])  # needs over 96,000 bytes
    names = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout
    top = next(int(line.split()[0], 16) for line in names.splitlines() if line.endswith(" __StackTop"))
    low, high = (top - 0x80000) & ~31, (top - 0x8000) & ~31
    board.same(elf, "deep 12000", ["exploit"], ["--stack-limit", hex(low)], ["01"],
               check_options=["--stack-limit", hex(low)])
    done, out, report = board.harden(elf, options=["--stack-limit", hex(high)])
    if board.expect(done.returncode == 0, f"a limit too high: {done.stderr}"):
        guards = [region["base"] for region in report["memory_map"]["regions"] if region["role"] == "stack guard"]
        board.expect(guards == [high], f"guards at {guards}")
        for told in ([], ["--stack-limit", hex(low)]):  # where check is not told, or told otherwise
            found = board.tool("check", *told, out)
            board.expect(found.returncode == 1 and f"{high:#010x}" in found.stdout, f"a guard elsewhere: {found.stdout}")
        run = emulate(out)
        board.expect(run.code == FAULT and b"fault 00000003" in run.output, f"a stack beyond its limit: {run.told()}")
    for limit in ("0x20000000", hex(top), f"{low:#x}x"):
        board.refused(elf, [limit], ["--stack-limit", limit])


def main():
    board = Board(sys.argv[1])
    writable_beside_code(board)
    stack_address(board)
    places(board)
    in_place(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
