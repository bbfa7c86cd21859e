#!/usr/bin/env python3
"""A flash driver opens a write window by MPU region 7. Named to harden and check, its two functions
are no memory map of the firmware's own: flash is then written inside the window and faults outside
of it. What is not such a function, or reaches for more than region 7, stays what it was.

  flash_is_written_through_its_window_alone.py PROOFMARK"""
import json
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
static volatile uint32_t power = 11;

/* 4 KiB, read and write, never executes, normal memory with write-through. */
__attribute__((noinline)) void window_open(uint32_t address) {
    %(select)s
    RBAR = %(base)s;
    RASR = %(rights)s;
    %(more)s
    FENCE;
}
__attribute__((noinline)) void window_close(void) {
    (void)power;
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


PLACE = "address & ~0xfffu"
RIGHTS = "1u << 28 | 3u << 24 | 1u << 17 | 11u << 1 | 1"
EXECUTES = "3u << 24 | 1u << 17 | 11u << 1 | 1"


def text(then="", select="RNR = 7;", more="", base=PLACE, rights=RIGHTS):
    return DRIVER % {"select": select, "more": more, "base": base, "rights": rights} + MAIN % (FLASH, then)


board = Board(sys.argv[1])
plain = {name: board.build(name, text(then)) for name, then in
         (("inside", ""), ("outside", OUTSIDE), ("beside", BESIDE))}
# The region's number in MPU_RBAR itself; a size that comes from an argument, and is 4 GiB at most.
plain["named"] = board.build("named", text(select="", base=PLACE + " | 1 << 4 | 7"))
plain["sized"] = board.build("sized", text(rights="1u << 28 | 3u << 24 | 1u << 17 | 1 | "
                                                  "(power & 31) << 1"))
for name, image in plain.items():
    done, out, report = board.harden(image, options=NAMED)
    if not board.expect(done.returncode == 0, f"{name}: hardened: {done.stderr}"):
        continue
    board.expect(report["memory_map"]["applied"], f"{name}: a named driver has the map set")
    board.expect(len(report["memory_map"]["regions"]) <= 7, f"{name}: region 7 is left free")
    checked = board.tool("check", "--original", image, *NAMED, out)
    board.expect(checked.returncode == 0, f"{name}: check holds: {checked.stdout}{checked.stderr}")
    window = json.loads(board.tool("check", "--json", *NAMED, out).stdout)["memory_map"].get("window")
    most = 1 << 32 if name == "sized" else 4096
    board.expect(window == {"size_bytes_at_most": most, "place_proven": False}, f"{name}: {window}")
    board.expect(f"{most} bytes at most, never executes" in checked.stdout, f"{name}: {checked.stdout}")
    checked = board.tool("check", out)
    board.expect(checked.returncode == 1 and "may change the MPU" in checked.stdout,
                 f"{name}: a driver that nobody named is a finding")
    before, after = emulate(image), emulate(out)
    board.expect(before.code == 0 and b"done" in before.output,
                 f"{name}: the original writes where it likes")
    board.expect(b"written 600d" in after.output, f"{name}: written inside the window")
    wanted = FAULT_EXIT_CODE if name in ("outside", "beside") else 0
    board.expect(after.code == wanted,
                 f"{name}: ends with {after.code}, not {wanted}: {after.told()}")

for name, wrong in (("other region", text(select="RNR = 6;")), ("unknown region", text(select="RNR = pm_random();")),
                    ("no region", text(select="")),
                    ("region on one way", text(select="if (pm_random() != 3) RNR = 7;")),
                    ("region before a call", text(select="RNR = 7; pm_random();")),
                    ("address with a number", text(base="address")),
                    ("another number", text(base=PLACE + " | 1 << 4 | 6")),
                    ("half a number", text(base="(address & ~0x17u) | 1 << 4 | 7")),
                    ("executes", text(rights=EXECUTES)), ("may execute", text(rights="power | 1")),
                    ("may execute at times", text(rights="address == 0 ? " + EXECUTES + " : " + RIGHTS)),
                    ("all memory executes", text(base="0", rights="0x0302003f")),
                    ("control", text(more="CTRL = 0;"))):
    image = board.build(name.replace(" ", "-"), wrong)
    done, out, report = board.harden(image, options=NAMED)
    reason = report["memory_map"].get("reason") if report else None
    board.expect(reason == "the firmware sets up the MPU itself", f"{name}: {reason}")

done, _, _ = board.harden(plain["inside"], options=("--flash-window", "window_shut"))
board.expect(done.returncode == 1 and "window_shut" in done.stderr, "an unknown name is refused")
board.finish()
