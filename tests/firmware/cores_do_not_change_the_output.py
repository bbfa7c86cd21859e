#!/usr/bin/env python3
"""One core or several: the same bytes, and the same reasons in the report.

Functions far from each other call each other, branch into one another, and break rules in ways
that the other is to blame for as well, so that the order of what is found would show. (On a
machine with one core there is nothing to compare, and the test says so.)

    cores_do_not_change_the_output.py PROOFMARK
"""
import os
import subprocess
import sys

from board import Board

COUNT = 2400  # some 80 KiB: enough for a part on each of several cores


def function(i):
    """Every one calls its opposite; some share code with it or stay because of it."""
    far = COUNT - 1 - i
    body = {0: f"beq inside{far}",       # one unit
            1: f"beq inside{far} + 2",   # between instructions
            2: "add r1, pc",             # tied to its place
            3: f"ldr r0, =f{far}"}.get(i % 8 if i % 3 == 0 else 7, "nop")
    own = "add r2, pc" if i % 7 == 0 else "nop"
    return (f".global f{i}\n.type f{i}, %function\n.thumb_func\nf{i}: push {{r4, lr}}\n bl f{far}\n"
            f" cmp r0, #0\n {body}\n {own}\ninside{i}: movw r0, #{i}\n movw r1, #1\n pop {{r4, pc}}\n"
            f" .ltorg\n.size f{i}, . - f{i}\n")


def program():
    return ('.syntax unified\n.section .text.all,"ax"\n.global main\n.type main, %function\n.thumb_func\n'
            "main: b f0\n.size main, . - main\n" + "".join(map(function, range(COUNT))))


def harden_on(board, elf, cores, name):
    """(exit code, what it printed, output's bytes, report) on these cores."""
    out, report = board.path(f"{name}.out"), board.path(f"{name}.json")
    run = subprocess.run([board.proofmark, "harden", "--report", report, "-o", out, elf],
                         preexec_fn=lambda: os.sched_setaffinity(0, cores),
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return run.returncode, run.stderr, b"", ""
    with open(out, "rb") as image, open(report, encoding="utf-8") as text:
        return 0, "", image.read(), text.read()


def main():
    board = Board(sys.argv[1])
    elf = board.build("wide", program(), suffix="S")
    cores = os.sched_getaffinity(0)
    one = harden_on(board, elf, {min(cores)}, "one")
    board.expect(one[0] == 0, f"hardened on one core: {one[1]}")
    for reason in ("a branch goes between its instructions", "it computes with the program counter"):
        board.expect(one[3].count(reason) > 10, f"there are functions of which {reason}")
    if len(cores) == 1:
        print("one core only: not compared")
        return board.finish()
    all_of_them = harden_on(board, elf, cores, "all")
    board.expect(one[2] == all_of_them[2], "the output's bytes are the same")
    board.expect(one[3] == all_of_them[3], "the report is the same")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
