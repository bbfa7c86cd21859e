#!/usr/bin/env python3
"""A memory map that would open flash to writes is refused with one sentence: RAM at two far
places of the code region, and a range that the firmware writes beside code without the
alignment. Variables that run in place below 0x20000000 are RAM, and are written. The stack's
end may be an address. A stack below 0x20000000 without a section of its own is RAM, with the
heap in front of it, or the map stays off; check finds a map that leaves it read only.

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


RAM_CODE = r"""
#include <stdio.h>
__attribute__((section(".ramcode"), noinline, long_call)) int in_ram(int x) { return x * 3 + 1; }
int main(void) { printf("ram %d\n", in_ram(4)); return 0; }
"""


def exceptions_are_told(board):
    """check's text names RAM that executes, and memory beside the code that can be written."""
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    old = "        __data_end = .;"
    assert old in text
    boards.LINK[-1] = board.write("ramcode.ld", text.replace(old, "        . = ALIGN(32); *(.ramcode) . = ALIGN(32);\n" + old))
    elf = board.build("ramcode", RAM_CODE, ["-O1", "-Wa,--no-warn"])
    options = ["--writable", "0x100000:0x2000"]
    report = board.same(elf, "ram 13", ["exploit"], options, seeds=["01"], check_options=options)
    if not report:
        return
    region = next(r for r in report["memory_map"]["regions"] if r["role"] == "code in RAM")
    found = board.tool("check", f"{elf}.exploit").stdout
    for start, size, words in ((region["base"], region["size_bytes"], "executes, and can be written"),
                               (0x100000, 0x2000, "can be written")):
        board.expect(f"{start:#010x} to {start + size - 1:#010x} " in found and words in found, f"told: {found}")


HEAP = r"""
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    volatile char *p = malloc(20000), stack[3000];
    for (int i = 0; i < 20000; i++) p[i] = (char)i;
    for (int i = 0; i < 3000; i++) stack[i] = p[i * 6];
    printf("heap %d\n", p[19999] + stack[2999]);
    return 0;
}
"""
OFF = "does not say where it ends"


def stack_script(board, name, symbols, ram=None):
    """The board's script without sections for heap and stack, or with all of RAM at `ram`."""
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    start = text.index("    .heap (NOLOAD)" if ram else "    .stack (NOLOAD)")
    text = text[:start] + symbols + "\n}\n"
    if ram:
        assert "ORIGIN = 0x20000000, LENGTH = 4M - 1K" in text
        text = text.replace("ORIGIN = 0x20000000, LENGTH = 4M - 1K", ram)
    boards.LINK[-1] = board.write(f"{name}.ld", text)


def low_stack(board):
    """(symbols of the script, where RAM is, options, is the map on)"""
    limit = "__StackLimit = 0x003f8000;"
    heap = "__HeapBase = __bss_end; __HeapLimit = 0x003f0000;"
    low = "ORIGIN = 0x00300000, LENGTH = 1023K"
    judged = ["--writable", "0x100000:0x2000"]  # with it, check judges what else is writable
    for name, symbols, ram, options, on in (
            ("top", "", None, [], False),
            ("top_told", "", None, ["--stack-limit", "0x003f8000"], True),
            ("limit", limit, None, [], True),
            ("odd_limit", "__StackLimit = 0x003f8004;", None, [], True),
            ("full", limit, None, ["--writable", "0x140000:0x2000", "--writable", "0x180000:0x2000"], True),
            ("all_low", heap, low, [], True),
            ("all_low_limit", heap + limit, low, [], True)):
        stack_script(board, name, f"    {symbols} __StackTop = 0x003ff000;", ram)
        elf = board.build(f"low_{name}", HEAP, ["-O1"])
        options = options + judged if on else options
        report = board.same(elf, "heap", ["exploit"], options, ["01"], check_options=options)
        if report:
            found = report["memory_map"]
            board.expect(found["applied"] == on and (on or OFF in found["reason"]), f"a low stack, {name}: {found}")


def faulty_low_stack(board):
    """The region of the low stack is taken out of the stub's table: check finds it."""
    stack_script(board, "faulty", "    __StackLimit = 0x003f8000; __StackTop = 0x003ff000;")
    elf = board.build("low_faulty", HEAP, ["-O1"])
    done, out, report = board.harden(elf)
    if not board.expect(done.returncode == 0 and report["memory_map"]["applied"], f"a low stack: {done.stderr}"):
        return
    index, region = next((i, r) for i, r in enumerate(report["memory_map"]["regions"])
                         if r["role"] == "RAM in the code region")
    with open(out, "rb") as file:
        data = file.read()
    place = data.find(struct.pack("<I", region["base"] | 0x10 | index))
    board.expect(place > 0, "the low stack's region is not in the stub's table")
    rasr, = struct.unpack_from("<I", data, place + 4)
    read_only = rasr & ~(7 << 24) | 6 << 24
    with open(out, "wb") as file:
        file.write(data[:place + 4] + struct.pack("<I", read_only) + data[place + 8:])
    found = board.tool("check", out)
    board.expect(found.returncode == 1 and "the initial stack" in found.stdout and "cannot be written" in found.stdout,
                 f"a stack that is read only: {found.stdout}")
    run = emulate(out)
    board.expect(run.code != 0, f"a stack that is read only runs: {run.told()}")


def main():
    board = Board(sys.argv[1])
    script = boards.LINK[-1]
    low_stack(board)
    faulty_low_stack(board)
    boards.LINK[-1] = script
    exceptions_are_told(board)
    boards.LINK[-1] = script
    writable_beside_code(board)
    stack_address(board)
    places(board)
    in_place(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
