#!/usr/bin/env python3
"""The hardened ELF describes itself: laid out again by its own relocations and symbols, in
other orders, it runs as before, seals and tags included; in the same order its bytes are the
same; twice gives the same bytes; and nothing in it is less understood than in the input.

    lays_out_again_what_was_hardened.py PROOFMARK LAY_OUT_AGAIN
"""
import re
import struct
import subprocess
import sys

from board import Board, emulate

PROGRAM = r"""
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
static jmp_buf place;
static int twice(int n) { return n * 2; }
static int next(int n) { return n + 1; }
static int leave(int n) { if (n > 9) longjmp(place, n); return n; }
static int (*const table[])(int) = {twice, next, leave};
__attribute__((noinline)) static int run(int n) { return n > 40 ? n : run(table[n % 3](n) + 1); }
__attribute__((noinline)) static int choose(int n) {
    switch (n) {
    case 0: return run(1); case 1: return twice(8); case 2: return run(n) - 1; case 3: return 7;
    case 4: return run(4) + run(3); case 5: return -1; case 6: return abs(n - 9); default: return 0;
    }
}
__attribute__((section(".data.ramfunc"), noinline)) static int in_ram(int n) { return table[n & 1](n); }
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
    int total = 0, numbers[] = {3, 1, 2};
    for (volatile int i = 0; i < 9; i++) {
        int code = setjmp(place);
        total = total * 3 + (code ? code : choose(i));
    }
    qsort(numbers, 3, sizeof *numbers, compare);
    printf("again %d %d %d%d%d\n", total, in_ram(20), numbers[0], numbers[1], numbers[2]);
    return 0;
}
"""


def loaded(path):
    """(address, bytes) of what is flashed (gABI program headers)."""
    with open(path, "rb") as file:
        data = file.read()
    offset, = struct.unpack_from("<I", data, 28)
    count, = struct.unpack_from("<H", data, 44)
    found = []
    for i in range(count):
        kind, at, _, load, size = struct.unpack_from("<5I", data, offset + 32 * i)
        if kind == 1 and size:
            found.append((load, data[at:at + size]))
    return found


def differ_in_filler_only(before, after):
    """Nothing differs but alignment (zeros, NOPs) that became the filler that traps."""
    if [(start, len(data)) for start, data in before] != [(start, len(data)) for start, data in after]:
        return False
    for (_, old), (_, new) in zip(before, after):
        for i in range(0, len(old) - 1, 2):
            if old[i:i + 2] != new[i:i + 2] and (old[i:i + 2] not in (b"\0\0", b"\x00\xbf") or new[i:i + 2] != b"\xff\xde"):
                return False
    return True


def untouched(text):
    return int(re.search(r"(\d+) untouched", text).group(1))


def again(board, tool, seed, elf, name):
    out = board.path(name)
    done = subprocess.run([tool, seed, elf, out], capture_output=True, text=True, check=False)
    board.expect(done.returncode == 0, f"{name}: {done.stderr}")
    return (out, untouched(done.stdout), done.stderr) if done.returncode == 0 else (None, 0, "")


def main():
    board, tool = Board(sys.argv[1]), sys.argv[2]
    for level in ("-O2", "-Os"):
        elf = board.build(f"again{level}", PROGRAM, [level, "-Wa,--no-warn"])
        plain = emulate(elf)
        board.expect(plain.code == 0 and b"again" in plain.output, plain.told())
        _, first, _ = again(board, tool, "1", elf, f"plain{level}")
        for profile in ("null", "exploit"):
            options = ["--no-mpu"] if profile == "exploit" else []
            done, hardened, _ = board.harden(elf, profile, options)
            if not board.expect(done.returncode == 0, f"{level} {profile}: {done.stderr}"):
                continue
            for seed in ("same", "0x51", "0x52"):
                name = f"{level}-{profile}-{seed}"
                out, count, told = again(board, tool, seed, hardened, name)
                if not out:
                    continue
                run = emulate(out)
                board.expect(run.same(plain), f"{name}: {run.told()}")
                board.expect(count <= first, f"{name}: {count} untouched, {first} before: {told}")
                if seed == "same":
                    board.expect(differ_in_filler_only(loaded(hardened), loaded(out)), f"{name}: other bytes")
                twice, _, _ = again(board, tool, seed, hardened, f"{name}-twice")
                board.expect(loaded(out) == loaded(twice), f"{name}: two runs, other bytes")
                third, _, _ = again(board, tool, "0x53", out, f"{name}-third")
                run = emulate(third)
                board.expect(run.same(plain), f"{name} and again: {run.told()}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
