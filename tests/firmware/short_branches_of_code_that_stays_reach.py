#!/usr/bin/env python3
"""Whatever untouched functions branch to by instructions too short for a target that moves stays
as well, however many such targets there are, and so do the links of a chain of such branches.
Time does not grow with their number in attempts: each is found together with the others.

    short_branches_of_code_that_stays_reach.py PROOFMARK
"""
import sys
import time

from board import Board

NEIGHBOURS = 400
LINKS = 300
SLACK_S = 1.0
FUNCTION = ('__asm__(".section .text.{name},\\"ax\\"\\n.global {name}\\n.type {name}, %function\\n.thumb_func\\n'
            '{name}: {code}\\n.size {name}, . - {name}\\n");\nint {name}(int, int);\n')


def function(name, code):
    return FUNCTION.format(name=name, code="\\n ".join(code))


def main_of(calls):
    return "#include <stdio.h>\n" + "".join(calls[0]) + (
        "int main(void) { int sum = 0;\n" + "".join(f"sum += {name}(0, 0);\n" for name in calls[1]) +
        'printf("sum %d\\n", sum); return 0; }\n')


def neighbours(count):
    code, names = [], []
    for i in range(count):
        code += [function(f"stays{i}", ["add r1, pc", f"b.n next{i}"]),
                 function(f"next{i}", ["mov r0, #1", "bx lr"])]
        names.append(f"stays{i}")
    return main_of((code, names))


def chain(count):
    """Of links beside one another, the first of which stays."""
    code = [function("stays", ["add r1, pc", "b.n link0"])]
    code += [function(f"link{i}", ["adds r0, #1", f"b.n link{i + 1}"]) for i in range(count)]
    code.append(function(f"link{count}", ["bx lr"]))
    return main_of((code, ["stays"]))


def main():
    board = Board(sys.argv[1])
    for name, text, total in (("neighbours", neighbours(NEIGHBOURS), NEIGHBOURS), ("chain", chain(LINKS), LINKS)):
        elf = board.build(name, text)
        board.same(elf, f"sum {total}", seeds=("00",))
    times = []
    for count in (LINKS, 4 * LINKS):
        elf = board.build(f"chain{count}", chain(count))
        start = time.perf_counter()
        done, _, _ = board.harden(elf)
        times.append(time.perf_counter() - start)
        board.expect(done.returncode == 0, f"chain of {count}: {done.stderr.strip()}")
    print(f"chains of {LINKS} and {4 * LINKS}: {times[0]:.2f} s and {times[1]:.2f} s")
    board.expect(times[1] < 8 * times[0] + SLACK_S, "a chain four times as long takes more than four times as long")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
