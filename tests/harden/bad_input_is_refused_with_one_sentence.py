#!/usr/bin/env python3
"""`proofmark harden` refuses what it cannot read: exit code 1 (2 for wrong use), one
sentence on standard error that names the fault, no output and no half of one; it never
dies, hangs or runs into a sanitizer.

    bad_input_is_refused_with_one_sentence.py PROOFMARK
"""
import os
import random
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402

PROGRAM = """
#include <stdio.h>
static int (*const table[])(const char *) = {puts};
int main(void) { return table[0]("hello") < 0; }
"""
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS, SHT_REL, SHF_ALLOC = 1, 2, 3, 8, 9, 2
SHT_ARM_ATTRIBUTES = 0x70000003
SANITIZER = ("Sanitizer", "runtime error", "Assertion")


class Elf:
    """Offsets of an ELF32 file's headers (gABI), and patches of it."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        self.phoff, self.shoff = struct.unpack_from("<II", self.data, 28)
        self.phnum, = struct.unpack_from("<H", self.data, 44)
        self.shnum, self.shstrndx = struct.unpack_from("<HH", self.data, 48)

    def section(self, index):
        return struct.unpack_from("<10I", self.data, self.shoff + 40 * index)

    def find(self, kind, flags=0):
        return next(i for i in range(self.shnum) if self.section(i)[1] == kind and self.section(i)[2] & flags == flags)

    def with_field(self, offset, layout, value):
        data = bytearray(self.data)
        struct.pack_into(layout, data, offset, value)
        return data

    def with_section_field(self, index, field, value):
        return self.with_field(self.shoff + 40 * index + 4 * field, "<I", value)

    def with_segment_field(self, index, field, value):
        return self.with_field(self.phoff + 32 * index + 4 * field, "<I", value)


NAME, TYPE, FLAGS, ADDRESS, OFFSET, SIZE, LINK, INFO, ALIGNMENT, ENTRY = range(10)


def headers(elf):
    """(what, bytes, words that the sentence must hold): each crafted header is refused."""
    text = next(i for i in range(elf.shnum) if elf.section(i)[FLAGS] & 4)
    symtab = elf.find(SHT_SYMTAB)
    rel = next(i for i in range(elf.shnum) if elf.section(i)[TYPE] == SHT_REL and elf.section(i)[INFO] == text)
    strtab = elf.section(symtab)[LINK]
    symbols, names = elf.section(symtab), elf.section(strtab)
    unterminated = bytearray(elf.data)
    unterminated[names[OFFSET]:names[OFFSET] + names[SIZE]] = b"x" * names[SIZE]
    relocations = elf.section(rel)
    yield "machine x86-64", elf.with_field(18, "<H", 62), ["machine 62", "ARM"]
    yield "64-bit", elf.with_field(4, "<B", 2), ["32-bit"]
    yield "big-endian", elf.with_field(5, "<B", 2), ["little-endian"]
    yield "ELF version 7", elf.with_field(6, "<B", 7), ["version"]
    yield "ET_REL", elf.with_field(16, "<H", 1), ["not a linked executable"]
    yield "ET_DYN", elf.with_field(16, "<H", 3), ["not a linked executable"]
    yield "too many sections", elf.with_field(48, "<H", 4097), ["4097 sections", "4096", "*(.text*)"]
    yield "too many segments", elf.with_field(44, "<H", 257), ["257 segments", "256"]
    yield "not ELF", bytearray(b"#!/bin/sh\n" * 20), ["not an ELF file"]
    yield "empty", bytearray(), ["not an ELF file"]
    yield "no sections", elf.with_field(48, "<H", 0), ["headers"]
    yield "65,000 sections", elf.with_field(48, "<H", 65000), ["65000 sections"]
    yield "65,000 segments", elf.with_field(44, "<H", 65000), ["65000 segments"]
    yield "section headers far off", elf.with_field(32, "<I", 0xfffffff0), ["section headers"]
    yield "section headers at an odd place", elf.with_field(32, "<I", elf.shoff + 2), ["headers"]
    yield "program headers far off", elf.with_field(28, "<I", 0xfffffff0), ["program headers"]
    yield "section header size 41", elf.with_field(46, "<H", 41), ["headers"]
    yield "a name far off", elf.with_section_field(text, NAME, 0xffffff00), ["name"]
    yield "no section names", elf.with_field(50, "<H", 65000), ["name"]
    yield "contents behind the file", elf.with_section_field(text, SIZE, len(elf.data)), ["truncated"]
    yield "contents of 4 GiB", elf.with_section_field(text, SIZE, 0xffffffff), ["truncated"]
    yield "contents at 4 GiB", elf.with_section_field(text, OFFSET, 0xfffffffc), ["truncated"]
    yield "at the end of memory", elf.with_section_field(text, ADDRESS, 0xfffffffe), ["address space"]
    yield "code at an odd address", elf.with_section_field(text, ADDRESS, elf.section(text)[ADDRESS] + 1), ["odd"]
    yield "overlapping sections", elf.with_section_field(text, ADDRESS, 0), ["overlap"]
    yield "symbols of 12 bytes", elf.with_section_field(symtab, ENTRY, 12), ["symbol table"]
    yield "half a symbol", elf.with_section_field(symtab, SIZE, symbols[SIZE] - 8), ["symbol table"]
    yield "symbol names in section 60,000", elf.with_section_field(symtab, LINK, 60000), ["name"]
    yield "symbol names in code", elf.with_section_field(symtab, LINK, text), ["name"]
    yield "names without an end", unterminated, ["name"]
    yield "a symbol in section 4,000", elf.with_field(symbols[OFFSET] + 16 * 5 + 14, "<H", 4000), ["section 4000"]
    yield "a symbol's name far off", elf.with_field(symbols[OFFSET] + 16 * 5, "<I", 0xfffffff), ["symbol 5"]
    yield "two symbol tables", elf.with_section_field(strtab, TYPE, SHT_SYMTAB), ["symbol"]
    yield "no symbols", elf.with_section_field(symtab, TYPE, SHT_STRTAB), ["unstripped"]
    yield "relocations of 12 bytes", elf.with_section_field(rel, ENTRY, 12), ["relocations"]
    yield "half a relocation", elf.with_section_field(rel, SIZE, relocations[SIZE] - 4), ["relocations"]
    yield "RELA", elf.with_section_field(rel, TYPE, 4), ["RELA"]
    yield "a relocation outside", elf.with_field(relocations[OFFSET], "<I", 0xfffffffc), ["points outside"]
    yield "a relocation's symbol 16,000,000", elf.with_field(relocations[OFFSET] + 4, "<I", 0xf4240002), ["points outside"]
    yield "a segment behind the file", elf.with_segment_field(0, 4, 0x7fffffff), ["segment 0"]
    yield "a segment at 4 GiB", elf.with_segment_field(0, 1, 0xfffffff0), ["segment 0"]
    yield "a segment larger in file", elf.with_segment_field(0, 5, 0), ["segment 0"]
    yield "a segment round the end", elf.with_segment_field(0, 5, 0xffffffff), ["segment 0"]


def crafted(board, elf):
    for what, data, words in headers(elf):
        path = board.path("crafted.elf")
        with open(path, "wb") as file:
            file.write(data)
        told = board.refused(path, words)
        board.expect(not any(word in told for word in SANITIZER), f"{what}: {told}")


def with_sections(data, elf, added):
    """The file with more section headers, `added` being rows of ten words."""
    data = bytearray(data)
    table = data[elf.shoff:elf.shoff + 40 * elf.shnum]
    data += bytes(-len(data) % 4)
    struct.pack_into("<I", data, 32, len(data))
    struct.pack_into("<H", data, 48, elf.shnum + len(added))
    return bytes(data + table + b"".join(struct.pack("<10I", *row) for row in added))


def grown(elf):
    """(what, bytes, words): files of 1.5 MiB that ask for the same bytes thousands of times over."""
    attributes = next(i for i in range(elf.shnum) if elf.section(i)[TYPE] == SHT_ARM_ATTRIBUTES)
    symtab = elf.section(elf.find(SHT_SYMTAB))
    padded = bytes(elf.data) + b"n" * (3 << 19) + bytes(8)
    long_name = (elf.section(elf.shstrndx)[NAME], SHT_STRTAB, 0, 0, len(elf.data), 3 << 19 | 1, 0, 0, 1, 0)

    def row(kind, offset, size, flags=0):
        return (0, kind, flags, 0, offset, size, 0, 0, 1, 0)

    whole = row(SHT_ARM_ATTRIBUTES, 0, len(padded))
    none = bytearray(padded)
    struct.pack_into("<I", none, elf.shoff + 40 * attributes + 4 * TYPE, SHT_PROGBITS)
    yield "4,000 sections over the whole file", with_sections(none, elf, [row(SHT_PROGBITS, 0, len(padded))] * 4000), \
        ["overlap in the file"]
    yield "4,000 attributes over the whole file", with_sections(padded, elf, [whole] * 4000), ["build attributes"]
    yield "sections that share a byte", with_sections(padded, elf, [row(SHT_PROGBITS, len(elf.data), 9),
                                                                    row(SHT_PROGBITS, len(elf.data) + 8, 9)]), \
        ["overlap in the file"]
    again = elf.section(attributes)
    other = row(SHT_ARM_ATTRIBUTES, len(elf.data), again[SIZE])
    data = bytearray(padded)
    data[len(elf.data):len(elf.data) + again[SIZE]] = elf.data[again[OFFSET]:again[OFFSET] + again[SIZE]]
    yield "two sections of attributes", with_sections(data, elf, [other]), ["two", "build attributes"]
    # One name of 1.5 MiB for each symbol.
    named = bytearray(padded)
    struct.pack_into("<I", named, elf.shoff + 40 * elf.find(SHT_SYMTAB) + 4 * LINK, elf.shnum)
    for at in range(symtab[OFFSET] + 16, symtab[OFFSET] + symtab[SIZE], 16):
        struct.pack_into("<I", named, at, 0)
    yield "a long name for each symbol", with_sections(named, elf, [long_name]), ["names are longer"]


def peak_bytes(command):
    """Of a process that ends, its memory at most."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        with subprocess.Popen(command, stdout=nowhere, stderr=nowhere) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss * 1024


def small(board, elf):
    """Memory stays in proportion to the file, by a copy of a good image with as many bytes."""
    path = board.path("grown.elf")

    def peak(data):
        with open(path, "wb") as file:
            file.write(data)
        return peak_bytes([board.proofmark, "harden", "--force", "-o", board.path("grown.out"), path])

    code, usual = peak(with_sections(bytes(elf.data) + bytes(3 << 19), elf, []))
    board.expect(code == 0, f"a padded image: exit {code}")
    for what, data, words in grown(elf):
        code, used = peak(data)
        board.expect(code == 1 and used < 2 * usual, f"{what}: exit {code}, {used >> 20} MiB, {usual >> 20} as a rule")
        board.refused(path, words)


NOTICE = re.compile("proofmark harden: no (memory map is set up|indirect call is checked): ")


def survives(board, data, what):
    """Whatever it is: exit 0 or 1 and at most one sentence."""
    path, out = board.path("odd.elf"), board.path("odd.out")
    with open(path, "wb") as file:
        file.write(data)
    try:
        done = subprocess.run([board.proofmark, "harden", "-o", out, path], capture_output=True, text=True,
                              timeout=60, check=False)
    except subprocess.TimeoutExpired:
        board.expect(False, f"{what}: hangs")
        return None
    ok = done.returncode in (0, 1) and not any(word in done.stderr for word in SANITIZER)
    # What an accepted image goes without is told; a refusal is one sentence.
    told = [line for line in done.stderr.splitlines() if not (done.returncode == 0 and NOTICE.match(line))]
    ok = ok and (os.path.exists(out) == (done.returncode == 0)) and len(told) == done.returncode
    board.expect(ok, f"{what}: exit {done.returncode}: {done.stderr[-800:]}")
    if os.path.exists(out):
        os.unlink(out)
    return done.returncode


def truncated(board, elf):
    """The section headers stand at the end, so every cut loses something and is refused."""
    step = max(64, len(elf.data) // 64 // 256 * 64)
    for length in [*range(0, 1024, 64), *range(1024, len(elf.data), step), len(elf.data) - 1]:
        code = survives(board, elf.data[:length], f"truncated to {length} bytes")
        board.expect(code == 1, f"truncated to {length} bytes: accepted")


def scribbled(board, elf, generator):
    """Headers with extreme values in seeded places, several at once."""
    extremes = (0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc, len(elf.data), 0x10000, 0xf0000000)
    for trial in range(60):
        data = bytearray(elf.data)
        for _ in range(generator.choice((1, 1, 2, 5))):
            table, count = generator.choice(((elf.shoff, elf.shnum * 10), (elf.phoff, elf.phnum * 8), (16, 9)))
            struct.pack_into("<I", data, table + 4 * generator.randrange(count), generator.choice(extremes))
        survives(board, data, f"scribbled header {trial}")


def built(board):
    other = board.write("other.c", "int main(void) { return 0; } void _exit(int c) { (void)c; for (;;) {} }\n")

    def link(name, *flags, driver="arm-none-eabi-gcc"):
        out = board.path(name)
        subprocess.run([driver, *flags, other, "-o", out], check=True, stderr=subprocess.DEVNULL)
        return out

    bare = ("-nostdlib", "-Wl,-e,main")
    board.refused(link("plain.elf", "-mcpu=cortex-m4", "-mthumb", *bare), ["-Wl,--emit-relocs"])
    board.refused(link("host.elf", driver="gcc"), ["32-bit"])
    board.refused(link("object.o", "-mcpu=cortex-m4", "-mthumb", "-c"), ["linker's output"])
    for cpu, name in (("cortex-m0", "v6S-M (tag 12)"), ("cortex-m23", "v8-M Baseline (tag 16)"),
                      ("cortex-m33", "v8-M Mainline (tag 17)"), ("cortex-m55", "v8.1-M Mainline (tag 21)")):
        elf = link(f"{cpu}.elf", f"-mcpu={cpu}", "-mthumb", "-Wl,--emit-relocs", *bare)
        board.refused(elf, [f"architecture {name}", "Cortex-M3, M4, M7"])
    stripped = link("stripped.elf", "-mcpu=cortex-m4", "-mthumb", "-s", *bare)
    board.refused(stripped, ["unstripped"])
    board.refused(board.path("missing.elf"), ["missing.elf", "cannot be opened"])
    board.refused(board.directory.name, ["not a regular file"])


def position_independent(board):
    """Code that goes by a global offset table is refused whole; functions that compute with the
    program counter alone stay as they are."""
    text = """
    #include <stdio.h>
    int shared = 3;
    __attribute__((noinline)) int by_table(int x) { return x + shared; }
    int main(void) { printf("sum %d\\n", by_table(4)); return 0; }
    """
    for flags in ("-fpic", "-fPIC"):
        for profile in ("null", "exploit"):
            board.refused(board.build(f"independent{flags}", text, ["-O2", flags]),
                          ["position-independent", "not supported", "-fpic"], ["--profile", profile])
    report = board.same(board.build("independent-fpie", text, ["-O2", "-fpie"]), "sum 7", ["exploit"], seeds=["00"])
    row = board.function(report, "by_table") if report else {}
    board.expect(row.get("status") == "untouched" and "program counter" in row.get("reason", ""), f"-fpie: {row}")


def wrong_use(board, good):
    for options, words in (
            (["--profile", "strong"], ["unknown profile strong"]), (["--seed", "xyz"], ["not a seed: xyz"]),
            (["--seed", ""], ["not a seed"]), (["--seed", "\x11"], ["not a seed"]), (["--seed", "g"], ["not a seed"]),
            (["--seed", "12\x19"], ["not a seed"]), (["--seed", "0" * 65], ["not a seed"]),
            (["--flash", "0"], ["START:SIZE"]), (["--flash", "0:0"], ["START:SIZE"]),
            (["--writable", "0x10:zz"], ["START:SIZE"])):
        board.refused(good, words, options, code=2)
    done = board.tool("harden", good)
    board.expect(done.returncode == 2 and "-o OUT.elf is needed" in done.stderr, f"no -o: {done}")
    done = board.tool("harden", "-o", board.path("refused.out"))
    board.expect(done.returncode == 2 and "input file" in done.stderr, f"no input: {done}")
    done = board.tool("harden", "-o", board.path("refused.out"), good, good)
    board.expect(done.returncode == 2, f"two inputs: {done}")
    done = board.tool("harden", "--no-such-option", "-o", board.path("refused.out"), good)
    board.expect(done.returncode == 2, f"unknown option: {done}")


def options(board, good):
    for extra, words in (
            (["--key-function", "nobody"], ["nobody", "no function"]), (["--exempt", "nobody"], ["nobody"]), (["--pin", "nobody"], ["nobody", "no function"]),
            (["--key-function", "table"], ["table", "no function"]), (["--key-cell", "nowhere"], ["nowhere"]),
            (["--key-cell", "0x20000001"], ["key cell"]), (["--flash", "0x0:0x100"], ["flash"])):
        board.refused(good, words, extra)
    done, out, _ = board.harden(good, options=["--key-function", "pm_random"])
    board.expect(done.returncode == 0, f"the good image: {done.stderr}")
    board.refused(out, ["hardened already"])
    board.refused(out, ["hardened already"], ["--profile", "null"])


def lists(board, good):
    """As many names as product.yaml may have (product/product.h), for harden and for check."""
    most = 64
    for option in ("--exempt", "--pin", "--flash-window"):
        board.refused(good, ["nobody"], [option, "nobody"] * most)
        board.refused(good, ["too many"], [option, "nobody"] * (most + 1), code=2)
    windows = ["--flash-window", "nobody"]
    done = board.tool("check", *windows * most, good)
    board.expect(done.returncode == 1 and "nobody" in done.stdout, f"check of {most} names: {done.stderr}")
    done = board.tool("check", *windows * (most + 1), good)
    board.expect(done.returncode == 2 and "too many" in done.stderr, f"check of {most + 1} names: {done.stderr}")


def main():
    board = Board(sys.argv[1])
    good = board.build("good", PROGRAM, flags=["-Os"])
    elf = Elf(good)
    seed = int(os.environ.get("PROOFMARK_SEED", "1"))
    print(f"seed {seed}")
    built(board)
    position_independent(board)
    wrong_use(board, good)
    options(board, good)
    lists(board, good)
    crafted(board, elf)
    small(board, elf)
    truncated(board, elf)
    scribbled(board, elf, random.Random(seed))
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
