#!/usr/bin/env python3
"""A function that `proofmark check` cannot decode counts as a place that is not sealed: it
does not drop out of "n of N", and is named with the reason. So does one with a branch into its own
literals (as GCC leaves for a case that cannot come), in the report as in `check`; a branch into those
of another function is found.

    code_that_is_not_understood_counts.py PROOFMARK
"""
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402

PROGRAM = """
#include <stdint.h>
volatile uint32_t count;
__attribute__((noipa)) void leaf(void) { count++; }
__attribute__((noipa)) void victim(void) { leaf(); count += 3; leaf(); count += 5; leaf(); }
int main(void) { victim(); return (int)count == 7; }
"""
# pool() branches to its own literal, other() to pool()'s.
POOLS = r"""
#include <stdio.h>
int pool(int x); int other(int x);
__asm__(".thumb\n.syntax unified\n.section .text.pool,\"ax\",%%progbits\n.balign 4\n.global pool\n.thumb_func\n"
        ".type pool,%%function\npool: cmp r0, #40\n bhi 1f\n ldr r1, 1f\n adds r0, r0, r1\n bx lr\n.balign 4\n"
        "1: .word 0xfff50000\n.size pool, .-pool\n.balign 4\n.global other\n.thumb_func\n.type other,%%function\n"
        "other: cmp r0, #40\n %s\n ldr r1, 2f\n subs r0, r0, r1\n bx lr\n.balign 4\n"
        "2: .word 0xfff50000\n.size other, .-other\n.text\n");
int main(void) { printf("pools %%d\n", other(pool(3))); return 0; }
"""
UNDEFINED = struct.pack("<HH", 0xEEEE, 0xEEEE)  # a coprocessor that no ARMv7-M part has a decoding for


def returns(image):
    return json.loads(board.tool("check", "--json", image).stdout)["returns"]


board = Board(sys.argv[1])
done, out, _ = board.harden(board.build("plain", PROGRAM))
board.expect(done.returncode == 0, done.stderr)
before = returns(out)
board.expect(before["unsealed"] == [], str(before))
with open(out, "rb") as file:
    image = bytearray(file.read())
listing = subprocess.run(["arm-none-eabi-objdump", "-d", "--disassemble=victim", out], check=True,
                         capture_output=True, text=True).stdout
halves = [half for line in listing.splitlines() if line.count("\t") > 1 for half in line.split("\t")[1].split()]
code = b"".join(struct.pack("<H", int(half, 16)) for half in halves[:8])
at = image.find(code)
board.expect(at > 0 and image.count(code) == 1, listing)
image[at:at + len(code)] = UNDEFINED * (len(code) // 4) + code[len(code) // 4 * 4:]
with open(out, "wb") as file:
    file.write(image)
after = returns(out)
board.expect(after["sites"] == before["sites"], f"{before}\n{after}")
board.expect(after["sealed"] == before["sealed"] - 1, f"{before}\n{after}")
board.expect([f["function"] for f in after["unsealed"]] == ["victim"], str(after))
# Without --json its name stands beside the reason.
told = [line for line in board.tool("check", out).stdout.splitlines() if line.lstrip().startswith("unsealed")]
board.expect(len(told) == 1 and told[0].endswith(f"1 {after['unsealed'][0]['reason']} (victim)"), str(told))

report = board.same(board.build("pools", POOLS % "nop", ["-Os"]), "pools 3", ["exploit"], seeds=["01"])
if report:
    row = board.function(report, "pool")
    wanted = {"sites": 1, "protected": 0, "reason": row.get("reason")}
    board.expect(row["status"] == "untouched" and row["protections"] == {"returns": wanted}, str(row))
    found = returns(board.path("pools.elf.exploit"))
    board.expect([(f["function"], f["sites"]) for f in found["unsealed"]] == [("pool", 1)], str(found))
    board.expect(found["sites"] == report["totals"]["return_sites"], f"{found}\n{report['totals']}")
elf = board.build("other", POOLS % "beq 1b", ["-Os"])
board.same(elf, "pools 3", ["exploit"], seeds=["01"], check=False)
found = board.tool("check", f"{elf}.exploit", "--original", elf).stdout
board.expect("not known as code" in found and "other at" in found, found)
sys.exit(bool(board.failures))
