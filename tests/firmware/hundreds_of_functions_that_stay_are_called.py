#!/usr/bin/env python3
"""Each function that cannot move and whose address is taken can still be called through a
pointer, however many there are.

    hundreds_of_functions_that_stay_are_called.py PROOFMARK
"""
import sys

from board import Board

COUNT = 1500


def program():
    names = [f"a{i}" for i in range(COUNT)]
    code = "".join(f'__asm__(".section .text.{n},\\"ax\\"\\n.global {n}\\n.type {n}, %function\\n.thumb_func\\n'
                   f'{n}: add r1, pc\\n mov r0, #{i}\\n bx lr\\n.size {n}, . - {n}\\n");\nint {n}(int, int);\n'
                   for i, n in enumerate(names))
    return (f"#include <stdio.h>\n{code}int (*const volatile table[])(int, int) = {{{', '.join(names)}}};\n"
            f"int main(void) {{ int sum = 0; for (int i = 0; i < {COUNT}; i++) sum += table[i](0, 0);\n"
            'printf("sum %d\\n", sum); return 0; }\n')


def main():
    board = Board(sys.argv[1])
    elf = board.build("many", program())
    board.same(elf, f"sum {COUNT * (COUNT - 1) // 2}", profiles=("exploit",), seeds=("00",))
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
