#!/usr/bin/env python3
"""Hand-written frames that compilers make rarely: every path of each is taken, and the
values that the AAPCS and the instructions' descriptions (ARM DDI 0403E) give come back,
plainly, moved and sealed; each is sealed, or left unsealed with its reason, as stated here.

    hand_written_frames_keep_their_values.py PROOFMARK
"""
import json
import sys

from board import Board

HELPERS = r"""
    .syntax unified
    .thumb
    .text
    .macro function name
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm
    .macro end name
    .size \name, . - \name
    .endm
/* The least friendly callee: all that a call may change is changed. */
    function spoil
    movs r0, #1
    mvn r1, #0
    mvn r2, #0
    mvn r3, #0
    mvn r12, #0
    cmp r0, #1
    bx lr
    end spoil
/* Ways out in common, which take another function's frame for their own. */
    function common_exit
    pop {r4, pc}
    end common_exit
    function long_exit
    add sp, #8
    ldr r4, [sp], #4
    pop {pc}
    end long_exit
    function exit_on_to_exit
    adds r0, #1
    b.w common_exit
    end exit_on_to_exit
    function plain_exit
    ldr r4, [sp], #8
    bx lr
    end plain_exit
    .section .text.unsized, "ax", %progbits
    .global unsized_user
    .thumb_func
unsized_user:
    push {r4, lr}
    mov r4, r0
    bl spoil
    add r0, r4, #1
    b.w unsized_exit
    .global unsized_exit
    .thumb_func
unsized_exit:
    pop {r4, pc}
/* Callees that read, write, leave through or lower their caller's frame. */
    function give_back
    mov r3, lr
    pop {r4, lr}
    bx r3
    end give_back
    function redirect
    ldr r1, =add_three
    str r1, [r0]
    bx lr
    .ltorg
    .align 2
    end redirect
    function look
    ldr r0, [r0]
    bx lr
    end look
/* As __gnu_mcount_nc: puts its return address where its caller's is, which goes to lr. */
    function count_call
    push {r0-r3}
    ldr ip, [sp, #16]
    str lr, [sp, #16]
    push {r4, ip}
    bl spoil
    pop {r4, lr}
    pop {r0-r3, pc}
    end count_call
    function stop_here
    mov r4, r0
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
1:  b 1b
    .ltorg
    .align 2
    end stop_here
"""

# name, assembly, {(arguments): result}, "sealed", "unsealed" or None (no saved return address)
CASES = [
    ("ip_live_at_push", """
    mov ip, r0
    cmp r0, #0
    it eq
    bxeq lr
    push {r4, lr}
    mov r4, ip
    bl spoil
    add r0, r4, #7
    pop {r4, pc}""", {(0,): 0, (5,): 12}, "sealed"),
    ("flags_live_at_push", """
    cmp r0, r1
    push {r4, lr}
    ite hi
    movhi r4, #3
    movls r4, #4
    bl spoil
    mov r0, r4
    pop {r4, pc}""", {(1, 2): 4, (2, 1): 3, (2, 2): 4}, "sealed"),
    ("returns_by_ip", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    adr.w ip, 1f
    orr ip, ip, #1
    mov r0, r4
    pop {r4, lr}
    b 1f
    nop
1:  add r0, r0, #9
    bx lr""", {(1,): 10}, None),
    ("tail_call_by_ip", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    ldr ip, =add_three
    mov r0, r4
    pop {r4, lr}
    bx ip
    .ltorg
    .align 2""", {(10,): 13}, "sealed"),
    ("add_three", "    adds r0, #3\n    bx lr", {(1,): 4}, None),
    ("drops_arguments", """
    push {r0-r2, lr}
    bl spoil
    ldr r0, [sp, #8]
    add sp, #12
    ldr pc, [sp], #4""", {(1, 2, 3): 3}, "sealed"),
    ("str_lr_with_room", """
    str lr, [sp, #-8]!
    str r0, [sp, #4]
    bl spoil
    ldr r0, [sp, #4]
    ldr pc, [sp], #8""", {(77,): 77}, "sealed"),
    ("stm_and_ldm", """
    stmdb sp!, {r4, r5, r8, lr}
    mov r8, r0
    bl spoil
    sub r0, r8, #1
    ldmia sp!, {r4, r5, r8, pc}""", {(77,): 76}, "sealed"),
    ("restores_without_pop", """
    sub sp, #16
    str lr, [sp, #12]
    str r0, [sp, #4]
    bl spoil
    ldr r0, [sp, #4]
    ldr lr, [sp, #12]
    add sp, #16
    bx lr""", {(31,): 31}, "sealed"),
    ("strd_of_lr", """
    strd r4, lr, [sp, #-8]!
    mov r4, r0
    bl spoil
    add r0, r4, r0
    ldrd r4, lr, [sp], #8
    bx lr""", {(31,): 32}, "sealed"),
    ("strd_of_lr_first", """
    strd lr, r4, [sp, #-16]!
    mov r4, r0
    bl spoil
    add r0, r4, r0
    ldrd lr, r4, [sp], #16
    bx lr""", {(41,): 42}, "sealed"),
    ("ldrd_at_another_stack_pointer", """
    sub sp, #8
    strd r4, lr, [sp]
    mov r4, r0
    bl spoil
    add r0, r4, r0
    sub sp, #16
    ldrd r4, lr, [sp, #16]
    add sp, #24
    bx lr""", {(51,): 52}, "sealed"),
    ("ldrd_behind_push", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    add r0, r4, r0
    ldrd r4, lr, [sp], #8
    bx lr""", {(61,): 62}, "sealed"),
    ("pop_at_another_stack_pointer", """
    sub sp, #8
    strd r4, lr, [sp]
    mov r4, r0
    bl spoil
    add r0, r4, r0
    pop {r4, pc}""", {(71,): 72}, "unsealed"),
    ("restores_from_far", """
    push {r4, lr}
    mov r4, r0
    sub sp, #2048
    bl spoil
    add r0, r4, r0
    ldr lr, [sp, #2052]
    add sp, #2048
    ldr r4, [sp], #8
    bx lr""", {(81,): 82}, "unsealed"),
    ("calls_what_counts_calls", """
    push {lr}
    bl count_call
    push {r4, lr}
    mov r4, r0
    bl spoil
    add r0, r4, r0
    pop {r4, pc}""", {(91,): 92}, "unsealed"),
    ("strd_then_pop", """
    strd r4, lr, [sp, #-8]!
    mov r4, r0
    bl spoil
    add r0, r4, r0
    pop {r4, pc}""", {(30,): 31}, "sealed"),
    ("uses_lr_after_push", """
    push {r4, lr}
    mov r4, lr
    bl spoil
    cmp r4, #0
    it ne
    movne r0, #8
    pop {r4, pc}""", {(0,): 8}, None),
    ("one_in_it", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    cmp r4, #4
    mov r0, r4
    it lo
    poplo {r4, pc}
    adds r0, #100
    pop {r4, pc}""", {(3,): 3, (4,): 104}, "sealed"),
    ("two_in_it", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    cmp r4, #4
    itt lo
    addlo r0, r4, #20
    poplo {r4, pc}
    add r0, r4, #100
    pop {r4, pc}""", {(3,): 23, (4,): 104}, "sealed"),
    ("three_in_it", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    cmp r4, #4
    iett1: ite lo
    movlo r0, #5
    addhs r0, r4, #1
    cmp r4, #4
    itet hs
    movhs r1, #2
    movlo r1, #3
    pophs {r4, pc}
    add r0, r0, r1
    pop {r4, pc}""".replace("iett1: ", ""), {(3,): 8, (4,): 5, (9,): 10}, "sealed"),
    ("four_in_it", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    cmp r4, #4
    itete eq
    moveq r0, #40
    movne r0, #50
    addeq r0, r0, #1
    popne {r4, pc}
    adds r0, #2
    pop {r4, pc}""", {(3,): 50, (4,): 43, (5,): 50}, "sealed"),
    ("else_returns", """
    push {lr}
    cmp r0, #9
    itet lt
    movlt r0, #1
    movge r0, #2
    ldrlt pc, [sp], #4
    adds r0, #7
    pop {pc}""", {(8,): 1, (9,): 9, (10,): 9}, "sealed"),
    ("pool_between_returns", """
    push {r4, r5, lr}
    mov r4, r0
    bl spoil
    ldr r5, =0x12345678
    cbz r4, 1f
    sub r0, r5, r4
    pop {r4, r5, pc}
    .ltorg
1:  mov r0, r5
    pop {r4, r5, pc}""", {(0,): 0x12345678, (8,): 0x12345670}, "sealed"),
    ("lr_as_pointer", """
    push {r4-r7, lr}
    ldr lr, =0x01020304
    movs r4, #6
    add r0, lr, r4
    pop {r4-r7, pc}
    .ltorg""", {(0,): 0x0102030a}, "sealed"),
    ("high_registers", """
    push {r4-r11, lr}
    mov r11, r0
    mov r8, r1
    bl spoil
    add r0, r11, r8
    pop {r4-r11, pc}""", {(4, 5): 9}, "sealed"),
    ("vector_frame", """
    push {r4, lr}
    mov r4, r0
    sub sp, #8
    bl spoil
    add r0, sp, #8
    subs r0, r0, r0
    add r0, r4
    add sp, #8
    pop {r4, pc}""", {(14,): 14}, "sealed"),
    ("saves_on_one_path", """
    cmp r0, #0
    beq 1f
    push {r4, lr}
    mov r4, r0
    bl spoil
    mov r0, r4
    pop {r4, lr}
1:  add r0, #11
    bx lr""", {(0,): 11, (4,): 15}, "sealed"),
    ("outcome_of_one_condition", """
    cmp r0, #5
    ite eq
    moveq ip, #1
    movne ip, #2
    push {r4, lr}
    mov r4, ip
    bl spoil
    mov r0, r4
    pop {r4, pc}""", {(5,): 1, (6,): 2}, "sealed"),
    ("shared_tail_owner", """
    push {r4, r5, r6, lr}
    mov r4, r0
    bl spoil
    .global shared_tail
shared_tail:
    add r0, r4, #1
    pop {r4, r5, r6, pc}""", {(20,): 21}, "sealed"),
    ("shared_tail_user", """
    push {r4, r5, r6, lr}
    add r4, r0, #1000
    bl spoil
    b shared_tail""", {(20,): 1021}, None),  # of the owner's unit
    ("shared_tail_stranger", """
    push {r3, r4, r5, r6, lr}
    add r4, r0, #2000
    bl spoil
    add sp, #4
    b shared_tail""", {(20,): 2021}, None),
    ("big_switch", """
    push {r4, lr}
    cmp r0, #5
    bhi 9f
    tbb [pc, r0]
7:  .byte (1f - 7b) / 2, (2f - 7b) / 2, (3f - 7b) / 2, (4f - 7b) / 2, (5f - 7b) / 2, (6f - 7b) / 2
1:  movs r4, #11
    b 8f
2:  movs r4, #22
    pop {r4, lr}
    movs r0, #5
    bx lr
""" + "".join(f"    cmp r4, #{i}\n    it eq\n    popeq {{r4, pc}}\n" for i in range(40, 60)) + """
3:  movs r4, #33
    b 8f
4:  movs r4, #44
    cbz r1, 8f
    movs r0, #3
    pop {r4, pc}
5:  movs r4, #55
    b 8f
6:  movs r4, #66
8:  bl spoil
    mov r0, r4
    pop {r4, pc}
9:  movs r0, #99
    pop {r4, pc}""", {(0,): 11, (1,): 5, (2,): 33, (3, 0): 44, (3, 1): 3, (4,): 55, (5,): 66, (6,): 99}, "sealed"),
    ("popped_register_moves_to_lr", """
    push {r3-r7, lr}
    mov r4, r0
    bl spoil
    adds r0, r4, #5
    pop {r3-r7}
    pop {r3}
    mov lr, r3
    eor r1, r3, lr
    cmp r3, #0
    it eq
    moveq r1, #1
    add r0, r1
    bx lr""", {(6,): 11}, "sealed"),
    ("lr_and_ip_used_after_push", """
    mov ip, r0
    mov r2, lr
    push {r4, r5, lr}
    mov r4, ip
    eor r5, r2, lr
    bl spoil
    add r0, r4, r5
    pop {r4, r5, pc}""", {(6,): 6}, "sealed"),
    ("lr_and_ip_used_after_strd", """
    mov ip, r0
    mov r2, lr
    strd r5, lr, [sp, #-24]!
    add r4, ip, #0
    eor r5, r2, lr
    str r4, [sp, #8]
    bl spoil
    ldr r0, [sp, #8]
    add r0, r5
    ldr r5, [sp]
    ldr lr, [sp, #4]
    add sp, #24
    bx lr""", {(6,): 6}, "sealed"),
    ("copy_of_lr_as_data", """
    push {r4, lr}
    sub sp, #8
    mov r3, lr
    str r3, [sp, #4]
    mov r4, r0
    bl spoil
    ldr r0, [sp, #4]
    ldr r1, [sp, #12]
    cmp r0, #0
    ite eq
    moveq r0, #1
    movne r0, r4
    add sp, #8
    pop {r4, pc}""", {(44,): 44}, "unsealed"),
    ("copy_of_lr_is_read", """
    push {r4, lr}
    sub sp, #8
    mov r3, lr
    str r3, [sp, #4]
    mov r4, r0
    bl spoil
    ldr r0, [sp, #4]
    cmp r0, #0
    ite eq
    moveq r0, #1
    movne r0, r4
    add sp, #8
    pop {r4, pc}""", {(45,): 45}, "sealed"),
    ("copy_of_lr_comes_back", """
    mov r3, lr
    push {r3, r4}
    mov r4, r0
    bl spoil
    add r0, r4, #1
    pop {r3, r4}
    bx r3""", {(46,): 47}, "unsealed"),
    ("copy_of_lr_goes_through_lr", """
    mov r3, lr
    push {r3, r4}
    mov r4, r0
    bl spoil
    add r0, r4, #1
    pop {r3, r4}
    mov lr, r3
    bx lr""", {(46,): 47}, "unsealed"),
    ("copy_beside_the_save", """
    mov r3, lr
    push {r3, r4, r5, lr}
    mov r4, r0
    bl spoil
    add r0, r4, #1
    ldr lr, [sp]
    ldr r4, [sp, #4]
    ldr r5, [sp, #8]
    add sp, #16
    bx lr""", {(46,): 47}, "unsealed"),
    ("thumb_bit_then_leaves", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    mov r0, r4
    pop {r4, lr}
    ldr r3, =add_three
    orr r3, r3, #1
    bx r3
    .ltorg
    .align 2""", {(10,): 13}, "sealed"),
    ("leaves_by_mov_pc", """
    mov ip, #5
    cbz r0, 1f
    push {r4, lr}
    mov r4, r0
    bl spoil
    mov r0, r4
    pop {r4, pc}
1:  ldr r3, =add_ip
    mov pc, r3
    .ltorg
    .align 2""", {(0,): 5, (10,): 10}, "sealed"),
    ("add_ip", "    add r0, ip\n    bx lr", {}, None),
    ("leaves_by_common_exit", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    add r0, r4, #1
    b.w common_exit""", {(5,): 6}, "unsealed"),
    ("leaves_by_a_register", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    add r0, r4, #1
    ldr r1, =common_exit
    bx r1
    .ltorg
    .align 2""", {(5,): 6}, "unsealed"),
    ("leaves_under_a_condition", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    cmp r4, #0
    mov r0, r4
    beq.w common_exit
    add r0, r4, #1
    pop {r4, pc}""", {(0,): 0, (5,): 6}, "unsealed"),
    ("leaves_in_it", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    cmp r4, #0
    mov r0, r4
    it eq
    beq.w common_exit
    add r0, r4, #1
    pop {r4, pc}""", {(0,): 0, (5,): 6}, "unsealed"),
    ("leaves_by_a_longer_exit", """
    push {r4, lr}
    sub sp, #8
    mov r4, r0
    bl spoil
    add r0, r4, #1
    b.w long_exit""", {(5,): 6}, "unsealed"),
    ("leaves_by_a_call", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    add r0, r4, #1
    bl common_exit
    udf #0""", {(5,): 6}, "unsealed"),
    ("leaves_by_a_call_of_an_exit_to_an_exit", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    mov r0, r4
    bl exit_on_to_exit
    udf #0""", {(5,): 6}, "unsealed"),
    ("calls_who_leaves_by_an_exit", """
    push {r4, lr}
    mov r4, r0
    bl leaves_by_common_exit
    add r0, r4
    pop {r4, pc}""", {(5,): 11}, "sealed"),
    ("restores_in_a_callee", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    mov r0, r4
    bl give_back
    bx lr""", {(5,): 5}, "unsealed"),
    ("leaves_by_an_exit_to_an_exit", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    mov r0, r4
    b.w exit_on_to_exit""", {(5,): 6}, "unsealed"),
    ("leaves_before_a_call", """
    push {r4, lr}
    mov r4, r0
    cbz r0, 1f
    bl spoil
    add r0, r4, #1
    pop {r4, pc}
1:  b.w common_exit""", {(0,): 0, (5,): 6}, "unsealed"),
    ("restores_before_it_leaves", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    add r0, r4, #1
    ldr lr, [sp, #4]
    b.w plain_exit""", {(5,): 6}, "unsealed"),
    ("drops_its_frame_and_leaves", """
    push {r4, lr}
    sub sp, #8
    mov r4, r0
    bl spoil
    mov r0, r4
    add sp, #8
    ldr r4, [sp]
    ldr lr, [sp, #4]
    add sp, #8
    b.w add_three""", {(5,): 8}, "sealed"),
    ("saves_on_one_way_to_leaving", """
    sub sp, #16
    cbz r0, 1f
    str lr, [sp, #12]
    str r0, [sp, #4]
    bl spoil
    ldr r0, [sp, #4]
    ldr lr, [sp, #12]
1:  add sp, #16
    b.w add_three""", {(0,): 3, (5,): 8}, "sealed"),
    ("lr_kept_but_the_frame_open", """
    push {r4, lr}
    mov r4, r0
    add r0, r4, #1
    b.w common_exit""", {(5,): 6}, "unsealed"),
    ("leaves_for_ever", """
    push {r4, lr}
    mov r4, r0
    cmp r0, #77
    beq.w stop_here
    bl spoil
    add r0, r4, #1
    pop {r4, pc}""", {(5,): 6}, "sealed"),
    ("writes_over_the_save", """
    push {r4, lr}
    mov r4, r0
    bl spoil
    ldr r1, =1f
    adds r1, #1
    str r1, [sp, #4]
    add r0, r4, #1
    pop {r4, pc}
    .ltorg
    .align 2
1:  movs r0, #9
    bl exit""", {}, "unsealed"),
    ("writes_over_the_save_with_an_index", """
    push {r4, lr}
    mov r4, r0
    mov r1, lr
    movs r2, #1
    str r1, [sp, r2, lsl #2]
    bl spoil
    add r0, r4, #1
    pop {r4, pc}""", {(5,): 6}, "unsealed"),
    ("writes_a_byte_of_the_save", """
    push {r4, lr}
    ldrb r1, [sp, #5]
    strb r1, [sp, #5]
    mov r4, r0
    bl spoil
    add r0, r4, #1
    pop {r4, pc}""", {(5,): 6}, "unsealed"),
    ("reads_a_byte_of_the_save", """
    push {r4, lr}
    mov r4, r0
    ldrb r3, [sp, #7]
    mov r1, lr
    cmp r3, r1, lsr #24
    ite eq
    addeq r0, r4, #1
    movne r0, #0
    mov r4, r0
    bl spoil
    mov r0, r4
    pop {r4, pc}""", {(5,): 6}, "unsealed"),
    ("writes_right_below_the_save", """
    push {lr}
    sub sp, #12
    strb r0, [sp, #11]
    strh r0, [sp, #8]
    bl spoil
    ldrb r0, [sp, #11]
    ldrh r1, [sp, #8]
    add r0, r1
    add sp, #12
    pop {pc}""", {(5,): 10}, "sealed"),
    ("returns_to_another", """
    push {r0, r4, lr}
    bl choose
    mov r2, lr
    ldr r4, [sp, #8]
    str r0, [sp, #8]
    mov lr, r4
    pop {r0, r4, pc}""", {(10,): 13}, "unsealed"),
    ("choose", "    ldr r0, =add_three\n    bx lr\n    .ltorg\n    .align 2", {}, None),
    ("hands_out_its_save", """
    push {r4, lr}
    add r0, sp, #4
    bl look
    mov r4, r0
    ldr r3, =1f
    adds r3, #1
1:  cmp r4, r3
    it hs
    movhs r4, #0
    pop {r4, pc}
    .ltorg
    .align 2""", {}, "unsealed"),
    ("is_redirected", """
    push {r0, r4, r5, lr}
    mov r5, lr
    add r0, sp, #12
    bl redirect
    mov lr, r5
    pop {r0, r4, r5, pc}""", {(10,): 13}, "unsealed"),
    ("stores_the_address_of_its_save", """
    push {r4, lr}
    sub sp, #8
    mov r4, r0
    add r1, sp, #12
    str r1, [sp]
    bl spoil
    ldr r1, [sp]
    ldr r1, [r1]
    add r0, r4, #1
    add sp, #8
    pop {r4, pc}""", {(5,): 6}, "unsealed"),
    ("table_branch_without_table", """
    adr r3, 1f
    tbb [r3, r0]
    .align 2
1:  .byte 2, 3, 4, 5
    movs r0, #1
    bx lr""", {}, None),
]


def assembly():
    parts = [HELPERS]
    for name, body, _, _ in CASES:
        parts.append(f"    function {name}\n{body.strip(chr(10))}\n    end {name}\n")
    return "\n".join(parts)


def program():
    lines = ["#include <stdio.h>", "int failed;",
             "static void is(const char *n, unsigned got, unsigned want) {",
             "    printf(\"%s %x\\n\", n, got); if (got != want) { printf(\"WRONG: %x\\n\", want); failed = 1; } }"]
    body = []
    for name, _, calls, _ in CASES:
        lines.append(f"unsigned {name}(unsigned, unsigned, unsigned);")
        if not calls:
            body.append(f"    kept = {name};")
        for arguments, result in calls.items():
            three = [*arguments, 0, 0][:3]
            body.append(f"    is(\"{name}{arguments}\", {name}({', '.join(map(str, three))}), {result}u);")
    lines += ["static unsigned (*volatile kept)(unsigned, unsigned, unsigned);", "int main(void) {", *body,
              "    (void)kept;", "    printf(\"all %d\\n\", failed);", "    return failed;", "}"]
    return "\n".join(lines)


# Saves and restores of which hardener and check must think alike: sealed, or not to be.
AGREED = {"strd_of_lr", "strd_of_lr_first", "strd_then_pop", "ldrd_at_another_stack_pointer", "ldrd_behind_push",
          "restores_without_pop", "pop_at_another_stack_pointer", "restores_from_far", "count_call",
          "calls_what_counts_calls"}


def agree(board, elf, out):
    done = board.tool("check", "--json", "--original", elf, out)
    wrong = [found for found in json.loads(done.stdout)["findings"] if found["function"] in AGREED]
    board.expect(not wrong, f"check: {wrong}")


def sealing(board, report):
    for name, _, _, expected in CASES:
        row = board.function(report, name)
        returns = row.get("protections", {}).get("returns", {"sites": 0, "protected": 0})
        all_sealed = returns["sites"] > 0 and returns["protected"] == returns["sites"]
        if expected == "sealed":
            board.expect(all_sealed, f"{name} is not sealed: {row}")
        elif expected == "unsealed":
            board.expect(not all_sealed and returns.get("reason"), f"{name} is not told as unsealed: {row}")
        elif not all_sealed and returns["sites"]:
            board.expect(returns.get("reason"), f"{name} is unsealed without a reason: {row}")


def main():
    board = Board(sys.argv[1])
    source = board.write("frames.S", assembly())
    elf = board.build("frames", program(), ["-O1"], [source])
    report = board.same(elf, "all 0", check=False)
    if report:
        sealing(board, report)
        agree(board, elf, f"{elf}.exploit")
    cell = board.same(elf, "all 0", ["exploit"], ["--key-cell", "0x203ffff0"], check=False)
    if cell:
        sealing(board, cell)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
