"""Hardened images to look at with `proofmark check`, and single faults put into them."""
import json
import os
import re
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../firmware"))
import board  # noqa: E402

PROGRAM = """
#include <stdio.h>

static int twice(int x) { return 2 * x; }
static int square(int x) { return x * x; }
static int (*const table[])(int) = {twice, square};

__attribute__((noinline)) int work(int n) { return n < 2 ? n : work(n - 1) + work(n - 2); }
__attribute__((noinline)) int other(int n) { return work(n) + work(n / 2); }

__attribute__((noinline)) int choose(int kind, int x) {
    switch (kind) {
    case 0: return work(x) ^ 3;
    case 1: return other(x);
    case 2: return 7 * x;
    case 3: return work(x) + 1;
    case 4: return x - 9;
    default: return -1;
    }
}

int main(void) {
    int sum = 0;
    for (int i = 0; i < 6; i++) sum += choose(i, 5) + table[i & 1](i);
    puts(sum > 0 ? "positive" : "not");
    return 0;
}
"""
NOP, NOP_WIDE = b"\x00\xbf", b"\xaf\xf3\x00\x80"


class Images(board.Board):
    def build_with_random_key(self, name="image", text=PROGRAM, flags=("-Os",)):
        """The board's firmware with the key that the host's random source gives."""
        source = self.write(f"{name}.c", text)
        shared = [os.path.join(board.BOARD, part) for part in ("startup.c", "syscalls.c", "key_host.c")]
        objects = self._objects(shared, ["-Os"], "random") + self._objects([source], list(flags), name)
        elf = self.path(f"{name}.elf")
        subprocess.run(["arm-none-eabi-gcc", *board.MACHINE, *flags, *board.LINK, *objects, "-o", elf], check=True)
        return elf

    def hardened(self, elf, profile="exploit", options=("--key-function", "pm_random"), name=None):
        done, out, _ = self.harden(elf, profile, options if profile == "exploit" else (), name)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        return out

    def figures(self, image, original=None, options=()):
        """(exit code, figures) of `proofmark check --json`."""
        with_original = ["--original", original] if original else []
        done = self.tool("check", "--json", *with_original, *options, image)
        return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}

    def holds(self, told, image, original=None, options=()):
        code, figures = self.figures(image, original, options)
        self.expect(code == 0 and figures.get("findings") == [],
                    f"{told}: exit {code}, {figures.get('findings', figures)[:3]}")
        return figures

    def finds(self, told, image, kind, words, original=None, options=()):
        """Found wanting, with a finding of this kind whose text or function has each word."""
        code, figures = self.figures(image, original, options)
        findings = figures.get("findings", [])
        named = [f for f in findings if f["kind"] == kind and
                 all(word in f"{f['function']}: {f['what']}" for word in words)]
        self.expect(code == 1 and named, f"{told}: exit {code}, wanted {kind} with {words}, got {findings[:4]}")


class Patch:
    """A copy of an image with bytes changed by address."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        text = subprocess.run(["arm-none-eabi-objdump", "-d", path], capture_output=True, text=True,
                              check=True).stdout
        self.functions, self.code = {}, {}
        name = None
        for line in text.splitlines():
            start = re.match(r"([0-9a-f]{8}) <(.+)>:", line)
            if start:
                name = start[2]
                self.functions.setdefault(name, []).append(int(start[1], 16))
                continue
            row = re.match(r" *([0-9a-f]+):\t([0-9a-f]{4}(?: [0-9a-f]{4})?) +\t(.*)", line)
            if row:
                self.code[int(row[1], 16)] = (row[2].count(" ") * 2 + 2, row[3].replace("\t", " "), name)

    def address(self, function, pattern):
        """Address of the first instruction of the function that the pattern matches."""
        for at, (_, text, name) in sorted(self.code.items()):
            if name == function and re.search(pattern, text):
                return at
        raise SystemExit(f"{self.path}: no {pattern!r} in {function}")

    def offset(self, address):
        shoff, = struct.unpack_from("<I", self.data, 32)
        count, = struct.unpack_from("<H", self.data, 48)
        for index in range(count):
            header = struct.unpack_from("<10I", self.data, shoff + 40 * index)
            if header[2] & 2 and header[1] != 8 and header[3] <= address < header[3] + header[5]:
                return header[4] + address - header[3]
        raise SystemExit(f"{address:#x} is not in {self.path}")

    def word(self, address):
        return struct.unpack_from("<I", self.data, self.offset(address))[0]

    def put(self, address, content):
        at = self.offset(address)
        self.data[at:at + len(content)] = content
        return self

    def nop(self, address):
        return self.put(address, NOP if self.code[address][0] == 2 else NOP_WIDE)

    def symbol(self, name):
        """File offset of the symbol's entry."""
        shoff, = struct.unpack_from("<I", self.data, 32)
        count, = struct.unpack_from("<H", self.data, 48)
        tables = [struct.unpack_from("<10I", self.data, shoff + 40 * index) for index in range(count)]
        table = next(t for t in tables if t[1] == 2)
        names = tables[table[6]][4]
        for at in range(table[4], table[4] + table[5], 16):
            start = names + struct.unpack_from("<I", self.data, at)[0]
            if self.data[start:self.data.index(0, start)].decode() == name:
                return at
        raise SystemExit(f"{self.path}: no symbol {name}")

    def resize(self, name, size):
        struct.pack_into("<I", self.data, self.symbol(name) + 8, size)
        return self

    def drop_relocation(self, place):
        """The file without the relocations of the place: what stands behind them moves up."""
        shoff, = struct.unpack_from("<I", self.data, 32)
        count, = struct.unpack_from("<H", self.data, 48)
        tables = [struct.unpack_from("<10I", self.data, shoff + 40 * index) for index in range(count)]
        for index, (_, kind, _, _, offset, size, *_) in enumerate(tables):
            for at in range(offset, offset + size, 8) if kind == 9 else ():
                if struct.unpack_from("<I", self.data, at)[0] == place:
                    self._cut(index, at)
                    return self.drop_relocation(place)
        return self

    def _cut(self, section, at):
        del self.data[at:at + 8]
        shoff = struct.unpack_from("<I", self.data, 32)[0]
        shoff -= 8 if shoff > at else 0
        struct.pack_into("<I", self.data, 32, shoff)
        for index in range(struct.unpack_from("<H", self.data, 48)[0]):
            offset, size = struct.unpack_from("<II", self.data, shoff + 40 * index + 16)
            struct.pack_into("<II", self.data, shoff + 40 * index + 16, offset - 8 if offset > at else offset,
                             size - 8 if index == section else size)

    def save(self, name):
        out = f"{self.path}.{name}"
        with open(out, "wb") as file:
            file.write(self.data)
        return out


def bl(place, target):
    """BL (A7.7.18, T1)."""
    offset = target - (place + 4)
    sign = offset >> 31 & 1
    i1, i2 = offset >> 23 & 1, offset >> 22 & 1
    j1, j2 = (~(i1 ^ sign)) & 1, (~(i2 ^ sign)) & 1
    first = 0xf000 | sign << 10 | (offset >> 12 & 0x3ff)
    return struct.pack("<HH", first, 0xd000 | j1 << 13 | j2 << 11 | (offset >> 1 & 0x7ff))
