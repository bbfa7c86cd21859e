#!/usr/bin/env python3
"""A flash driver opens a write window by MPU region 7. Named to harden and check, its two functions
are no memory map of the firmware's own: flash is then written inside the window and faults outside
of it. What is not such a function, or reaches for more than region 7, stays what it was.

  flash_is_written_through_its_window_alone.py PROOFMARK"""
import sys

from board import Board, emulate

FLASH = "0x003f0000"
DRIVER = """
#include <stdint.h>
#define RNR (*(volatile uint32_t *)0xe000ed98)
#define RBAR (*(volatile uint32_t *)0xe000ed9c)
#define RASR (*(volatile uint32_t *)0xe000eda0)
#define CTRL (*(volatile uint32_t *)0xe000ed94)
#define FENCE __asm__ volatile("dsb\\n\\tisb" ::: "memory")
int printf(const char *, ...);
uint32_t pm_random(void);

/* 4 KiB, read and write, never executes, normal memory with write-through. */
__attribute__((noinline)) void window_open(uint32_t address) {
    RNR = %(number)s;
    RBAR = address & ~0xfffu;
    RASR = 1u << 28 | 3u << 24 | 1u << 17 | 11u << 1 | 1;
    %(more)s
    FENCE;
}
__attribute__((noinline)) void window_close(void) {
    RNR = 7;
    RASR = 0;
    FENCE;
}
"""
MAIN = """
/* As a driver's table of functions has them. */
static void (*volatile open_there)(uint32_t) = window_open;
static void (*volatile close_there)(void) = window_close;
static volatile uint32_t *const flash = (uint32_t *)%s;
int main(void) {
    open_there((uint32_t)flash);
    flash[0] = 0x600d;
    close_there();
    printf("written %%x\\n", (unsigned)flash[0]);
    %s
    printf("done\\n");
    return 0;
}
"""
OUTSIDE = "flash[1] = 1;"
BESIDE = "window_open((uint32_t)flash); flash[1024] = 1; window_close();"
NAMED = ("--flash-window", "window_open", "--flash-window", "window_close")
FAULT_EXIT_CODE = 99


def text(then="", number="7", more=""):
    return DRIVER % {"number": number, "more": more} + MAIN % (FLASH, then)


board = Board(sys.argv[1])
plain = {name: board.build(name, text(then)) for name, then in
         (("inside", ""), ("outside", OUTSIDE), ("beside", BESIDE))}
for name, image in plain.items():
    done, out, report = board.harden(image, options=NAMED)
    if not board.expect(done.returncode == 0, f"{name}: hardened: {done.stderr}"):
        continue
    board.expect(report["memory_map"]["applied"], f"{name}: a named driver has the map set")
    board.expect(len(report["memory_map"]["regions"]) <= 7, f"{name}: region 7 is left free")
    checked = board.tool("check", "--original", image, *NAMED, out)
    board.expect(checked.returncode == 0, f"{name}: check holds: {checked.stdout}{checked.stderr}")
    checked = board.tool("check", out)
    board.expect(checked.returncode == 1 and "may change the MPU" in checked.stdout,
                 f"{name}: a driver that nobody named is a finding")
    before, after = emulate(image), emulate(out)
    board.expect(before.code == 0 and b"done" in before.output,
                 f"{name}: the original writes where it likes")
    board.expect(b"written 600d" in after.output, f"{name}: written inside the window")
    wanted = 0 if name == "inside" else FAULT_EXIT_CODE
    board.expect(after.code == wanted,
                 f"{name}: ends with {after.code}, not {wanted}: {after.told()}")

for name, wrong in (("other region", text(number="6")), ("unknown region", text(number="pm_random()")),
                    ("control", text(more="CTRL = 0;"))):
    image = board.build(name.replace(" ", "-"), wrong)
    done, out, report = board.harden(image, options=NAMED)
    reason = report["memory_map"].get("reason") if report else None
    board.expect(reason == "the firmware sets up the MPU itself", f"{name}: {reason}")

done, _, _ = board.harden(plain["inside"], options=("--flash-window", "window_shut"))
board.expect(done.returncode == 1 and "window_shut" in done.stderr, "an unknown name is refused")
board.finish()
