#!/usr/bin/env python3
"""A function with a computed goto of its own that other code jumps into as well is left as it
is: a nested function's goto out of it, and assembly that comes with a frame of its own, whose
return address nobody sealed. Its neighbour that only its own goto jumps into is sealed.

    labels_entered_from_elsewhere_stay_unsealed.py PROOFMARK
"""
import sys

from board import Board

REASON = "a label in it may be jumped to from elsewhere"
NESTED = r"""
#include <stdio.h>
#include <stdlib.h>
static int twice(int n) { return 2 * n; }
static int thrice(int n) { return 3 * n; }
int (*volatile change)(int) = twice;
__attribute__((noinline)) int run(const unsigned char *code) {
    __label__ out;
    static void *const table[] = {&&add, &&leave};
    int sum = 0;
    __attribute__((noinline)) void jump(int n) {
        if (n > 9) goto out;
        sum += change(n);
    }
    goto *table[*code++];
add:
    jump(*code++);
    sum += change(1);
    goto *table[*code++];
leave:
    return sum;
out:
    return 100 + sum;
}
__attribute__((noinline)) int own(const unsigned char *code) {
    static void *const table[] = {&&add, &&leave};
    int sum = 0;
    goto *table[*code++];
add:
    sum += abs(-change(*code++));
    goto *table[*code++];
leave:
    return sum;
}
int main(void) {
    int first = run((const unsigned char *)"\0\5\0\6\1");
    change = thrice;
    printf("got %d %d %d\n", first, run((const unsigned char *)"\0\5\0\12\1"),
           own((const unsigned char *)"\0\3\1"));
    return 0;
}
"""
ASSEMBLY = r"""
#include <stdio.h>
int f(int n); int g(int n); int own(int n);
__asm__(".macro fn n\n.section .text.\\n,\"ax\"\n.global \\n\n.type \\n, %%function\n.thumb_func\n\\n:\n.endm\n"
        ".macro jumps n\n fn \\n\n push {r4, lr}\n ldr r1, 9f\n ldr r2, [r1, r0, lsl #2]\n mov pc, r2\n"
        ".Lone_\\n: movs r0, #7\n pop {r4, pc}\n.Ltwo_\\n: movs r0, #9\n pop {r4, pc}\n"
        " .align 2\n9: .word table_\\n\n.size \\n, . - \\n\n"
        ".section .rodata.\\n,\"a\"\n.align 2\ntable_\\n: .word .Lone_\\n, .Ltwo_\\n\n.endm\n"
        " jumps f\n jumps own\n"
        " fn g\n sub sp, #8\n mov r1, lr\n str r1, [sp, #4]\n str r4, [sp]\n %s\n mov pc, r2\n"
        " .align 2\n8: .word %s\n.size g, . - g\n"
        ".section .data.saved,\"aw\"\n.align 2\nsaved: .word .Ltwo_f\n.text\n");
int main(void) { printf("got %%d %%d %%d %%d\n", f(0), f(1), g(0), own(1)); return 0; }
"""
WAYS = {
    "pool": (" ldr r2, 8f", ".Ltwo_f"),
    "pair": (" movw r2, #:lower16:.Ltwo_f\n movt r2, #:upper16:.Ltwo_f", "0"),
    "data": (" ldr r2, 8f\n ldr r2, [r2]", "saved"),
}


def main():
    board = Board(sys.argv[1])
    programs = {"nested": (NESTED, "run", "got 26 118 9")}
    for name, way in WAYS.items():
        text = ASSEMBLY % tuple(part.replace("\n", "\\n") for part in way)
        programs[name] = (text, "f", "got 7 9 9 9")
    for name, (text, entered, expected) in programs.items():
        report = board.same(board.build(name, text), expected)
        if not report:
            continue
        row, own = board.function(report, entered), board.function(report, "own")
        board.expect(REASON in str(row), f"{name}: {entered} is {row}")
        moved = own.get("status") == "accepted" or name == "nested"  # GCC adds the index by itself there
        board.expect(REASON not in str(own) and moved, f"{name}: own is {own}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
