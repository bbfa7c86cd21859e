#!/usr/bin/env python3
"""Firmware that reads what stands at address 0 gets no guard there: by asking the processor where
its vector table is, by a constant, in a loop, by what it calls or goes on to, by a symbol without
a section. Firmware that looks at a null pointer first keeps the guard, which stops a read through
one. Where the guard forbids such a read, check finds it; `--no-null-guard` leaves the guard out.

    reads_of_address_0_do_not_fault.py PROOFMARK
"""
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../check"))
from board import Board, emulate  # noqa: E402
from images import Patch  # noqa: E402

FAULT = 99  # tests/board/startup.c: a fault was reported
TOP = r"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>
extern uint32_t __StackTop[];
volatile uint32_t four = 4, zero;
__attribute__((noipa)) uint32_t first(const uint8_t *from, uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum |= (uint32_t)*from++ << i * 8;
    return sum;
}
__attribute__((noipa)) uint32_t go_on(const void *from, uint32_t count) {
    four = count;
    return first(from, count);
}
%s
int main(void) { printf("top %%d\n", read_top() == (uint32_t)__StackTop); return 0; }
"""
COPY = r"""
static uint32_t copy[16] __attribute__((aligned(128)));
static uint32_t read_top(void) {
    const uint32_t *old = (const uint32_t *)*(volatile uint32_t *)0xe000ed08;
    for (int i = 0; i < 16; i++) copy[i] = old[i];
    *(volatile uint32_t *)0xe000ed08 = (uint32_t)copy;
    return copy[0];
}
"""
SCB = r"""
struct scb { uint32_t cpuid, icsr, *vtor; };
static uint32_t read_top(void) { return ((volatile struct scb *)0xe000ed00)->vtor[0]; }
"""
LOOP = r"""
extern const uint8_t __data_load[];
static uint32_t read_top(void) {
    uint32_t sum = 0, shift = 0;
    for (const volatile uint8_t *p = 0; p < __data_load; p++, shift += 8) sum |= shift < 32 ? *p << shift : 0;
    return sum;
}
"""
SYMBOL = r"""
__asm__(".global flash_start\nflash_start = 0");
extern const uint8_t flash_start[];
static uint32_t read_top(void) { return first(flash_start, four); }
"""
# A pointer that is looked at before it is used, by all that compilers make of that.
LOOKS = r"""
struct node { int value; struct node *next; };
__attribute__((noipa)) int value(struct node *n) { return n ? n->value : 7; }
__attribute__((noipa)) int later(struct node *n, int x) { struct node *m = n; zero = x; return !m ? x : m->value + value(m); }
__attribute__((noipa)) int of_kind(int kind, struct node *n) { volatile int kept = kind; return kept ? n->value : 0; }
__attribute__((noipa)) int isolated(int k, struct node *n) { struct node *m = 0; if (k > 3) m = n; return k + m->value; }
__attribute__((noipa)) int none(const char *text, int count) { int sum = 0; while (count > 0) sum += text[--count]; return sum; }
static uint32_t read_top(void) {
    struct node n = {1, 0};
    struct node *found = 0;
    for (struct node *p = &n; p; p = p->next) if (p->value == 1) found = p;
    if (value(0) + later(0, 5) + later(&n, 1) + none(0, 0) + of_kind(0, 0) + isolated(4, &n) + found->value != 20) return 0;
    return (uint32_t)__StackTop;
}
"""
WAYS = (
    ("vtor", COPY), ("scb", SCB), ("loop", LOOP), ("symbol", SYMBOL),
    ("word", "static uint32_t read_top(void) { return *(volatile uint32_t *)0; }"),
    ("passed", "static uint32_t read_top(void) { return first(0, four); }"),
    ("passed_on", "static uint32_t read_top(void) { return go_on(0, four); }"),
    ("memcpy", "static uint32_t read_top(void) { uint32_t top = 0; memcpy(&top, (void *)0, four); return top; }"),
)
KEPT = r"""
#include <stdint.h>
#include <stdio.h>
static uint32_t *volatile nothing;
int main(void) {
    uint32_t icsr = *(volatile uint32_t *)0xe000ed0c, word = *(volatile uint32_t *)64;
    printf("read %d\n", (icsr | word) != 0);
    printf("null %d\n", (int)*(volatile uint32_t *)nothing);
    return 0;
}
"""


def guarded(report):
    return any(region["role"] == "address 0" for region in report["memory_map"]["regions"])


def reads(board):
    for name, text in WAYS:
        for level in ("-O1", "-Os", "-O3"):
            flags = [level, "-Wno-array-bounds", "-fno-tree-loop-distribute-patterns",
                     "-fno-delete-null-pointer-checks"]
            elf = board.build(f"{name}{level}", TOP % text, flags)
            report = board.same(elf, "top 1", ["exploit"], seeds=["01"])
            if report:
                found = report["memory_map"]
                told = found.get("no_null_guard", "")
                right = found["applied"] and not guarded(report) and ("VTOR" in told or "address 0" in told)
                board.expect(right, f"{name} {level}: {found}")


def looks_first(board):
    for level in ("-O1", "-Os", "-O3"):
        elf = board.build(f"looks{level}", TOP % LOOKS, [level])
        report = board.same(elf, "top 1", ["exploit"], seeds=["01"])
        if report:
            board.expect(guarded(report), f"a guard where pointers are looked at: {level}: {report['memory_map']}")


def null_pointer(board):
    """Read through unseen: stopped by the guard, and not without."""
    elf = board.build("null", KEPT, ["-O1"])
    done, out, report = board.harden(elf)
    board.expect(done.returncode == 0 and guarded(report), f"a guard: {done.stderr}")
    run = emulate(out)
    board.expect(run.code == FAULT and b"read 1" in run.output and b"null" not in run.output, f"a null pointer: {run.told()}")
    report = board.same(elf, "null", ["exploit"], ["--no-null-guard"], ["01"])
    if report:
        found = report["memory_map"]
        board.expect(found["applied"] and not guarded(report) and found["no_null_guard"], f"--no-null-guard: {found}")


def forbidden(board):
    """The same change in the original and in the image that was hardened with a guard."""
    elf = board.build("forbidden", KEPT, ["-O1"])
    done, out, _ = board.harden(elf)
    board.expect(done.returncode == 0, f"forbidden: {done.stderr}")
    for told, change, words in (
            ("VTOR", lambda p: p.put(p.address("main", r"ldr.*#3340") + 2, b"\x08"), "where its vector table is"),
            ("low", at_zero, "reads address 0")):
        images = [change(Patch(path)).save(told) for path in (elf, out)]
        found = board.tool("check", "--original", images[0], images[1])
        lines = [line for line in found.stdout.splitlines() if line.startswith("memory map:")]
        board.expect(found.returncode == 1 and len(lines) == 1 and words in lines[0], f"{told}: {found.stdout}")


def at_zero(patch):
    """LDR (A7.7.43, T1) of the word at 64 reads the one at 0."""
    place = patch.address("main", r"ldr r\d, \[r\d, #64\]")
    half, = struct.unpack_from("<H", patch.data, patch.offset(place))
    return patch.put(place, struct.pack("<H", half & ~(31 << 6)))


def main():
    board = Board(sys.argv[1])
    reads(board)
    looks_first(board)
    null_pointer(board)
    forbidden(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
