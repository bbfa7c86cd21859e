#!/usr/bin/env python3
"""Firmware that runs tasks on process stacks (a small preemptive scheduler: PendSV saves
r4-r11 below PSP, CONTROL selects it) needs PSP for itself: it is refused with the option to
give, and with a key cell its tasks run, preempted thousands of times, as before. A cell
that cannot keep a key is refused.

    process_stacks_need_a_key_cell.py PROOFMARK
"""
import sys

from board import Board

PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
#define ICSR (*(volatile uint32_t *)0xE000ED04)
#define SYST ((volatile uint32_t *)0xE000E010)
enum { TASKS = 3, STACK_WORDS = 512 };
static uint64_t stacks[TASKS][STACK_WORDS / 2];
static uint32_t *tops[TASKS];
static volatile uint32_t current, ticks, switches, results[TASKS], finished;
void SysTick_Handler(void); void PendSV_Handler(void);
uint32_t *switch_task(uint32_t *top);
static uint32_t sum(uint32_t n) { return n == 0 ? 0 : n + sum(n - 1); }
void SysTick_Handler(void) { ticks += sum(3) / 6; ICSR = 1u << 28; }
uint32_t *switch_task(uint32_t *top) {
    switches++;
    tops[current] = top;
    current = (current + 1) % TASKS;
    return tops[current];
}
__attribute__((naked)) void PendSV_Handler(void) {
    __asm__ volatile("mrs r0, psp\n\tstmdb r0!, {r4-r11}\n\tpush {r3, lr}\n\tbl switch_task\n\t"
                     "pop {r3, lr}\n\tldmia r0!, {r4-r11}\n\tmsr psp, r0\n\tbx lr");
}
__attribute__((noinline)) static uint32_t collatz(uint32_t n, uint32_t steps) {
    if (n == 1) return steps;
    return collatz(n % 2 ? 3 * n + 1 : n / 2, steps + 1) + 0 * ticks;
}
static void task(uint32_t which) {
    uint32_t total = 0;
    for (uint32_t n = 1; n < 400 || ticks < 2000; n++)
        if (n < 400) total += collatz(n + which, 0); else total += collatz(27, 0) - 111;
    results[which] = total;
    finished++;
    for (;;) {
        if (finished == TASKS && which == 0) {
            SYST[0] = 0;
            printf("results %u %u %u\n", (unsigned)results[0], (unsigned)results[1], (unsigned)results[2]);
            printf("switched %s\n", switches > 1500 ? "often" : "RARELY");
            extern void exit(int);
            exit(0);
        }
    }
}
int main(void) {
    for (uint32_t i = 0; i < TASKS; i++) {
        uint32_t *top = (uint32_t *)&stacks[i][STACK_WORDS / 2] - 16;
        top[8] = i; top[14] = (uint32_t)task; top[15] = 1u << 24; top[13] = 1;
        tops[i] = top;
    }
    SYST[1] = 4999; SYST[2] = 0;
    __asm__ volatile("msr psp, %0" ::"r"(tops[0] + 16));
    __asm__ volatile("movs r0, #2\n\tmsr control, r0\n\tisb\n\tldr r1, =0xE000E010\n\tmovs r0, #7\n\tstr r0, [r1]\n\t"
                     "movs r0, #0\n\tldr r1, =%c0\n\tbx r1" ::"i"(task) : "r0", "r1");
    return 1;
}
"""


def main():
    board = Board(sys.argv[1])
    elf = board.build("tasks", PROGRAM, ["-O1"], ["-Wl,--defsym,key_of_boot=0x203ffff0"])
    board.refused(elf, ["process stack pointer", "--key-cell", ".noinit"])
    done = board.tool("init", "-o", "-", elf)
    notes = [line for line in done.stdout.splitlines() if "process stack pointer or CONTROL" in line]
    board.expect(len(notes) == 1 and "harden.key_cell is needed" in notes[0] and " in " in notes[0], str(done))
    single = board.build("single", "int main(void) { return 0; }")
    board.expect("or CONTROL" not in board.tool("init", "-o", "-", single).stdout, "a single stack is told as two")
    for cell in ("key_of_boot", "0x203ffff8"):
        for key in ([], ["--key-function", "pm_random"]):
            report = board.same(elf, "switched often", ["exploit"], ["--key-cell", cell, *key], ["2a"], check=False)
            if report:
                board.expect(report["key"]["place"] == "memory", f"{report['key']}")
                row = board.function(report, "collatz")
                board.expect(row["protections"]["returns"]["protected"] == 1, f"collatz: {row}")
                board.expect(report["memory_map"]["reason"], "the memory map is left away without a word")
    board.same(elf, "switched often", ["null"])
    board.refused(elf, ["0x100", "RAM"], ["--key-cell", "0x100"])  # code
    board.refused(elf, ["_impure_ptr", "RAM"], ["--key-cell", "_impure_ptr"])  # .data: start-up writes it
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
