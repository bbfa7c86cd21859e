#!/usr/bin/env python3
"""Code in which the address of an MPU register gets out of sight leaves the memory map off, and
check finds it in an image that has the map all the same: handed on by a tail call or a call in any
register, behind a load, through an IT block, behind more branches than a table holds, through a
switch, over an SVC, in a floating-point register. Code that only reads these registers, or works on
others of the system control space, keeps its map.

  every_reach_for_the_mpu_leaves_the_map_off.py PROOFMARK"""
import sys

from board import Board, emulate

REASON = "the firmware sets up the MPU itself"
MAIN = r"""
#include <stdint.h>
int printf(const char *, ...);
__asm__(".syntax unified\n.thumb\n"
%s
".text\n");
void reach(void);
int main(void) {
    reach();
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    volatile uint32_t *ctrl = (volatile uint32_t *)0xe000ed94;
    printf("map %%x\n", (unsigned)(*ctrl & 1));
    return 0;
}
"""


def function(name, *lines):
    rows = [f'.section .text.{name},"ax",%progbits', ".balign 4", f".global {name}", f".type {name},%function",
            ".thumb_func", f"{name}:", *lines, ".ltorg", f".size {name},.-{name}"]
    return "".join('"' + row.replace('"', '\\"') + '\\n"\n' for row in rows)


STORE_R0 = function("helper", "movs r1,#0", "str r1,[r0,#4]", "bx lr")
MANY = [line for _ in range(80) for line in ("cmp r2,#1", "beq.w 9f")]
REACHES = {
    # The address is used to load, then handed on.
    "tail_call": STORE_R0 + function("reach", "ldr r0,=0xe000ed90", "ldr r3,[r0]", "cbz r3,1f", "b.w helper", "1: bx lr"),
    "argument": function("helper", "str r0,[r1,#4]", "bx lr") +
                function("reach", "push {r4,lr}", "ldr r1,=0xe000ed90", "ldr r3,[r1]", "movs r0,#0", "bl helper",
                         "pop {r4,pc}"),
    "callee_saved": function("helper", "movs r0,#0", "str r0,[r4,#4]", "bx lr") +
                    function("reach", "push {r4,lr}", "ldr r4,=0xe000ed90", "bl helper", "pop {r4,pc}"),
    # What an IT block may not have run.
    "it_result": function("helper", "ldr r0,=0xe000ed90", "ldr r3,[r0]", "cmp r3,#0", "it eq", "moveq r0,#0", "bx lr") +
                 function("reach", "push {r4,lr}", "bl helper", "movs r1,#0", "str r1,[r0,#4]", "pop {r4,pc}"),
    "it_load": function("reach", "ldr r3,=0xe000ed94", "movs r2,#0", "cmp r2,#1", "it eq", "ldreq r3,=reach",
                        "str r2,[r3]", "bx lr"),
    "it_call": function("helper", "bx lr") +
               function("reach", "push {r4,lr}", "ldr r12,=0xe000ed94", "movs r2,#0", "cmp r2,#1", "it eq",
                        "bleq helper", "str r2,[r12]", "pop {r4,pc}"),
    # Ways that are many, or that no branch tells.
    "branches": function("reach", "movs r2,#0", *MANY, "ldr r12,=0xe000ed94", "cmp r2,#0", "beq.w 8f",
                         "9: bx lr", "8: str r2,[r12]", "bx lr"),
    "two_bases": function("reach", "movs r2,#0", "ldr r3,=0xe000ed94", "cmp r2,#0", "beq 1f", "ldr r3,=0xe000ed08",
                          "1: str r2,[r3]", "bx lr"),
    "switch": function("reach", "movs r2,#0", "ldr r3,=0xe000e000", "cmp r2,#2", "bhi 9f", "tbb [pc,r2]",
                       "5: .byte (6f-5b)/2, (7f-5b)/2, (9f-5b)/2, 0", "6: str.w r2,[r3,#0xd94]", "7: nop", "9: bx lr"),
    # Kept where no number is followed.
    "float": function("reach", "ldr r3,=0xe000ed94", "vmov s0,r3", "movs r2,#0", "vmov r1,s0", "str r2,[r1]", "bx lr"),
    "stack_pointer": function("reach", "mov r12,sp", "ldr r3,=0xe000ed98", "movs r2,#0", "mov sp,r3", "push {r2}",
                              "mov sp,r12", "bx lr"),
    "by_ipa_ra": function("helper", "bx lr") +
                 function("reach", "push {r4,lr}", "mov r3,#0xe000e000", "bl helper", "movs r2,#0",
                          "str.w r2,[r3,#0xd94]", "pop {r4,pc}"),
}
KEEPS = {
    "reads": function("reach", "ldr r3,=0xe000ed90", "ldr r0,[r3]", "ldr r1,[r3,#4]", "bx lr"),
    "sealed_reads": function("helper", "bx lr") +
                    function("reach", "push {r4,lr}", "bl helper", "ldr r3,=0xe000ed90", "ldr r0,[r3]", "pop {r4,pc}"),
    "interrupts": function("reach", "push {r4,lr}", "ldr r3,=0xe000e280", "movs r2,#8", "mvn r1,#0",
                           "1: str r1,[r3],#4", "subs r2,#1", "bne 1b", "ldr r3,=0xe000e400", "movs r0,#3",
                           "strb r1,[r3,r0]", "ldr r3,=0xe000ed00", "ldr r2,[r3,#8]", "str r2,[r3,#8]", "pop {r4,pc}"),
    "walks": function("reach", "ldr r3,=0xe000e280", "ldr r2,=0xe000e2a0", "mvn r1,#0", "1: str r1,[r3]", "adds r3,#4",
                      "cmp r3,r2", "bne 1b", "bx lr"),
}


def main():
    board = Board(sys.argv[1])
    for name, text in REACHES.items():
        float_unit = ["-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16"] if name == "float" else []
        image = board.build(name, MAIN % text, ["-O1", *float_unit])
        done, out, report = board.harden(image)
        if not board.expect(done.returncode == 0, f"{name}: {done.stderr}"):
            continue
        found = report["memory_map"]
        board.expect(not found["applied"] and found.get("reason") == REASON, f"{name}: {found}")
        if not float_unit:  # the start-up leaves the floating-point unit off
            run = emulate(out)
            board.expect(run.code == 0 and b"map 0" in run.output, f"{name}: {run.told()}")
    for name, text in KEEPS.items():
        image = board.build(name, MAIN % text, ["-O1"])
        done, out, report = board.harden(image)
        board.expect(done.returncode == 0 and report["memory_map"]["applied"], f"{name}: {done.stderr}")
        run, checked = emulate(out), board.tool("check", "--original", image, out)
        board.expect(checked.returncode == 0, f"{name}: {checked.stdout}{checked.stderr}")
        board.expect(run.code == 0 and b"map 1" in run.output, f"{name}: {run.told()}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
