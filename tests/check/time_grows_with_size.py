#!/usr/bin/env python3
"""Four times the relocations in one run of data, or four times the names of one function that
is as much longer, take about four times as long to check, not sixteen: an image cannot be
made so that its check does not end. Nor its hardening, where every second function stays in its
place and as many holes are between them; nor either, where what is true of the last function, or
basic block, of a chain becomes known of one after the other, in whichever order they lie.

Time is what the processor worked, which a busy machine changes little. A chain along which something
becomes known may take AT_MOST times the work of one as long along which nothing does: some are
hardened in several attempts. With a pass over all for each step it was 28 times and more.

    time_grows_with_size.py PROOFMARK
"""
import resource
import subprocess
import sys

from images import Images

PAIRS = 6000
CHAIN, AT_MOST = 32000, 20
POOL = """
__attribute__((noinline, naked)) void *pick(int i) {
    __asm__("adr r1, 1f\\n ldr r0, [r1, r0, lsl #2]\\n bx lr\\n .align 2\\n"
            "1: .rept COUNT\\n .word main\\n .endr");
}
int main(void) { return pick(3) != (void *)0 ? 0 : 1; }
"""
NAMES = """
__attribute__((noinline)) void work(void) {
    __asm__ volatile(".rept COUNT\\n nop\\n .endr");
}
__asm__(".altmacro\\n .macro name n\\n .global w\\\\n\\n .thumb_set w\\\\n, work\\n .type w\\\\n, %function\\n .endm\\n"
        ".set i, 0\\n .rept COUNT\\n name %i\\n .set i, i + 1\\n .endr\\n .noaltmacro");
int main(void) { work(); return 0; }
"""
# Of each pair the one stays, as it reads pc, and the other moves; they are not of one size.
FUNCTIONS = """
__asm__(".altmacro\\n .macro pair k\\n .section .text.p\\\\k,\\"ax\\"\\n .global a\\\\k\\n "
        ".type a\\\\k, %function\\n .thumb_func\\n a\\\\k: add r1, pc\\n bx lr\\n .size a\\\\k, .-a\\\\k\\n "
        ".global b\\\\k\\n .type b\\\\k, %function\\n .thumb_func\\n b\\\\k: push {r4, lr}\\n bl main\\n "
        ".rept \\\\k - \\\\k / 8 * 8\\n nop\\n .endr\\n pop {r4, pc}\\n .size b\\\\k, .-b\\\\k\\n "
        ".section .rodata.table,\\"a\\"\\n .word a\\\\k, b\\\\k\\n .endm\\n "
        ".section .rodata.table,\\"a\\"\\n .global table\\n table:\\n .set i, 0\\n .rept COUNT\\n pair %i\\n "
        ".set i, i + 1\\n .endr\\n .noaltmacro\\n .text\\n ");
extern const int table[];
volatile int one;
int main(void) { return table[one] == 1; }
"""


SCRIPT = """
MEMORY {
  FLASH (rx) : ORIGIN = 0, LENGTH = 16M
  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 64K
}
ENTRY(reset)
SECTIONS {
  .vectors : { KEEP(*(.vectors)) } >FLASH
  .text : { *(.text*) } >FLASH
  .ARM.exidx : { __exidx_start = .; *(.ARM.exidx*) __exidx_end = .; } >FLASH
}
"""
HEAD = """
.syntax unified
.cpu cortex-m4
.thumb
.section .vectors,"a"
.word 0x20001000, reset
.rept 14
.word reset
.endr
.text
"""
RESET = "bl f0\n b reset"


def function(name, body, unwound=False):
    start, end = (".fnstart\n", ".fnend\n") if unwound else ("", "")
    return (f".global {name}\n.type {name}, %function\n.thumb_func\n{name}:\n{start}{body}\n{end}"
            f".size {name}, . - {name}\n")


def functions(count, backward, links, last, reset=RESET, unwound=False):
    """f0 goes on to f1, and so on; `last`: name and body of where it ends."""
    name, end = last
    names = [f"f{i}" for i in range(count)] + [name]
    chain = [function("reset", reset)]
    chain += [function(names[i], links.format(names[i + 1]), unwound) for i in range(count)]
    chain.append(function(name, end, unwound))
    if backward:
        chain.reverse()
    return HEAD + "".join(chain) + function("__aeabi_unwind_cpp_pr0", "bx lr")


def blocks(count, backward, last):
    chain = [f"l{i}: cmp r0, #1\n b.w l{i + 1}\n" for i in range(count)]
    if backward:
        chain.reverse()
    body = "push {r4, lr}\n b.w l0\n" + "".join(chain) + f"l{count}: {last}\n pop {{r4, pc}}"
    return HEAD + function("reset", RESET) + function("f0", body)


LEAF, CALLS = "movs r3, #1\n b.w {}", "push {{r4, lr}}\n bl {}\n pop {{r4, pc}}"
INDEX = "ldr r0, 1f\n bx lr\n .align 2\n1: .word __exidx_start"
# By what becomes known: the chain, and one like it where nothing does.
CHAINS = {
    "that a frame is taken": (
        lambda back: functions(CHAIN, back, "mov ip, lr\n b.w {}", ("last", "mov ip, lr\n add sp, #8\n bx lr")),
        lambda back: functions(CHAIN, back, "mov ip, lr\n b.w {}", ("last", "mov ip, lr\n movs r0, #8\n bx lr"))),
    "that r12 is read": (
        lambda back: functions(CHAIN, back, LEAF, ("last", "mov r0, ip\n bx lr")),
        lambda back: functions(CHAIN, back, LEAF, ("last", "mov r0, r1\n bx lr"))),
    "that a caller keeps r12": (
        lambda back: functions(CHAIN, back, LEAF, ("last", "bx lr"), "bl f0\n mov r0, ip\n b reset"),
        lambda back: functions(CHAIN, back, LEAF, ("last", "bx lr"), "bl f0\n mov r0, r4\n b reset")),
    "that a caller keeps r12 and flags, over calls": (
        lambda back: functions(CHAIN, back, CALLS, ("last", "bx lr"), "bl f0\n bne reset\n mov r0, ip\n b reset"),
        lambda back: functions(CHAIN, back, CALLS, ("last", "bx lr"), "bl f0\n cmp r0, r4\n mov r0, r4\n b reset")),
    "that saves store r12, which nothing loads": (
        lambda back: functions(1, back, "push {{ip, lr}}\n" * CHAIN + "b.w {}", ("last", "bx lr")),
        lambda back: functions(1, back, "push {{r4, lr}}\n" * CHAIN + "b.w {}", ("last", "bx lr"))),
    "that short branches of code that stays reach it": (
        lambda back: functions(CHAIN, back, "movs r3, #1\n b.n {}", ("last", "bx lr"), "add r1, pc\n b.n f0"),
        lambda back: functions(CHAIN, back, "movs r3, #1\n b.n {}", ("last", "bx lr"), "add r1, r2\n b.n f0")),
    "that it may call the unwinder": (
        lambda back: functions(CHAIN, back, CALLS, ("get_eit_entry", INDEX), unwound=True),
        lambda back: functions(CHAIN, back, CALLS, ("get_eit_entry", INDEX.replace("__exidx_start", "reset")),
                               unwound=True)),
    "that a register is read, in blocks": (
        lambda back: blocks(CHAIN, back, "adds r0, r5, r6"), lambda back: blocks(CHAIN, False, "adds r0, r0, r0")),
}


def worked_s():
    """What the processes that this one started have worked, all their threads."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def work_s(images, verb, *arguments):
    before = worked_s()
    done = images.tool(verb, *arguments)
    work = worked_s() - before
    accepted = (0,) if verb == "harden" else (0, 1)  # that a plain image is found wanting is no matter
    images.expect(done.returncode in accepted and "Sanitizer" not in done.stderr, f"{verb}: {done.stderr}")
    return work


def chain_work_s(images, text):
    """(to harden, to check the output, to check the input)"""
    binary, elf, out = images.path("chain.o"), images.path("chain.elf"), images.path("chain.out")
    subprocess.run(["arm-none-eabi-as", "-o", binary, images.write("chain.s", text)], check=True)
    subprocess.run(["arm-none-eabi-ld", "--emit-relocs", "--no-merge-exidx-entries", "-T",
                    images.write("chain.ld", SCRIPT), "-o", elf, binary], check=True)
    return (work_s(images, "harden", "--profile", "exploit", "--force", "-o", out, elf),
            work_s(images, "check", "--original", elf, out),
            work_s(images, "check", elf))


def chains(images):
    for told, texts in CHAINS.items():
        for backward in (False, True):
            known, plain = (chain_work_s(images, text(backward)) for text in texts)
            for verb, work, least in zip(("harden", "check", "check the input"), known, plain):
                what = f"{told}, {'backward' if backward else 'forward'}, {verb}"
                print(f"{what}: {work:.2f} s, {least:.2f} s where nothing becomes known")
                images.expect(work < AT_MOST * least, f"{what}: {work / least:.0f} times the work")


def seconds(images, told, text, count):
    elf = images.build(f"{told}{count}", text.replace("COUNT", str(count)))
    out = images.hardened(elf, options=())
    best = None
    for _ in range(3):
        before = worked_s()
        images.holds(f"{told}, {count}", out, elf)
        took = worked_s() - before
        best = took if best is None else min(best, took)
    return best


def hardening_seconds(images, count):
    elf = images.build(f"functions{count}", FUNCTIONS.replace("COUNT", str(count)))
    best = None
    for _ in range(3):
        took = work_s(images, "harden", "--force", "-o", elf + ".out", elf)
        best = took if best is None else min(best, took)
    return best


def main():
    images = Images(sys.argv[1])
    for told, text, count in (("relocations", POOL, 40000), ("names", NAMES, 8000)):
        small, large = seconds(images, told, text, count), seconds(images, told, text, 4 * count)
        print(f"{told}: {small:.2f} s and {large:.2f} s")
        images.expect(large < 8 * small, f"{told}: four times as many take {large / small:.1f} times as long")
    small, large = hardening_seconds(images, PAIRS), hardening_seconds(images, 4 * PAIRS)
    print(f"functions: {small:.2f} s and {large:.2f} s")
    images.expect(large < 8 * small, f"four times the functions take {large / small:.1f} times as long")
    chains(images)
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
