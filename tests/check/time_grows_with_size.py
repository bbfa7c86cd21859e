#!/usr/bin/env python3
"""Four times the relocations in one run of data, or four times the names of one function that
is as much longer, take about four times as long to check, not sixteen: an image cannot be
made so that its check does not end. Nor its hardening, where every second function stays in its
place and as many holes are between them.

    time_grows_with_size.py PROOFMARK
"""
import sys
import time

from images import Images

PAIRS = 6000
SLACK_S = 0.5  # of a busy machine, where both take hundredths of a second
POOL = """
__attribute__((noinline, naked)) void *pick(int i) {
    __asm__("adr r1, 1f\\n ldr r0, [r1, r0, lsl #2]\\n bx lr\\n .align 2\\n"
            "1: .rept COUNT\\n .word main\\n .endr");
}
int main(void) { return pick(3) != (void *)0 ? 0 : 1; }
"""
NAMES = """
__attribute__((noinline)) void work(void) {
    __asm__ volatile(".rept COUNT\\n nop\\n .endr");
}
__asm__(".altmacro\\n .macro name n\\n .global w\\\\n\\n .thumb_set w\\\\n, work\\n .type w\\\\n, %function\\n .endm\\n"
        ".set i, 0\\n .rept COUNT\\n name %i\\n .set i, i + 1\\n .endr\\n .noaltmacro");
int main(void) { work(); return 0; }
"""
# Of each pair the one stays, as it reads pc, and the other moves; they are not of one size.
FUNCTIONS = """
__asm__(".altmacro\\n .macro pair k\\n .section .text.p\\\\k,\\"ax\\"\\n .global a\\\\k\\n "
        ".type a\\\\k, %function\\n .thumb_func\\n a\\\\k: add r1, pc\\n bx lr\\n .size a\\\\k, .-a\\\\k\\n "
        ".global b\\\\k\\n .type b\\\\k, %function\\n .thumb_func\\n b\\\\k: push {r4, lr}\\n bl main\\n "
        ".rept \\\\k - \\\\k / 8 * 8\\n nop\\n .endr\\n pop {r4, pc}\\n .size b\\\\k, .-b\\\\k\\n "
        ".section .rodata.table,\\"a\\"\\n .word a\\\\k, b\\\\k\\n .endm\\n "
        ".section .rodata.table,\\"a\\"\\n .global table\\n table:\\n .set i, 0\\n .rept COUNT\\n pair %i\\n "
        ".set i, i + 1\\n .endr\\n .noaltmacro\\n .text\\n ");
extern const int table[];
volatile int one;
int main(void) { return table[one] == 1; }
"""


def seconds(images, told, text, count):
    elf = images.build(f"{told}{count}", text.replace("COUNT", str(count)))
    out = images.hardened(elf, options=())
    best = None
    for _ in range(3):
        start = time.perf_counter()
        images.holds(f"{told}, {count}", out, elf)
        took = time.perf_counter() - start
        best = took if best is None else min(best, took)
    return best


def hardening_seconds(images, count):
    elf = images.build(f"functions{count}", FUNCTIONS.replace("COUNT", str(count)))
    best = None
    for _ in range(3):
        start = time.perf_counter()
        done = images.tool("harden", "--force", "-o", elf + ".out", elf)
        took = time.perf_counter() - start
        images.expect(done.returncode == 0, f"{count} pairs: {done.stderr}")
        best = took if best is None else min(best, took)
    return best


def main():
    images = Images(sys.argv[1])
    for told, text, count in (("relocations", POOL, 40000), ("names", NAMES, 8000)):
        small, large = seconds(images, told, text, count), seconds(images, told, text, 4 * count)
        print(f"{told}: {small:.2f} s and {large:.2f} s")
        images.expect(large < 8 * small + SLACK_S, f"{told}: four times as many take {large / small:.1f} times as long")
    small, large = hardening_seconds(images, PAIRS), hardening_seconds(images, 4 * PAIRS)
    print(f"functions: {small:.2f} s and {large:.2f} s")
    images.expect(large < 8 * small + SLACK_S, f"four times the functions take {large / small:.1f} times as long")
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
