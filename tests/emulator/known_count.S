/* A program whose number of executed instructions can be told by reading it:
 * 3 before the loop, 1,000 times 4 in it, 1 (it) + 1 (a skipped addne) after it, and
 * 3 to leave: 4,008. Conditional instructions count as executed, taken or not. */
    .syntax unified
    .cpu cortex-m4
    .thumb
    .section .vectors, "a"
    .word 0x20010000
    .word Reset_Handler

    .text
    .global Reset_Handler
    .type Reset_Handler, %function
    .thumb_func
Reset_Handler:
    movs r0, #0
    movw r1, #1000
    movs r2, #0
loop:
    adds r0, r0, #3
    eor r2, r2, r0
    subs r1, r1, #1
    bne loop
    it ne
    addne r0, r0, #1
    movs r0, #0x20
    adr r1, block
    bkpt 0xab
    .balign 4
block:
    .word 0x20026, 0
    .size Reset_Handler, . - Reset_Handler
