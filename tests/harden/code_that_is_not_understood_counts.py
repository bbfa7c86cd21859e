#!/usr/bin/env python3
"""A function that `proofmark check` cannot decode counts as a place that is not sealed: it
does not drop out of "n of N", and is named with the reason.

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
sys.exit(bool(board.failures))
