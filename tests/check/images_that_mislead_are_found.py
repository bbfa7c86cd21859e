#!/usr/bin/env python3
"""An image whose file says one thing and whose processor would do another does not hold: a
second vector table, bytes that are loaded and belong to no section, a stack guard where no
stack ends, executable RAM beyond the functions there, a key where no RAM is, code that
writes the MPU's registers. Each stands
alone in an image that holds without it.

    images_that_mislead_are_found.py PROOFMARK
"""
import os
import struct
import subprocess
import sys

from images import NOP, Images, Patch
import board
from seeded_faults_are_found_and_named import moved_cell, region_table, symbol

TABLE = """
#include <stdint.h>
#include <stdio.h>
void Reset_Handler(void); extern uint32_t __StackTop;
__attribute__((section(".second"), used)) const void *const second[8] = {%s};
int main(void) { puts("started"); return 0; }
"""
IN_RAM = """
#include <stdio.h>
__attribute__((section(".ramfunc"), noinline, long_call)) int triple(int n) { return n * 3; }
int main(void) { printf("%d\\n", triple(4)); return 0; }
"""

ROOM_BYTES = 24
WITH_ROOM = """
#include <stdio.h>
void room(void);
__asm__(".section .text.room,\\"ax\\"\\n.global room\\n.type room, %%function\\n.thumb_func\\nroom:\\n"
        "%s\\n bx lr\\n.size room, . - room\\n.text\\n");
int main(void) { room(); puts("on"); return 0; }
"""
BETWEEN = """
#include <stdio.h>
__asm__(".global first, second, odd\\n.section .first, \\"a\\"\\n.balign 2\\nfirst: .short 1, 2, 3\\n"
        ".section .second, \\"a\\"\\n.balign 2\\nsecond: .short 4, 5, 6\\n.byte 0\\n"
        ".section .odd, \\"a\\"\\nodd: .space 9, 7\\n.text\\n");
__attribute__((noinline, used)) int twice(int n) { return n * 2; }
static int (*volatile pointer)(int) = twice;
int main(void) { printf("%d\\n", pointer(4)); return 0; }
"""
MASKED = """
#include <stdio.h>
__attribute__((noinline)) void room(void) {
    static const unsigned constant[] = {1}; /* in flash, which this board can write */
    volatile unsigned *place = (unsigned *)constant;
    __asm__ volatile("" : "+r"(place));
    __asm__ volatile("%s" ::: "r0", "memory");
    *place = 42;
    __asm__ volatile("movs r0, #0; msr faultmask, r0; cpsie i" ::: "r0", "memory");
    puts(*place == 42 ? "written" : "kept");
}
int main(void) { room(); return 0; }
"""
SCB = "movw r0, #0xed00; movt r0, #0xe000; "
MPU_CTRL = "movw r0, #0xed94; movt r0, #0xe000; "
STORES = [("a store to MPU_CTRL", MPU_CTRL + "movs r1, #0; str r1, [r0]"),
          ("an address that EOR hides", MPU_CTRL + "eor r0, r0, #0; str r1, [r0]"),
          ("an address that EOR makes", SCB + "eor r0, r0, #0x94; str r1, [r0]"),
          ("a store from the SCB on", SCB + "str.w r1, [r0, #0x94]"),
          ("an address that is added up", SCB + "adds r0, #0x90; strb r1, [r0, #4]"),
          ("stores of several words", SCB + "adds r0, #0x88; stmia r0!, {r1-r3}"),
          ("an address along a branch", MPU_CTRL + "b 1f; movs r0, #2; 1: str r1, [r0]"),
          ("an address that a branch back brings", MPU_CTRL + "b 2f; 1: str r1, [r0]; 2: subs r2, #1; bne 1b"),
          ("a base below the space", "movw r0, #0xdf00; movt r0, #0xe000; str.w r1, [r0, #0xe94]"),
          ("an index that is known", SCB + "movs r2, #0x94; str r1, [r0, r2]"),
          ("an address that is returned", MPU_CTRL + "bx lr"),
          ("an address that is returned behind a load", MPU_CTRL + "ldr r1, [r0]"),
          ("an address in r2 for a callee", MPU_CTRL + "mov r2, r0; movs r0, #0; push {r4, lr}; bl 1f; pop {r4, pc}; 1: bx lr"),
          ("an address for a tail call", MPU_CTRL + "mov r1, r0; movs r0, #0; bx r3"),
          ("an address that is kept", MPU_CTRL + "push {r0}; pop {r1}; str r2, [r1]")]
OTHERS = [("a store to VTOR", SCB + "str r1, [r0, #8]"), ("a load of MPU_CTRL", MPU_CTRL + "ldr r0, [r0]"),
          ("a load of MPU_CTRL by r3", MPU_CTRL + "mov r3, r0; ldr r0, [r3]"),
          ("a store to CPACR", SCB + "str.w r1, [r0, #0x88]"),
          ("a base that is gone behind a jump", SCB + "b 2f; 1: eor r0, r0, #0x94; bx lr; 2: movs r0, #0; b 1b")]


def script(images, name, line, before, header=""):
    """The board's linker script with a line of its own; the previous one comes back with undo()."""
    plain = board.LINK[-1]
    with open(os.path.join(board.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    assert before in text
    text = text.replace(before, line + before, 1).replace("    zero PT_LOAD FLAGS(6);", header + "    zero PT_LOAD FLAGS(6);")
    board.LINK[-1] = images.write(f"{name}.ld", text)
    return lambda: board.LINK.__setitem__(-1, plain)


def second_tables(images):
    undo = script(images, "second", "    .second : ALIGN(128) { KEEP(*(.second)) } > FLASH :text\n", "    .rodata :")
    two = images.build_with_random_key("two", TABLE % "&__StackTop, Reset_Handler")
    images.refused(two, ["two vector tables, at 0x00000000 and at 0x", "start of a section"])
    one = images.build_with_random_key("one", TABLE % "0")
    text = images.build_with_random_key("text", TABLE % '(void *)0x6c6c6568, (void *)0x10f')  # "hell", and odd
    undo()
    images.holds("a text at the start of a section", images.hardened(text), text)
    out = images.hardened(one)
    images.holds("a constant at the start of a section", out, one)
    patch = Patch(out)
    place = symbol(out, "second")
    patch.put(place, struct.pack("<II", patch.word(0), symbol(out, "Reset_Handler") | 1))
    images.finds("a table that goes round the stub", patch.save("second"), "boot", [f"0x{place:08x}"])
    patch = Patch(out)
    patch.data[patch.offset(place) - 4] = 0x70  # what the linker left free in front of it
    images.finds("a byte that belongs to no section", patch.save("gap"), "segments", [f"0x{place - 4:08x}", "no section"])


def tags_between_sections(images):
    """A call looks at four bytes, whatever sections they are in."""
    line = "    .first : { KEEP(*(.first)) } > FLASH :text\n    .second : { KEEP(*(.second)) } > FLASH :text\n"
    line += "    .odd : { KEEP(*(.odd)) } > FLASH :text\n"
    undo = script(images, "between", line, "    .rodata :")
    elf = images.build_with_random_key("between", BETWEEN)
    undo()
    out = images.hardened(elf)
    images.holds("two sections side by side", out, elf)
    patch = Patch(out)
    tag = patch.word(patch.functions["twice"][0] - 4)
    first, second = symbol(out, "first"), symbol(out, "second")
    images.expect(second - first == 6 and second % 2 == 0, f"the sections adjoin: {first:#x}, {second:#x}")
    images.finds("a tag across two sections", patch.put(second - 2, struct.pack("<H", tag & 0xffff)).put(
        second, struct.pack("<H", tag >> 16)).save("across"), "calls", ["tag", "stands where none begins"])
    patch = Patch(out)
    odd = symbol(out, "odd")
    images.expect(odd % 2 == 1, f"a section at an odd address: {odd:#x}")
    images.finds("a tag in a section at an odd address", patch.put(odd + 1, struct.pack("<I", tag)).save("odd"),
                 "calls", ["tag", "stands where none begins"])


def unread(images, told, image, words):
    code, figures = images.figures(image)
    said = str(figures.get("error"))
    images.expect(code == 1 and all(word in said for word in words), f"{told}: exit {code}, {figures}")


def loaded_bytes(images, out):
    patch = Patch(out)
    segment, = struct.unpack_from("<I", patch.data, 28)
    kind, offset, _, _, size = struct.unpack_from("<5I", patch.data, segment)
    assert kind == 1
    patch.data += bytes(-len(patch.data) % 8)
    struct.pack_into("<I", patch.data, segment + 4, len(patch.data))
    patch.data += patch.data[offset:offset + size]
    unread(images, "other bytes than the sections'", patch.save("other"), ["other bytes than its segment loads"])
    patch = Patch(out)
    struct.pack_into("<I", patch.data, segment + 32 + 12, struct.unpack_from("<I", patch.data, segment + 12)[0])
    unread(images, "two segments loaded to one place", patch.save("both"), ["overlap where they are loaded"])


def guards(images, out):
    """Where the image has a name for it, but no stack ends there."""
    table = region_table(Patch(out))
    for name in ("STACK_BYTES", "__HeapBase", "__bss_start"):
        patch = Patch(out)
        at = next(at for at in range(table, table + 64, 8)
                  if patch.word(at) >> 5 and patch.word(at + 4) >> 24 & 7 == 0)
        base = (symbol(out, name) + 31) & ~31
        assert patch.word(at) & ~31 != base
        patch.put(at, struct.pack("<I", base | patch.word(at) & 31))
        images.finds(f"a guard at {name}", patch.save("guard"), "memory map", [f"no access at 0x{base:08x}"])


def executable_ram(images):
    line = "    .ramfunc : { *(.ramfunc) . = ALIGN(32); } > RAM AT > FLASH :ramfunc\n    . = ORIGIN(RAM) + 4K;\n"
    undo = script(images, "ramfunc", line, "    .data : ALIGN(8)", "    ramfunc PT_LOAD FLAGS(7);\n")
    elf = images.build_with_random_key("ramfunc", IN_RAM, ("-Os", "-Wa,--no-warn"))
    pair = images.build_with_random_key("pair", IN_RAM, ("-Os", "-Wa,--no-warn", "-mslow-flash-data"))
    undo()
    targets = images.holds("its thunk's address in MOVW and MOVT", images.hardened(pair))["calls"]
    images.expect(targets["targets"] == targets["tagged"] == 11, f"its thunk is a target: {targets}")
    out = images.hardened(elf)
    figures = images.holds("a function in RAM", out, elf)
    ranges = figures["memory_map"]["executable_ram"]
    images.expect(len(ranges) == 1 and ranges[0]["size_bytes"] == 32, f"executable RAM: {ranges}")
    patch = Patch(out)
    table = region_table(patch)
    at = next(at for at in range(table, table + 64, 8) if patch.word(at) & ~31 == 0x20000000 and patch.word(at + 4) >> 1 & 31 == 4)
    first_eighth_of_1k = patch.word(at + 4) & ~0xff3f | 0xfe << 8 | 9 << 1 | 1
    images.finds("executable RAM beside the function", patch.put(at + 4, struct.pack("<I", first_eighth_of_1k)).save("wide"),
                 "memory map", ["not the smallest region"])


def key_cells(images, elf):
    cell = 0x203ffc00
    kept = images.hardened(elf, options=("--key-function", "pm_random", "--key-cell", hex(cell)), name=f"{elf}.cell")
    images.holds("a key in RAM", kept, elf)
    for place in (0x003ff000, 0x1fffff00, 0x60000000, 0x80000000):
        images.finds(f"a key at {place:#x}", moved_cell(kept, cell, place), "key", ["no RAM"])


def assembled(images, text):
    source = images.write("part.s", ".syntax unified\n.thumb\n" + text.replace(";", "\n") + "\n")
    subprocess.run(["arm-none-eabi-as", "-mcpu=cortex-m4", source, "-o", images.path("part.o")], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", images.path("part.o"), images.path("part")], check=True)
    with open(images.path("part"), "rb") as file:
        code = file.read()
    return code + NOP * ((ROOM_BYTES - len(code)) // 2)


def other_maps(images):
    """Put into an image that has a map, and given to the hardener, which sets none then."""
    elf = images.build_with_random_key("room", WITH_ROOM % "nop.w; nop.w; nop.w; nop.w; nop.w; nop.w")
    out = images.hardened(elf)
    images.holds("a function of no meaning", out, elf)
    for number, (told, code) in enumerate(STORES + OTHERS):
        patch = Patch(out)
        put = patch.put(patch.functions["room"][0], assembled(images, code)).save("mpu")
        plain = images.build_with_random_key(f"mpu{number}", WITH_ROOM % code)
        _, _, report = images.harden(plain, options=("--key-function", "pm_random"))
        reason = report["memory_map"].get("reason", "")
        if (told, code) in STORES:
            images.finds(told, put, "memory map", ["room", "MPU's registers"])
            images.expect("sets up the MPU itself" in reason, f"{told}: {report['memory_map']}")
        else:
            images.holds(told, put)
            images.expect(report["memory_map"]["applied"], f"{told}: {report['memory_map']}")


FAULTMASK = [("CPSID f", "cpsid f"), ("CPSID if", "cpsid if"), ("MSR FAULTMASK", "movs r0, #1; msr faultmask, r0")]


def masked_faults(images):
    """FAULTMASK turns the map off, unless it is set up to hold there too."""
    elf = images.build_with_random_key("room", WITH_ROOM % "nop.w; nop.w; nop.w; nop.w; nop.w; nop.w")
    out = images.hardened(elf)
    control = Patch(out).address("__pm_boot", r"^movs r1, #5")
    images.finds("a map for all faults that nothing asks for", Patch(out).put(control, b"\x07\x21").save("all"),
                 "memory map", ["nothing asks for it"])
    for number, (told, code) in enumerate(FAULTMASK):
        patch = Patch(out)
        images.finds(told, patch.put(patch.functions["room"][0], assembled(images, code)).save("mask"), "memory map",
                     ["room", "FAULTMASK"])
        plain = images.build_with_random_key(f"mask{number}", MASKED % code)
        held = images.hardened(plain)
        images.holds(f"{told} in the firmware", held, plain)
        without, with_map = board.emulate(plain), board.emulate(held)
        images.expect(b"written" in without.output and b"written" not in with_map.output,
                      f"{told}: {without.told()}, then {with_map.told()}")
        patch = Patch(held)
        off = patch.put(patch.address("__pm_boot", r"^movs r1, #7"), b"\x05\x21").save("off")
        images.expect(b"written" in board.emulate(off).output, f"{told}: the write goes through without HFNMIENA")


def main():
    images = Images(sys.argv[1])
    elf = images.build_with_random_key()
    out = images.hardened(elf)
    images.holds("the image as it is", out, elf)
    second_tables(images)
    tags_between_sections(images)
    loaded_bytes(images, out)
    guards(images, out)
    executable_ram(images)
    key_cells(images, elf)
    other_maps(images)
    masked_faults(images)
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
