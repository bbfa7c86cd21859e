/* The smallest image: ends the emulator with 1 from slot A and 9 from slot B (its address in
 * 64 KiB), after trying what the boot stage's memory map must not allow. What is tried stands in
 * `attempt`; the fault it must raise leads to `faulted`. */
    .syntax unified
    .cpu cortex-m4
    .thumb
    .section .text
    .word 0x20008000
    .word reset + 1
    .word other + 1
    .word faulted + 1 /* HardFault: MemManage is not enabled, so it escalates */

    .thumb_func
reset:
    movs r4, #0
#if defined(WRITES_FLASH)
    ldr r1, =0x10100
    str r4, [r1]
    movs r4, #60
#elif defined(RUNS_RAM)
    ldr r1, =0x20001000
    ldr r2, =0x47704770 /* bx lr */
    str r2, [r1]
    adds r1, #1
    blx r1
    movs r4, #60
#elif defined(LOOKS_AT_REGISTERS)
    orrs r0, r1
    orrs r0, r2
    orrs r0, r3
    orrs r0, r5
    orrs r0, r6
    orrs r0, r7
    mov r1, r8
    orrs r0, r1
    mov r1, r9
    orrs r0, r1
    mov r1, r10
    orrs r0, r1
    mov r1, r11
    orrs r0, r1
    beq 1f
    movs r4, #60
1:  mov r1, sp
    ldr r2, =0x20008000
    cmp r1, r2
    beq 2f
    movs r4, #61
2:
#endif
done:
    ldr r1, =0xe000ed08
    ldr r1, [r1]
    lsrs r1, r1, #16
    adds r4, r4, r1
    ldr r0, =0x20026
    push {r0, r4}
    mov r1, sp
    movs r0, #0x20
    bkpt 0xab

    .thumb_func
faulted:
    movs r4, #20
    b done

    .thumb_func
other:
    movs r4, #80
    b done
    .pool
    .balign 4
