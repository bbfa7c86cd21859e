#!/usr/bin/env python3
"""What setjmp leaves for longjmp is sealed, and of no use to who writes it: the attacker of each
case knows every address and what the buffer means, and is stopped by the key alone; the same
write hijacks the image that was only moved. Buffers that are not understood as a whole stay as
they are, are counted with the reason, and work as before.

    jump_buffers_are_sealed.py PROOFMARK
"""
import sys

from board import Board
from corpus import emulate

PROGRAM = r"""
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf places[2];
__attribute__((noinline)) static int leave(int n, int to) {
    if (n > 6) longjmp(places[to], n);
    return leave(n + 1, to) + 1;
}
__attribute__((noinline)) static int try(int n) {
    int code = setjmp(places[n & 1]);
    return code ? code : leave(n, n & 1);
}
int main(void) {
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: the FPU is there */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    int sum = 0;
    for (int i = 0; i < 5; i++) sum += try(i);
    int code = setjmp(places[0]);
    if (code == 0) longjmp(places[0], 0);
    printf("sum %d, then %d\n", sum, code);
    return 0;
}
"""
EXPECTED = "sum 35, then 1"

ATTACK = r"""
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf place;
static uint32_t turned(uint32_t a) { return a >> 16 | a << 16; }
__attribute__((noinline, used)) static void say(void) {
    puts("taken");
    exit(3);
}
/* It does not mind what the stack pointer is. */
__attribute__((naked, used)) static void taken(void) {
    __asm__("ldr r3, =__StackTop\n mov sp, r3\n bl say");
}
int main(void);
/* Behind the call of setjmp in main, as the attacker knows from the image. */
static uint32_t way_back(void) {
    uint32_t setjmp_at = (uint32_t)(uintptr_t)setjmp & ~1u;
    for (uint16_t *code = (uint16_t *)((uint32_t)(uintptr_t)main & ~1u);; code++) {
        uint32_t s = code[0] >> 10 & 1, j1 = code[1] >> 13 & 1, j2 = code[1] >> 11 & 1;
        uint32_t high = -s << 24 | (j1 == s) << 23 | (j2 == s) << 22;
        uint32_t distance = high | (code[0] & 0x3ffu) << 12 | (code[1] & 0x7ffu) << 1;
        uint32_t behind = (uint32_t)(uintptr_t)(code + 2);
        bool call = code[0] >> 11 == 0x1e && (code[1] & 0xd000) == 0xd000;
        if (call && behind + distance == setjmp_at) return behind | 1;
    }
}
int main(void) {
    uint32_t target = (uint32_t)(uintptr_t)taken, back = turned(way_back());
    uint32_t own, sp;
    __asm__ volatile("mov %0, sp" : "=r"(own)); /* as at the call of setjmp */
    sp = own - 256;
    if (setjmp(place) == 0) {
        volatile uint32_t *sp_word = (uint32_t *)place + 8, *lr_word = sp_word + 1;
#if HOW == 1 /* the address alone */
        *lr_word = target;
#elif HOW == 2 /* both */
        *sp_word = sp;
        *lr_word = target;
#elif HOW == 3 /* both, with the stack pointer in the address */
        *sp_word = sp;
        *lr_word = turned(target) + sp;
#elif HOW == 4
        *sp_word = sp;
        *lr_word = turned(target) - sp;
#elif HOW == 5 /* the stack pointer alone, by as much as the address is to change */
        *sp_word = own + turned(target) - back;
#elif HOW == 6 /* the other way round */
        *sp_word = own - turned(target) + back;
#endif
        if (target && back && sp) longjmp(place, 1);
    }
    puts("came back");
    return 0;
}
"""

FUNCTION = r"""
__asm__(".section .text.{0},\"ax\"\n.global {0}\n.type {0}, %function\n.thumb_func\n{0}:\n {1}\n.size {0}, . - {0}\n");
"""
SAVE = "mov ip, sp\n stmia r0!, {r4-r11, ip, lr}\n mov r0, #0\n bx lr"
BACK = "ldmia r0!, {r4-r11, ip, lr}\n mov sp, ip\n movs r0, r1\n it eq\n moveq r0, #1\n bx lr"

SEALED = {
    "floats": ("mov ip, sp\n stmia r0!, {r4-r11, ip, lr}\n vstmia r0, {d8-d15}\n mov r0, #0\n bx lr",
               "ldmia r0!, {r4-r11, ip, lr}\n mov sp, ip\n vldmia r0, {d8-d15}\n movs r0, r1\n it eq\n"
               " moveq r0, #1\n bx lr"),
    "another_register": ("mov r2, sp\n stmia r0, {r2, r4-r11, lr}\n movs r0, #0\n bx lr",
                         "ldmia r0, {r3, r4-r11, lr}\n mov sp, r3\n movs r0, r1\n it eq\n moveq r0, #1\n bx lr"),
    "two_stores": ("mov ip, sp\n stmia r0!, {r4-r7}\n stmia r0!, {r8-r11, ip, lr}\n movs r0, #0\n bx lr",
                   "ldmia r0!, {r4-r9}\n ldmia r0!, {r10, r11, ip, lr}\n mov sp, ip\n movs r0, r1\n it eq\n"
                   " moveq r0, #1\n bx lr"),
}
LEFT = {
    "sp_by_itself": ("stmia r0!, {r4-r11}\n str sp, [r0]\n str lr, [r0, #4]\n movs r0, #0\n bx lr",
                     "ldmia r0!, {r4-r11}\n ldr ip, [r0]\n mov sp, ip\n ldr lr, [r0, #4]\n movs r0, r1\n it eq\n"
                     " moveq r0, #1\n bx lr", "what setjmp stores is not followed"),
    "sp_with_a_distance": ("add ip, sp, #8\n stmia r0!, {r4-r11, ip, lr}\n mov r0, #0\n bx lr",
                           "ldmia r0!, {r4-r11, ip, lr}\n sub ip, #8\n mov sp, ip\n movs r0, r1\n it eq\n"
                           " moveq r0, #1\n bx lr", "what setjmp stores is not followed"),
    "sp_is_read_twice": (SAVE, "ldmia r0!, {r4-r11, ip, lr}\n mov sp, ip\n mov r2, ip\n movs r0, r1\n it eq\n"
                         " moveq r0, #1\n bx lr", "it is not proven to restore what setjmp stores"),
    "no_register_for_the_key": (SAVE, "ldmia r0!, {r4-r11, ip, lr}\n mov sp, ip\n mov r0, r2\n mov r0, r3\n"
                                " movs r0, r1\n it eq\n moveq r0, #1\n bx lr",
                                "it is not proven to restore what setjmp stores"),
    "lr_is_read_besides": ("mov ip, sp\n stmia r0!, {r4-r11, ip, lr}\n mov r1, lr\n mov r0, #0\n bx lr", BACK,
                           "what setjmp stores is not followed"),
    "it_branches": (SAVE, "ldmia r0!, {r4-r11, ip, lr}\n mov sp, ip\n movs r0, r1\n bne 1f\n movs r0, #1\n1: bx lr",
                    "it is not proven to restore what setjmp stores"),
}


def program(functions, text=PROGRAM):
    for name, body in functions.items():
        text += FUNCTION.replace("{0}", name).replace("{1}", body.replace("\n", "\\n"))
    return text


def returns(board, report, name="longjmp"):
    return board.function(report, name)["protections"].get("returns", {})


def behaves(board):
    elf = board.build("newlib", PROGRAM)
    for options in ((), ("--key-cell", "0x203ffff0")):
        report = board.same(elf, EXPECTED, ["exploit"], options)
        board.expect(returns(board, report) == {"sites": 1, "protected": 1}, f"{options}: {returns(board, report)}")
        totals = report["totals"]
        sealed = totals["return_sites"] == totals["return_sites_protected"] + totals["return_sites_exempt"]
        board.expect(sealed, f"{options}: {totals}")
    board.same(elf, EXPECTED, ["null"])
    tagged = PROGRAM.replace("int main(void) {", "int (*volatile pointer)(jmp_buf) = setjmp;\nint main(void) {", 1)
    report = board.same(board.build("tagged", tagged), EXPECTED)
    board.expect(returns(board, report)["protected"] == 1, f"with a tag: {returns(board, report)}")
    for name, (save, back) in SEALED.items():
        flags = ["-O2", "-mfpu=fpv4-sp-d16", "-mfloat-abi=softfp"]
        elf = board.build(name, program({"setjmp": save, "longjmp": back}), flags)
        report = board.same(elf, EXPECTED)
        board.expect(returns(board, report) == {"sites": 1, "protected": 1}, f"{name}: {returns(board, report)}")


def stays(board):
    for name, (save, back, reason) in LEFT.items():
        report = board.same(board.build(name, program({"setjmp": save, "longjmp": back})), EXPECTED)
        row = returns(board, report)
        board.expect(row == {"sites": 1, "protected": 0, "reason": reason}, f"{name}: {row}")
    # Somebody else who reads what setjmp stores, under another name, or who stores the same.
    for name, body in (("go", BACK), ("keep", SAVE)):
        text = PROGRAM.replace("longjmp(places[0], 0)", f"OTHER ? {name}(places[0], 0) : longjmp(places[0], 0)")
        text = f"#define OTHER ({int(name == 'go')} || places[1][0] == 77)\nint {name}();" + text
        report = board.same(board.build(f"other_{name}", program({name: body}, text)), EXPECTED)
        row = returns(board, report)
        board.expect(row.get("protected") == 0 and row.get("reason") == "other code may use the buffers of setjmp",
                     f"{name}: {row}")
    elf = board.build("exempt", PROGRAM)
    for name in ("setjmp", "longjmp"):
        report = board.same(elf, EXPECTED, ["exploit"], ["--exempt", name], check_options=["--exempt", name])
        board.expect(returns(board, report)["protected"] == 0, f"exempt {name}: {returns(board, report)}")


def attacked(board):
    stopped = 0
    for how in range(1, 7):
        elf = board.build(f"attack{how}", ATTACK, ["-O1", f"-DHOW={how}"])
        done, out, _ = board.harden(elf, "null")
        run = emulate(out)
        hijacked = run.code == 3 and b"taken" in run.output
        if how in (1, 2):
            board.expect(done.returncode == 0 and hijacked, f"attack {how} on the moved image: {run.told()}")
        for seed in ("00", "7e57", "c0ffee"):
            done, out, _ = board.harden(elf, "exploit", ["--seed", seed])
            run = emulate(out, timeout=10)
            stopped += board.expect(done.returncode == 0 and b"taken" not in run.output and
                                    b"came back" not in run.output, f"attack {how}, seed {seed}: {run.told()}")
    board.expect(stopped == 18, f"stopped: {stopped}")


def main():
    board = Board(sys.argv[1])
    behaves(board)
    stays(board)
    attacked(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
