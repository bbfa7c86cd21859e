#!/usr/bin/env python3
"""The tag of callable functions stands nowhere else in the output, though the input says nothing
of it: where a jump table's new distances read like the tag, another one is taken.

    a_tag_by_chance_makes_it_choose_another.py PROOFMARK
"""
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402

# The table's four entries are one distance: over `words` instructions, and a save that seals.
PROGRAM = r"""
#include <stdio.h>
int jump(int n); int work(int n);
__attribute__((noinline, used)) int work(int n) { return n * 3; }
int (*volatile through)(int) = work;
__asm__(".section .text.jump,\"ax\"\n.global jump\n.type jump, %%function\n.thumb_func\njump:\n"
        " cmp r0, #3\n bhi 3f\n tbb [pc, r0]\n1: .byte (2f - 1b) / 2, (2f - 1b) / 2, (2f - 1b) / 2, (2f - 1b) / 2\n"
        "3: push {r4, lr}\n bl work\n pop {r4, pc}\n .rept %d\n mov r8, r8\n .endr\n"
        "2: movs r0, #9\n bx lr\n.size jump, . - jump\n");
int main(void) { printf("jump %%d\n", jump(2) + jump(7) + through(1)); return 0; }
"""


def segments(data):
    offset, = struct.unpack_from("<I", data, 28)
    count, = struct.unpack_from("<H", data, 44)
    rows = [struct.unpack_from("<8I", data, offset + 32 * i) for i in range(count)]
    return [(row[2], data[row[1]:row[1] + row[4]]) for row in rows if row[0] == 1]


def look(path):
    """(the tag, how often it stands there, how many there should be, the table's distance)."""
    with open(path, "rb") as file:
        data = file.read()
    names = subprocess.run(["arm-none-eabi-nm", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    at = {}
    for line in names.splitlines():
        address, _, name = line.split()[-3:]
        at.setdefault(name, set()).add(int(address, 16))

    def read(address, size):
        return next(content[address - start:address - start + size] for start, content in segments(data)
                    if start <= address < start + len(content))
    tag = read(min(at["__pm_tag"]), 4)
    found = sum(content[k:k + 4] == tag for _, content in segments(data) for k in range(0, len(content), 2))
    table = (min(at["jump"]) & ~1) + 8
    return tag, found, len(at["__pm_tag"]), read(table, 4)


def main():
    board = Board(sys.argv[1])
    seed = ["--seed", "0a"]
    plain = board.build("control", PROGRAM % 20, ["-O1"])
    done, out, _ = board.harden(plain, options=seed)
    if not board.expect(done.returncode == 0, done.stderr):
        return board.finish()
    tag, found, wanted, distances = look(out)
    board.expect(found == wanted and tag[0] == tag[1] == tag[2] == tag[3], f"{tag} stands {found} times of {wanted}")
    board.expect(len(set(distances)) == 1 and distances[0] > 20, f"the table's distances: {distances}")
    # So many instructions more, and the table's entries are the tag.
    elf = board.build("chance", PROGRAM % (20 + tag[0] - distances[0]), ["-O1"])
    report = board.same(elf, "jump 33", ["exploit"], seeds=["0a"])
    if report:
        totals = report["totals"]
        board.expect(totals["indirect_calls_protected"] == totals["indirect_calls"] > 0, f"{totals}")
        other, found, wanted, distances = look(f"{elf}.exploit")
        board.expect(distances == tag, f"the table reads {distances}, not like the tag {tag}")
        board.expect(other != tag and found == wanted, f"{other} stands {found} times of {wanted}, the first was {tag}")
        first = open(f"{elf}.exploit", "rb").read()
        board.harden(elf, options=seed)
        board.expect(open(f"{elf}.exploit", "rb").read() == first, "the second run gives other bytes")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
