#!/usr/bin/env python3
"""Indirect calls are checked though the firmware's own tables hold the words that a comparison
takes: those of AES hold every byte four times over. The tag is then another word, the routine
has a subtraction more, and a call into a function's middle traps as ever. Only where every one
of the tags is taken nothing is checked, and that is said.

    calls_are_checked_beside_tables_of_any_words.py PROOFMARK
"""
import json
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402
from corpus import emulate  # noqa: E402

REPLICATED = [byte * 0x01010101 for byte in range(256)]
HALVED = [byte * 0x01000100 for byte in (0xde, 0xbe, 0xdf, 0xb7)]
REDUCED = [0xde00de00 + k for k in range(1, 256)]

# `into` is added to a pointer: 4 lands behind the first instructions of `target`, on one that
# changes the result. `by_ip` calls through ip, for which the routine saves another register.
PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
const volatile uint32_t table[] = { %s };
int target(int n), by_ip(int (*f)(int), int n);
__asm__(".section .text.parts,\"ax\"\n.global target\n.type target, %%function\n.thumb_func\n"
        "target: adds r0, #1\n nop\n adds r0, #40\n bx lr\n.size target, . - target\n"
        ".global by_ip\n.type by_ip, %%function\n.thumb_func\nby_ip: push {r4, lr}\n mov ip, r0\n"
        " mov r0, r1\n blx ip\n pop {r4, pc}\n.size by_ip, . - by_ip\n");
__attribute__((noinline)) static int other(int n) { return n * 3; }
int (*volatile through[2])(int) = {target, other};
volatile uintptr_t into = %d;
int main(void) {
    uint32_t sum = 0;
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) sum += table[i];
    int (*f)(int) = (int (*)(int))((uintptr_t)through[0] + into);
    printf("%%lx %%d ", (unsigned long)sum, through[1](5) + by_ip(through[1], 2));
    fflush(stdout);
    printf("reached %%d\n", f(2));
    return 0;
}
"""


def program(words, into):
    return PROGRAM % (", ".join(f"0x{word:08x}u" for word in words), into)


def tag_of(board, image):
    """The word in front of `target`."""
    with open(image, "rb") as file:
        data = file.read()
    code = struct.pack("<HHHH", 0x3001, 0xbf00, 0x3028, 0x4770)
    at = data.find(code)
    board.expect(at >= 4 and data.count(code) == 1, "target is not there as it was")
    return struct.unpack_from("<I", data, at - 4)[0]


def ship_tells(board, elf):
    """What harden warns of reaches who ships, and the claim does not read as a property."""
    board.tool("keygen", "-o", board.path("maker.key"), "--no-passphrase")
    board.tool("init", "-o", board.path("product.yaml"), elf)
    with open(board.path("product.yaml"), encoding="utf-8") as file:
        text = file.read()
    for fill, value in (("FILL in the last month with security fixes, such as", ""), ("FILL in https://...", "https://works.example/"),
                        ("FILL in where holes are reported, a URL or an e-mail address", "security@works.example"),
                        ("FILL in the model's name or number", "M1"), ("FILL in who makes it", "Example Works")):
        text = text.replace(fill, value)
    board.write("product.yaml", text)
    done = board.tool("ship", "--out", board.path("out"), board.path("product.yaml"))
    board.expect(done.returncode == 0, done.stderr)
    board.expect("proofmark ship: no indirect call is checked: every tag occurs in the image" in done.stderr, done.stderr)
    board.expect("No indirect call is checked: 0 of " in done.stdout, done.stdout)


def main():
    board = Board(sys.argv[1])
    cases = {"bytes": (REPLICATED, 0xde00de00), "halves": (REPLICATED + HALVED, 0xde00de01),
             "reduced": (REPLICATED + HALVED + REDUCED[:254], 0xde00deff)}
    for name, (words, tag) in cases.items():
        said = f"{sum(words) & 0xffffffff:x} 21 reached"
        elf = board.build(name, program(words, 0))
        report = board.same(elf, f"{said} 43")
        if not report:
            continue
        totals = report["totals"]
        board.expect(totals["indirect_calls_protected"] == totals["indirect_calls"] >= 3, f"{name}: {totals}")
        board.expect(tag_of(board, f"{elf}.exploit") == tag, f"{name}: {tag_of(board, f'{elf}.exploit'):x}, not {tag:x}")
        figures = json.loads(board.tool("check", "--json", f"{elf}.exploit").stdout)["calls"]
        board.expect(figures["checked"] == totals["indirect_calls"] and figures["targets"] == figures["tagged"], f"{figures}")
        # The attack: it works on the image as it is and as it is moved, and traps where calls are checked.
        elf = board.build(f"{name}-attacked", program(words, 4))
        board.expect(f"{said} 42".encode() in emulate(elf).output, f"{name}: {emulate(elf).told()}")
        for profile, works in (("null", True), ("exploit", False)):
            done, out, _ = board.harden(elf, profile)
            board.expect(done.returncode == 0, done.stderr)
            run = emulate(out)
            board.expect((f"{said} 42".encode() in run.output) == works, f"{name} {profile}: {run.told()}")
            board.expect(works or b"fault" in run.output, f"{name} {profile}: {run.told()}")
    words = REPLICATED + HALVED + REDUCED
    elf = board.build("all", program(words, 0))
    report = board.same(elf, f"{sum(words) & 0xffffffff:x} 21 reached 43", ["exploit"])
    board.expect(report and report["totals"]["indirect_calls_protected"] == 0, "a tag that occurs was taken")
    done, _, report = board.harden(elf)
    board.expect("no indirect call is checked: every tag occurs in the image" in done.stderr, done.stderr)
    told = board.tool("check", f"{elf}.exploit").stdout
    board.expect("no indirect call of this image is checked" in told, told)
    unchecked = json.loads(board.tool("check", "--json", f"{elf}.exploit").stdout)["calls"]["unchecked"]
    board.expect(sum(row["sites"] for row in unchecked) == report["totals"]["indirect_calls"] > 0, f"{unchecked}")
    ship_tells(board, elf)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
