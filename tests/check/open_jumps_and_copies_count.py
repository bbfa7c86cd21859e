#!/usr/bin/env python3
"""What hand-written code does beside the protections counts as unprotected, in the hardener's report
as in check's figures: a jump that may go anywhere is an indirect call that nothing checks, and a
copy of the return address that a function may return by is a return address that is not sealed.
A copy that nothing returns by is data. So does code that no known way reaches. A jump put in for a checked one drops out of "checked", and
out of no count.

    open_jumps_and_copies_count.py PROOFMARK
"""
import json
import re
import struct
import sys

from images import Images, Patch

ASSEMBLY = r"""
 .syntax unified
 .thumb
 .fpu fpv4-sp-d16
 .macro fn name
 .section .text.\name, "ax", %progbits
 .global \name
 .type \name, %function
 .thumb_func
 .align 2
\name:
 .endm
 fn by_move
 mov pc, r1
 .size by_move, . - by_move
 fn by_load
 ldr.w pc, [r1]
 .size by_load, . - by_load
 fn by_list
 ldmia r1, {r3, pc}
 .size by_list, . - by_list
 fn by_odd
 orr.w r1, r1, #1
 bx r1
 .size by_odd, . - by_odd

 fn added
 mov r3, lr
 push {r3, r4}
 bl twice
 pop {r4}
 ldr.w lr, 1f
 add lr, r4
 pop {r4}
 bx lr
 .align 2
1: .word 0
 .size added, . - added
 fn kept
 mov ip, r4
 mov r4, lr
 push {r0, ip}
 bl twice
 mov lr, r4
 pop {r2, r4}
 bx lr
 .size kept, . - kept
 fn hidden
 mov r3, lr
 push {r3, r4}
 bl twice
 mov r3, sp
 ldr r4, [sp, #4]
 eor r3, r3, #0
 add sp, #8
 ldr.w pc, [r3]
 .size hidden, . - hidden
 fn noted
 push {r4, lr}
 mov r4, lr
 mov r3, lr
 push {r3, r4}
 bl twice
 add sp, #8
 cmp r4, #0
 it eq
 moveq r0, #0
 pop {r4, pc}
 .size noted, . - noted

 fn in_word
 ldr r1, =word
 str lr, [r1]
 bl twice
 ldr r1, =word
 ldr lr, [r1]
 b.w twice
 .ltorg
 .size in_word, . - in_word
 fn in_orr
 orr.w r3, lr, #1
 push {r3, r4}
 bl twice
 pop {r3, r4}
 mov lr, r3
 b.w twice
 .size in_orr, . - in_orr
 fn in_aligned
 push {r4, r5}
 mov r4, sp
 sub sp, #16
 bic r4, r4, #7
 str lr, [r4, #-8]
 bl twice
 ldr lr, [r4, #-8]
 add sp, #16
 pop {r4, r5}
 b.w twice
 .size in_aligned, . - in_aligned
 fn in_float
 vpush {s16, s17}
 vmov s16, lr
 bl twice
 vmov lr, s16
 vpop {s16, s17}
 b.w twice
 .size in_float, . - in_float
 fn in_vector
 sub sp, #8
 vmov s0, lr
 vstr s0, [sp, #4]
 bl twice
 ldr lr, [sp, #4]
 add sp, #8
 b.w twice
 .size in_vector, . - in_vector
 fn in_hand
 cbz r0, 1f
 b.w twice
1: bl twice
 b.w after
 .size in_hand, . - in_hand
 fn in_if
 orr.w r3, lr, #1
 push {r3, r4}
 bl twice
 pop {r3, r4}
 mov lr, r3
 cmp r0, r0
 it ne
 blne after
 b.w twice
 .size in_if, . - in_if
 fn by_slot
 push {r1}
 movs r2, #0
 pop {r3}
 bx r3
 .size by_slot, . - by_slot
 fn handing
 mov r1, lr
 b.w by_handed
 .size handing, . - handing
 fn by_handed
 push {r1, r2}
 adds r0, #1
 pop {r1, r2}
 bx r1
 .size by_handed, . - by_handed
 .section .bss.word, "aw", %nobits
 .align 2
word: .space 4
"""
PROGRAM = r"""
#include <stdio.h>
__asm__(%s);
int by_move(int, int (*)(int)), by_load(int, void *), by_list(int, void *), by_odd(int, int (*)(int));
int added(int), kept(int), hidden(int), noted(int);
int in_word(int), in_orr(int), in_aligned(int), in_float(int), in_vector(int), in_hand(int);
int in_if(int), by_slot(int, int (*)(int)), handing(int);
__attribute__((noreturn, used)) void after(void) { for (;;) {} }
__attribute__((noinline, used)) int twice(int n) { char text[12]; snprintf(text, sizeof text, "%%d", 2 * n); return text[0] - '0'; }
static int (*volatile table[])(int) = {twice, twice};
__attribute__((noinline)) int onward(int n) { return table[n & 1](n); }
int main(void) {
    *(volatile unsigned *)0xe000ed88 |= 0xf << 20; /* CPACR: the FPU is there */
    int sum = by_move(1, table[0]) + by_load(1, (void *)table) + by_list(1, (void *)table) + by_odd(1, table[1]);
    sum += added(1) + kept(1) + hidden(1) + noted(1) + onward(1);
    sum += in_word(1) + in_orr(1) + in_aligned(1) + in_float(1) + in_vector(1) + in_hand(1);
    sum += in_if(1) + by_slot(1, table[0]) + handing(1);
    printf("sum %%d\n", sum);
    return 0;
}
"""
GOTO = r"""
#include <stdio.h>
__attribute__((noinline)) int leaf(int n) { __asm__ volatile(""); return n; }
__attribute__((noinline)) int run(const unsigned char *code) {
    static const void *const labels[] = {&&add, &&twice, &&end};
    int n = 1;
    goto *labels[*code++];
add: n += leaf(3); goto *labels[*code++];
twice: n *= leaf(2); goto *labels[*code++];
end: return n;
}
int main(void) { static const unsigned char code[] = {0, 1, 1, 2}; printf("run %d\n", run(code)); return 0; }
"""
OPEN = ("by_move", "by_load", "by_list", "by_odd", "hidden")
COPIES = ("added", "kept", "hidden", "in_word", "in_orr", "in_aligned", "in_float", "in_vector", "in_if", "by_slot", "by_handed")


def counts_of(report, figures):
    totals = report["totals"]
    return ({"sites": totals["return_sites"], "sealed": totals["return_sites_protected"]},
            {key: figures["returns"][key] for key in ("sites", "sealed")},
            {"sites": totals["indirect_calls"], "checked": totals["indirect_calls_protected"]},
            {key: figures["calls"][key] for key in ("sites", "checked")})


def hand_written(images):
    quoted = "\n".join(json.dumps(line + "\n") for line in ASSEMBLY.splitlines())
    elf = images.build("hand", PROGRAM % quoted, ("-Os",))
    report = images.same(elf, "sum 48")
    figures = images.holds("hand-written code", f"{elf}.exploit", elf)
    told, found, told_calls, found_calls = counts_of(report, figures)
    images.expect(told == found, f"return addresses: the report has {told}, check {found}")
    images.expect(told_calls == found_calls, f"indirect calls: the report has {told_calls}, check {found_calls}")
    unsealed = {row["function"]: row["sites"] for row in figures["returns"]["unsealed"]}
    images.expect(unsealed == {name: 1 for name in COPIES}, f"unsealed: {figures['returns']['unsealed']}")
    images.expect(found_calls["sites"] - found_calls["checked"] == len(OPEN), f"indirect calls: {figures['calls']}")
    for name in OPEN:
        row = images.function(report, name)["protections"].get("calls")
        why = "a jump in it goes to an address that no table of its own holds"
        images.expect(row == {"sites": 1, "protected": 0, "reason": why}, f"{name}: {row}")
    noted = images.function(report, "noted")["protections"]["returns"]
    images.expect(noted == {"sites": 1, "protected": 1}, f"a copy that is data: {noted}")


def exchanged(images):
    """`mov pc, rN` for the branch to the routine, and no relocation that tells of it."""
    elf = images.build("tail", PROGRAM.replace("%s", '""') .replace("%%", "%").split("int main")[0].replace(
        "__asm__(\"\");", "") + "int main(void) { printf(\"%d\\n\", onward(1)); return 0; }\n")
    done, out, _ = images.harden(elf)
    images.expect(done.returncode == 0, done.stderr)
    before = images.holds("a checked tail call", out, elf)["calls"]
    patch = Patch(out)
    place = patch.address("onward", r"^b(\.[nw])? .*<__pm_call_r\d+>")
    size, text, _ = patch.code[place]
    register = int(re.search(r"__pm_call_r(\d+)", text)[1])
    patch.put(place, struct.pack("<H", 0x4687 | register << 3) + b"\x00\xbf" * (size // 2 - 1))
    forget_relocation(patch, place)
    _, figures = images.figures(patch.save("open"))
    images.expect((figures["calls"]["sites"], figures["calls"]["checked"]) == (before["sites"], before["checked"] - 1),
                  f"an open jump for a checked one: {before}, then {figures['calls']}")


def forget_relocation(patch, place):
    """R_ARM_NONE for the relocation of the place."""
    shoff, = struct.unpack_from("<I", patch.data, 32)
    count, = struct.unpack_from("<H", patch.data, 48)
    for index in range(count):
        _, kind, _, _, offset, size, *_ = struct.unpack_from("<10I", patch.data, shoff + 40 * index)
        for at in range(offset, offset + size, 8) if kind == 9 else ():
            if struct.unpack_from("<I", patch.data, at)[0] == place:
                struct.pack_into("<I", patch.data, at + 4, 0)


def computed_gotos(images):
    elf = images.build("goto", GOTO)
    report = images.same(elf, "run 16")
    out = f"{elf}.exploit"
    figures = images.holds("a computed goto", out, elf)
    _, _, told, before = counts_of(report, figures)
    images.expect(told == before, f"a computed goto: the report has {told}, check {before}")
    patch = Patch(out)
    load = patch.address("run", r"^ldr\.w (r\d+|ip|lr), \[\w+, \w+, lsl #2\]")
    images.finds("a computed goto that reads no table", patch.nop(load).save("goto"), "returns", ["run", "anywhere"])
    _, figures = images.figures(f"{out}.goto")
    images.expect(figures["calls"]["sites"] > before["sites"], f"it counts as an indirect call: {figures['calls']}")


def unreached(images):
    """The address of the inside of a function is in a word that is loaded into pc."""
    assembly = [".syntax unified", ".section .text.go, \"ax\"", ".global go, carrier", ".type go, %function",
                ".type carrier, %function", ".thumb_func", "go: ldr.w pc, 1f", ".align 2", "1: .word 2f + 1",
                ".size go, . - go", ".section .text.carrier, \"ax\"", ".thumb_func", "carrier: bx lr",
                "2: push {r4, lr}", "mov r4, r0", "bl twice", "add r0, r4", "pop {r4, pc}",
                ".size carrier, . - carrier"]
    quoted = "\n".join(json.dumps(line + "\n") for line in assembly)
    text = PROGRAM.split("__asm__")[0] + "int go(int); void carrier(void);\n__asm__(" + quoted + """);
__attribute__((noinline, used)) int twice(int n) { return 2 * n; }
int main(void) { carrier(); printf("sum %d\\n", go(4)); return 0; }
"""
    elf = images.build("inside", text, ("-Os",))
    report = images.same(elf, "sum 12")
    figures = images.holds("a function entered inside", f"{elf}.exploit", elf)
    told, found, _, _ = counts_of(report, figures)
    images.expect(told == found, f"entered inside: the report has {told}, check {found}")
    rows = [row for row in figures["returns"]["unsealed"] if row["function"] == "carrier"]
    images.expect([row["sites"] for row in rows] == [1], f"what no known way reaches: {figures['returns']['unsealed']}")


HIDDEN = {"push {r4, lr}\nblx r1\npop {r4, pc}": True, ".short 0xb510, 0x4788, 0xbd10": False}


def hidden(images):
    """Code alone in a section, without a symbol; and the same, told to be data."""
    for number, (body, is_code) in enumerate(HIDDEN.items()):
        lines = ['.syntax unified', '.section .text.go, "ax"', '.global go', '.type go, %function', '.thumb_func',
                 'go: ldr.w pc, 1f', '.align 2', '1: .word 2f + 1', '.size go, . - go', '.section .hidden, "ax"',
                 '.align 2', '2:', *body.split("\n")]
        quoted = "\n".join(json.dumps(line + "\n") for line in lines)
        text = "#include <stdio.h>\nint go(int, int (*)(int));\n__asm__(" + quoted + """);
static int twice(int n) { return 2 * n; }
int main(void) { printf("sum %d\\n", go(4, twice)); return 0; }
"""
        elf = images.build(f"hidden{number}", text, ("-Os",))
        if not is_code:
            done, out, _ = images.harden(elf)
            images.expect(done.returncode == 0, done.stderr)
            images.finds("code told to be data", out, "code", ["go", "not known as code"])
            continue
        report = images.same(elf, "sum 8")
        row = [f for f in report["functions"] if f["name"].startswith("(code at") and f["status"] == "accepted"]
        wanted = {"returns": {"sites": 1, "protected": 1}, "calls": {"sites": 1, "protected": 1}}
        images.expect([f.get("protections") for f in row] == [wanted], f"code alone in a section: {row}")


def main():
    images = Images(sys.argv[1])
    hand_written(images)
    exchanged(images)
    computed_gotos(images)
    unreached(images)
    hidden(images)
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
