#!/usr/bin/env python3
"""Each option of `proofmark harden` by what the running image then does: flash named
writable takes writes and other flash faults, code stays within --flash, exempt functions
keep their returns, the stack's guard faults, the memory map can be left away, and firmware
that sets up the MPU itself keeps its own.

    options_do_what_they_say.py PROOFMARK
"""
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board, emulate  # noqa: E402

FAULT = 99  # tests/board/startup.c: a fault was reported

WRITER = r"""
#include <stdint.h>
#include <stdio.h>
#ifndef PLACE
#define PLACE 0x00300010
#endif
__attribute__((noinline)) int store(uint32_t place) { *(volatile uint32_t *)place = 0x5a5a; return *(volatile uint32_t *)place == 0x5a5a; }
int (*volatile through)(uint32_t) = store;
int main(void) { printf("stored %d\n", through(PLACE)); return 0; }
"""

DEEP = r"""
#include <stdio.h>
__attribute__((noinline)) static int deep(int n) {
    volatile char frame[200];
    frame[n % 200] = 1;
    return n == 0 ? 0 : deep(n - 1) + frame[n % 200];
}
int main(void) { printf("deep %d\n", deep(8000)); return 0; }
"""

OWN_MPU = r"""
#include <stdint.h>
#include <stdio.h>
#define MPU ((volatile uint32_t *)0xE000ED90)
int main(void) {
    MPU[2] = 0; MPU[3] = 0x20000000; MPU[4] = 0x10000000 | 3 << 24 | 28 << 1 | 1;
    MPU[1] = 5;
    __asm__ volatile("dsb\n\tisb");
    printf("regions mine %d\n", MPU[4] == (0x10000000 | 3 << 24 | 28 << 1 | 1));
    return 0;
}
"""


def runs(board, elf, code, words, options=(), what=""):
    done, out, report = board.harden(elf, options=options)
    if not board.expect(done.returncode == 0, f"{what}: {done.stderr}"):
        return None, out
    run = emulate(out)
    board.expect(run.code == code and words in run.output.decode("latin-1"), f"{what}: {run.told()}")
    return report, out


def writable(board):
    elf = board.build("writer", WRITER)
    runs(board, elf, FAULT, "fault 00000003", what="a write to flash")
    report, _ = runs(board, elf, 0, "stored 1", ["--writable", "0x300000:0x1000"], "a write to a settings page")
    if report:
        board.expect(any(region["base"] == 0x300000 and region["size_bytes"] == 0x1000
                         for region in report["memory_map"]["regions"]), f"{report['memory_map']}")
    near = board.build("near", WRITER.replace("0x00300010", "0x00301000"))
    runs(board, near, FAULT, "fault 00000003", ["--writable", "0x300000:0x1000"], "a write behind the page")
    report, _ = runs(board, elf, 0, "stored 1", ["--no-mpu"], "--no-mpu")
    if report:
        board.expect(report["memory_map"]["applied"] is False and report["memory_map"]["reason"], "--no-mpu")


def segments(path):
    """(address where it is flashed, bytes) of each loaded segment (gABI program headers)."""
    with open(path, "rb") as file:
        data = file.read()
    offset, = struct.unpack_from("<I", data, 28)
    count, = struct.unpack_from("<H", data, 44)
    rows = [struct.unpack_from("<8I", data, offset + 32 * i) for i in range(count)]
    return [(row[3], row[4]) for row in rows if row[0] == 1 and row[4]]


def flash_ends(path):
    return max(start + size for start, size in segments(path))


def flash(board):
    """Sealing makes this image larger than its functions' old places."""
    many = "".join(f"__attribute__((noinline)) int f{i}(int n) {{ return through(n + {i}) + through(n); }}\n"
                   for i in range(300))
    calls = " + ".join(f"f{i}({i})" for i in range(300))
    elf = board.build("many", "#include <stdio.h>\n"
                      "__attribute__((noinline)) int base(int n) { return n * 3; }\n"
                      "int (*volatile through)(int) = base;\n" + many +
                      f"int main(void) {{ printf(\"many %d\\n\", {calls}); return 0; }}\n", ["-O1"])
    plain = emulate(elf)
    done, out, report = board.harden(elf)
    if not board.expect(done.returncode == 0 and report["totals"]["overflow_bytes"] > 256, f"no code behind: {done}"):
        return
    end, old_end = flash_ends(out), flash_ends(elf)
    told = plain.output.decode()
    runs(board, elf, 0, told, ["--flash", f"0:{end}"], "flash that just fits")
    board.refused(elf, ["flash"], ["--flash", f"0:{end - 64}"])
    page = (old_end + 64) & ~31
    board.refused(elf, ["flash the firmware writes"], ["--writable", f"{page:#x}:0x400"])
    far = (end + 4096) & ~4095
    _, moved = runs(board, elf, 0, told, ["--writable", f"{far:#x}:0x400"], "a page behind the image")
    board.expect(flash_ends(moved) <= far, f"code is in the page {far:#x}: {segments(moved)}")
    inside = (old_end - 256) & ~31
    board.refused(elf, ["0x"], ["--writable", f"{inside:#x}:0x400"])


def stack_limit(board):
    elf = board.build("deep", DEEP, ["-O1"])  # 8000 frames of over 200 bytes: beyond 1 MiB
    runs(board, elf, FAULT, "fault 00000003", what="a stack that runs off its end")
    elf = board.build("shallow", DEEP.replace("200", "8").replace("8000", "4000"),  # 4000 small frames
                      ["-Wl,--defsym=higher=__StackTop - 0x8000", "-Wl,--defsym=top_less_32=__StackTop - 32"])
    runs(board, elf, 0, "deep 4000", what="a stack that is deep enough")
    report, _ = runs(board, elf, FAULT, "fault 00000003", ["--stack-limit", "higher"], "a higher limit")
    if report:
        guards = [region for region in report["memory_map"]["regions"] if region["role"] == "stack guard"]
        board.expect(len(guards) == 1 and guards[0]["size_bytes"] == 32, f"{guards}")
    for name, reason in (("nowhere", "no symbol of that name"), ("__HeapBase", "the heap is there"),
                         ("__bss_start", "something of the image"), ("__StackTop", "not below"),
                         ("top_less_32", "no guard of 32 bytes fits")):
        board.refused(elf, [name, reason], ["--stack-limit", name])


def exempt(board):
    elf = board.build("exempt", WRITER.replace("0x00300010", "0x203ffff0"))
    before = board.harden(elf)[2]
    done, _, report = board.harden(elf, options=["--exempt", "main", "--exempt", "exit"])
    if board.expect(done.returncode == 0, f"--exempt: {done.stderr}"):
        for name in ("main", "exit"):
            was, now = board.function(before, name)["protections"], board.function(report, name)["protections"]
            board.expect(was["returns"]["protected"] == 1 and now["returns"]["protected"] == 0 and
                         now["returns"].get("exempt") and now["returns"]["reason"], f"{name}: {was} {now}")
    board.same(elf, "stored 1", ["exploit"], ["--exempt", "main", "--exempt", "exit"], check=False)


PINNED = r"""
#include <stdint.h>
#include <stdio.h>
__attribute__((noinline)) static int triple(int x) { return 3 * x; }
int (*volatile through)(int) = triple;
__attribute__((noinline, used)) unsigned sum(const uint8_t *p, unsigned n) {
    unsigned s = 0;
    while (n--) s = s * 31 + *p++;
    return s;
}
__attribute__((noinline, used)) int caller(int x) { printf("%d ", x); return through(x) + 1; }
int main(void) {
    /* Code read as data by a number: no relocation tells. */
    printf("sum %u caller %d\n", sum((const uint8_t *)ADDRESS, 8), caller(2));
    return 0;
}
"""


def address_of(elf, name):
    names = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0], 16) & ~1 for line in names.splitlines() if line.endswith(f" T {name}"))


def code_of(elf, name):
    told = subprocess.run(["arm-none-eabi-objdump", "-d", f"--disassemble={name}", elf], capture_output=True, text=True,
                          check=True).stdout
    return [line.split("\t")[:2] for line in told.splitlines() if line.startswith(" ")]


def pinned(board):
    flags = ["-O1", "-DADDRESS=0x400"]
    number = address_of(board.build("before", PINNED, flags), "sum")
    elf = board.build("pinned", PINNED, ["-O1", f"-DADDRESS={number:#x}"])
    board.expect(address_of(elf, "sum") == number, "the function moved at the link")
    moved = board.harden(elf, "null")[1]
    board.expect(not emulate(moved).same(emulate(elf)), "code read as data moves without harm")
    told = ["--pin", "sum", "--pin", "caller"]
    counted = ["--exempt", "sum", "--exempt", "caller"]
    for profile in ("null", "exploit"):
        done, out, report = board.harden(elf, profile, told)
        if not board.expect(done.returncode == 0, f"--pin {profile}: {done.stderr}"):
            continue
        board.expect(emulate(out).same(emulate(elf)), f"--pin {profile}: {emulate(out).told()}")
        board.expect(code_of(out, "sum") == code_of(elf, "sum"), f"--pin {profile}: sum is not byte for byte")
        for name in ("sum", "caller"):
            row = board.function(report, name)
            board.expect(row["status"] == "untouched" and "pinned" in row["reason"], f"--pin {profile}: {row}")
            board.expect(address_of(out, name) == address_of(elf, name), f"--pin {profile}: {name} moved")
        if profile == "exploit":
            found = board.tool("check", "--json", "--original", elf, *counted, out)
            calls = json.loads(found.stdout)["calls"]
            board.expect(found.returncode == 0 and calls["exempt"] >= 1, f"--pin: {found.stdout[-500:]}")
            found = board.tool("check", "--original", elf, out)
            board.expect(found.returncode == 1 and "caller" in found.stdout, "a pinned function that check is not told of")


# The linker aligned them, which the linked file does not tell; a tag is kept in the low bits.
ALIGNED = r"""
#include <stdint.h>
#include <stdio.h>
__attribute__((noinline, aligned(64))) int first(int x) { return 3 * x + 1; }
__attribute__((noinline, aligned(64))) int second(int x) { return 5 * x + 2; }
static int (*const table[])(int) = {first, second};
volatile int one = 1;
int main(void) {
    uintptr_t tagged = ((uintptr_t)table[one] & ~(uintptr_t)1) | (uintptr_t)one << 3;
    int (*clean)(int) = (int (*)(int))((tagged & ~(uintptr_t)63) | 1);
    printf("tag %u of %d\n", (unsigned)(tagged & 63) >> 3, clean(one));
    return 0;
}
"""


def aligned(board):
    """A pinned function keeps its alignment, but a pointer to it leads to a thunk where calls are checked."""
    elf = board.build("aligned", ALIGNED, ["-Os"])
    board.expect(b"tag 1 of 7" in emulate(elf).output, f"aligned as it is: {emulate(elf).told()}")
    moved = board.harden(elf, "null", ["--seed", "01"])[1]
    board.expect(not emulate(moved).same(emulate(elf)), "aligned functions move without harm")
    told = ["--pin", "first", "--pin", "second"]
    for profile in ("null", "exploit"):
        _, out, _ = board.harden(elf, profile, ["--seed", "01", *told])
        for name in ("first", "second"):
            board.expect(address_of(out, name) == address_of(elf, name), f"aligned {profile}: {name} moved")
        board.expect(address_of(out, "second") % 64 == 0, f"aligned {profile}: {address_of(out, 'second'):#x}")
        if profile == "null":
            board.expect(emulate(out).same(emulate(elf)), f"aligned --pin: {emulate(out).told()}")


def calls_exempt(board):
    elf = board.build("calls", PINNED, ["-O1", "-DADDRESS=0"])
    for options, protected in ([], 1), (["--exempt", "caller"], 0):
        _, out, report = board.harden(elf, options=options)
        calls = board.function(report, "caller")["protections"]["calls"]
        reason = {} if protected else {"reason": "it is exempt"}
        board.expect(calls == {"protected": protected, "sites": 1, **reason}, f"{options}: {calls}")
        found = board.tool("check", *options, "--original", elf, out)
        board.expect(found.returncode == 0, f"{options}: {found.stdout[-500:]}")


def own_mpu(board):
    elf = board.build("ownmpu", OWN_MPU)
    report = board.same(elf, "regions mine 1", check=False)
    if report:
        board.expect(report["memory_map"]["reason"] == "the firmware sets up the MPU itself", f"{report['memory_map']}")
        totals = report["totals"]
        board.expect(totals["return_sites_protected"] > 0, f"returns are still sealed: {totals}")


def main():
    board = Board(sys.argv[1])
    writable(board)
    stack_limit(board)
    flash(board)
    exempt(board)
    pinned(board)
    aligned(board)
    calls_exempt(board)
    own_mpu(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
