#!/usr/bin/env python3
"""Each of these faults, put alone into an image that holds, is found by `proofmark check`
and named: a function left unsealed, a seal or its counterpart made void, a check that
checks nothing, a constant key, RAM or flash with the wrong rights, an instruction of the
original that is lost, a call or a pointer that leads elsewhere, a tag in the wrong place.

    seeded_faults_are_found_and_named.py PROOFMARK
"""
import os
import re
import shutil
import struct
import subprocess
import sys

from images import PROGRAM, Images, Patch, bl

READ_WRITE_ALL, EXECUTE_NEVER = 3, 1 << 28


def region_table(patch):
    """Address of the boot stub's table of MPU regions: its ADR says."""
    boot = patch.functions["__pm_boot"][0]
    adr = patch.address("__pm_boot", r"^add r1, pc|^adr r1")
    table = ((adr + 4) & ~3) + (struct.unpack_from("<H", patch.data, patch.offset(adr))[0] & 0xff) * 4
    assert table > boot
    return table


def unsealed_functions(images, elf, out):
    exempt = images.hardened(elf, options=("--key-function", "pm_random", "--exempt", "work"), name=f"{elf}.exempt")
    images.holds("a function exempt by name", exempt, elf, ("--exempt", "work"))
    images.finds("a function left unsealed", exempt, "returns", ["work", "unsealed"])
    patch = Patch(out)
    images.finds("a seal of one instruction less", patch.nop(patch.address("work", r"^add.w lr|^add lr")).save("seal"),
                 "returns", ["work"])
    patch = Patch(out)
    key = patch.address("work", r"^mrs ip")
    images.finds("a seal with another register for the key", patch.put(key + 2, b"\x08\x8c").save("key"),
                 "returns", ["work"])
    patch = Patch(out)
    tail = patch.address("__pm_return", r"^sub.w lr")
    images.finds("a tail that does not unseal", patch.nop(tail).save("tail"), "routine", ["__pm_return"])
    patch = Patch(out)
    save = patch.address("work", r"^push .*lr")
    register_list = struct.unpack_from("<H", patch.data, patch.offset(save))[0]
    images.finds("another stack pointer at the return",
                 patch.put(save, struct.pack("<H", register_list ^ 1)).save("frame"), "returns", ["work"])


def seals_by_a_register(images):
    """`pop {r3}; mov lr, r3`, as in crtn.o: r3 holds the plain address again as well; and a save
    behind which lr and ip are both used."""
    text = """
#include <stdio.h>
int f(int n); int g(int n);
__attribute__((noinline, used)) int twice(int n) { return n * 2; }
__asm__(".macro fn n\\n.section .text.\\\\n,\\"ax\\"\\n.global \\\\n\\n.type \\\\n, %function\\n"
        ".thumb_func\\n\\\\n:\\n.endm\\n fn f\\n push {r4, lr}\\n bl twice\\n pop {r4}\\n pop {r3}\\n"
        " mov lr, r3\\n bx lr\\n.size f, . - f\\n fn g\\n mov ip, r0\\n mov r2, lr\\n push {r4, r5, lr}\\n"
        " eor r5, r2, lr\\n mov r0, ip\\n bl twice\\n add r0, r5\\n pop {r4, r5, pc}\\n.size g, . - g\\n");
int main(void) { printf("%d\\n", f(21) + g(2)); return 0; }
"""
    elf = images.build_with_random_key("by_register", text)
    out = images.hardened(elf)
    figures = images.holds("an address that comes back by a register", out, elf)
    images.expect(figures["returns"]["sealed"] == figures["returns"]["sites"], f"its returns: {figures['returns']}")
    patch = Patch(out)
    images.finds("a register that stays sealed", patch.nop(patch.address("f", r"^mov r3, lr")).save("stays"),
                 "original", ["f", "stays sealed"], elf)
    patch = Patch(out)
    images.finds("a move that is not unsealed", patch.nop(patch.address("f", r"^sub.w lr")).save("move"),
                 "returns", ["f"])
    patch = Patch(out)
    push = [at for at, (_, said, name) in sorted(patch.code.items()) if name == "g" and said.startswith("push {r0}")]
    images.expect(len(push) == 2, f"g seals and unseals around its save: {len(push)}")
    add = next(at for at in sorted(patch.code) if at > push[1] and patch.code[at][1].startswith(("add.w lr", "sub.w lr")) and
               "#" in patch.code[at][1] or at > push[1] and patch.code[at][1].startswith(("addw lr", "subw lr")))
    half = struct.unpack_from("<H", patch.data, patch.offset(add) + 2)[0]
    images.finds("another distance behind the save", patch.put(add + 2, struct.pack("<H", half ^ 4)).save("far"),
                 "original", ["g"], elf)


def unseals_of_something_else(images):
    """lr as a scratch register: what unseals it there alters a value that nobody sealed. The
    function fills 64 bytes with and without, so that all else is where it was."""
    program = """
#include <stdio.h>
int f(const int *p); int h(const int *p);
__asm__(".macro none\\n.endm\\n.macro unseal\\nmrs ip, psp\\nadd ip, sp, ip\\nsub.w lr, lr, ip\\nror.w lr, lr, #16\\n.endm\\n"
        ".macro fn n save back more\\n.section .text.\\\\n,\\"ax\\"\\n.balign 64\\n.global \\\\n\\n.type \\\\n, %%function\\n"
        ".thumb_func\\n\\\\n:\\n \\\\save\\n ldr lr, [r0]\\n \\\\more\\n mov r0, lr\\n \\\\back\\n"
        ".size \\\\n, . - \\\\n\\n.balign 64\\n.endm\\n"
        " fn f \\"push {r4, lr}\\" \\"pop {r4, pc}\\" %s\\n"
        " fn h \\"mov r3, lr\\" \\"bx r3\\" %s\\n");
int main(void) { int n = 21; printf("%%d\\n", f(&n) + h(&n)); return 0; }
"""

    def build(more):
        """The file's name is in the symbols: it is the same one each time."""
        elf = images.build_with_random_key("scratch", program % more)
        os.unlink(images.path("scratch-scratch.c.o"))
        return shutil.move(elf, images.path("scratch-%s-%s.elf" % more))

    elf = build(("none", "none"))
    images.holds("lr as a scratch register", images.hardened(elf), elf)
    for name, more in (("f", ("unseal", "none")), ("h", ("none", "unseal"))):
        other = images.hardened(build(more))
        images.finds(f"an unseal in {name} of what is not sealed", other, "returns", [name, "unseals"])
        images.finds(f"the same beside the original of {name}", other, "returns", [name, "unseals"], elf)


def entries_taken_by_code(images):
    """No relocation names the function: an ADR does, and its tag is missed all the same."""
    text = """
#include <stdio.h>
int (*get(void))(void);
__asm__(".section .text.get,\\"ax\\"\\n.global get\\n.type get, %function\\n.thumb_func\\n"
        "get: adr.w r0, callee + 1\\n bx lr\\n.size get, . - get\\n"
        ".type callee, %function\\n.thumb_func\\ncallee: movs r0, #7\\n bx lr\\n.size callee, . - callee\\n");
int main(void) { printf("%d\\n", get()()); return 0; }
"""
    elf = images.build_with_random_key("by_adr", text)
    out = images.hardened(elf)
    images.holds("an entry that ADR names", out, elf)
    patch = Patch(out)
    tag = patch.functions["callee"][0] - 4
    images.finds("a lost tag of an entry that ADR names", patch.put(tag, b"\xff\xde").save("adr"), "calls",
                 ["callee", "no tag"])


def code_beside_a_routine(images):
    """A branch into the inside of the protection's own code makes one unit of both: what else is
    in it is looked at as anything is."""
    text = """
#include <stdio.h>
int f(int n, int (*call)(int));
__attribute__((noinline, used)) int twice(int n) { return n * 2; }
static int (*volatile pointer)(int) = twice;
__asm__(".section .text.f,\\"ax\\"\\n.global f\\n.type f, %function\\n.type ZZpm_return, %function\\n"
        ".global ZZpm_return\\n.thumb_func\\nZZpm_return:\\n mrs ip, psp\\n add ip, sp\\n sub.w lr, lr, ip\\n"
        " ror.w lr, lr, #16\\n3: bx lr\\n.size ZZpm_return, . - ZZpm_return\\n.thumb_func\\nf:\\n"
        " cmp r0, #99\\n beq 3b\\n push {r4, lr}\\n blx r1\\n pop {r4, pc}\\n.size f, . - f\\n");
int main(void) { printf("%d\\n", f(21, pointer)); return 0; }
"""
    elf = images.build_with_random_key("beside", text)
    patch = Patch(images.hardened(elf, options=("--key-function", "pm_random", "--exempt", "f")))
    patch.data = patch.data.replace(b"\0ZZpm_return\0", b"\0__pm_return\0")
    images.finds("code that shares a routine's unit", patch.save("beside"), "routine", ["f", "shares"])


def ways_into_routines(images):
    """Behind the compare of a check nothing is checked; the boot stub's MSR writes the key. No
    relocation need tell of the way there."""
    text = """
#include <stdio.h>
int go(int);
__attribute__((noinline, used)) int twice(int n) { return n * 2; }
static int (*volatile pointer)(int) = twice;
__asm__(".section .text.go,\\"ax\\"\\n.global go\\n.type go, %function\\n.thumb_func\\ngo:\\n ldr.w pc, 1f\\n"
        ".align 2\\n1: .word twice + 1\\n.size go, . - go\\n");
int main(void) { printf("%d\\n", pointer(1) + twice(2) + go(3)); return 0; }
"""
    elf = images.build_with_random_key("ways", text, ("-O1", "-fno-ipa-ra"))
    out = images.hardened(elf)
    images.holds("routines that are entered where they begin", out, elf)
    patch = Patch(out)
    routine = next(name for name in patch.functions if name.startswith("__pm_call_"))
    behind, key = patch.address(routine, r"^bx"), patch.address("__pm_boot", r"^msr")
    call = patch.address("main", r"^bl .*__pm_call_")
    word = (patch.functions["go"][0] + 7) & ~3
    for told, place, content, at in [
            ("a call behind the compare", call, bl(call, behind), "main"),
            ("a call of what writes the key", call, bl(call, key), "main"),
            ("a call of the boot stub", call, bl(call, patch.functions["__pm_boot"][0]), "main"),
            ("a load of what is behind the compare", word, struct.pack("<I", behind | 1), "go")]:
        patch = Patch(out).drop_relocation(place)
        images.finds(told, patch.put(place, content).save("way"), "routine", [at, "leads into the protection's own code"])


def seals_without_a_turn(images, elf, out):
    """KEY + SP + lr, and the same taken off: all of the image is changed, and fits together."""
    patch = Patch(out)
    seal, plain = struct.pack("<HH", 0xeb0c, 0x4e3e), struct.pack("<HH", 0xeb0c, 0x0e0e)
    unseal = struct.pack("<HHHH", 0xebae, 0x0e0c, 0xea4f, 0x4e3e)  # sub.w lr, lr, ip; ror.w lr, lr, #16
    unturned = struct.pack("<HHHH", 0xf10e, 0x0e00, 0xebae, 0x0e0c)  # add.w lr, lr, #0; sub.w lr, lr, ip
    images.expect(patch.data.count(seal) > 9 and patch.data.count(unseal) > 2, "the image has seals")
    patch.data = patch.data.replace(seal, plain).replace(unseal, unturned)
    other = patch.save("unturned")
    images.finds("seals without a turn", other, "returns", ["work", "neither plain nor sealed"])
    images.finds("tails without a turn", other, "routine", ["__pm_return"])


def tags_of_others(images):
    """A tag is only in front of what an indirect call may go to: `inner` is called by its name."""
    text = """
#include <stdio.h>
int inner(int), pad(int);
__attribute__((noinline, used)) int twice(int n) { return n * 2; }
static int (*volatile pointer)(int) = twice;
__asm__(".section .text.pad,\\"ax\\"\\n.global pad, inner\\n.type pad, %function\\n.type inner, %function\\n.thumb_func\\n"
        ".balign 4\\npad: b 1f\\n.balign 4\\nspare: .word 0x11223344\\n.size pad, . - pad\\n.thumb_func\\n"
        "inner: adds r0, #1\\n1: adds r0, #2\\n bx lr\\n.size inner, . - inner\\n");
__attribute__((section(".text.group"), used)) void never(void) { pointer = inner; }
__attribute__((section(".text.group"))) int main(void) { printf("%d\\n", pointer(1) + pad(2) + inner(3)); return 0; }
"""
    elf = images.build_with_random_key("tags", text)
    out = images.hardened(elf)
    figures = images.holds("a pointer in what is dropped", out, elf)
    images.expect(figures["original"]["dropped"] > 0, f"never is dropped: {figures['original']}")
    patch = Patch(out)
    tag, place = patch.word(patch.functions["twice"][0] - 4), patch.functions["inner"][0] - 4
    images.expect(patch.word(place) == 0x11223344, "the spare word is in front of inner")
    images.finds("a tag in front of what no pointer leads to", patch.put(place, struct.pack("<I", tag)).save("other"),
                 "calls", ["address is taken"])


def void_checks(images, elf, out):
    patch = Patch(out)
    routine = next(name for name in patch.functions if name.startswith("__pm_call_"))
    images.finds("a check turned into a nop", patch.nop(patch.address(routine, r"^bne")).save("check"),
                 "routine", [routine])
    patch = Patch(out)
    compare = patch.address(routine, r"^cmp")
    half = struct.unpack_from("<H", patch.data, patch.offset(compare) + 2)[0]
    images.finds("a check for another tag", patch.put(compare + 2, struct.pack("<H", half ^ 1)).save("tag"), "calls", [])
    patch = Patch(out)
    call = patch.address("main", r"^bl .*__pm_call_")
    register = {"r%d" % n: n for n in range(13)} | {"ip": 12}
    blx = 0x4780 | register[routine.rsplit("_", 1)[1]] << 3
    images.finds("an unchecked call", patch.put(call, struct.pack("<HH", blx, 0xbf00)).save("blx"),
                 "relocations", ["main", "__pm_call_"])
    patch = Patch(out)
    tag = patch.functions["__pm_tag"][0]
    images.finds("a lost tag", patch.put(tag, b"\xff\xde").save("lost"), "calls", [])
    patch = Patch(out)
    word = struct.pack("<I", patch.word(tag))
    images.finds("a tag where no function begins", patch.put(patch.functions["other"][0] + 8, word).save("stray"),
                 "calls", ["tag"])


def constant_keys(images, elf, out):
    patch = Patch(out)
    images.finds("a key function that returns a constant",
                 patch.put(patch.functions["pm_random"][0], struct.pack("<HH", 0x202a, 0x4770)).save("constant"),
                 "key", ["pm_random", "0x0000002a"])
    patch = Patch(out)
    call = patch.address("__pm_boot", r"^bl ")
    images.finds("a constant where the stub calls the key function",
                 patch.put(call, struct.pack("<HH", 0x202a, 0xbf00)).save("stub"), "boot", ["__pm_boot"])
    fixed = images.build("fixed", "int main(void) { return 0; }")
    images.finds("a constant behind the name of a key function", images.hardened(fixed), "key", ["pm_random", "constant"])
    figures = images.holds("a fixed key", images.hardened(fixed, options=()), fixed)
    images.expect(figures["key"]["made"] == "fixed key", f"a fixed key is told as {figures['key']}")
    patch = Patch(out)
    place = patch.address("other", r"^mov|^add")
    write = bytes.fromhex("81f3098880f30988")[4:]  # msr psp, r0
    images.finds("another writer of the key's place", patch.put(place, write).save("psp"), "key", ["other"])


def key_functions_entered_inside(images):
    """The stub's own call makes an entry wherever it leads, and no relocation need tell of it."""
    text = """
#include <stdio.h>
__asm__(".section .text.ticks,\\"ax\\"\\n.global ticks\\n.type ticks, %function\\n.thumb_func\\nticks:\\n"
        " movw r0, #0xe018\\n movt r0, #0xe000\\n ldr r0, [r0]\\n cbnz r0, 1f\\n movs r0, #8\\n1: bx lr\\n"
        ".size ticks, . - ticks\\n");
__attribute__((noinline)) int twice(int n) { char line[9]; sprintf(line, "%d", n); return line[0]; }
int ticks(void);
int main(void) { printf("%d\\n", twice(ticks())); return 0; }
"""
    elf = images.build("ticks", text)
    out = images.hardened(elf, options=("--key-function", "ticks"))
    images.holds("a key function in assembly", out, elf)
    patch = Patch(out)
    call, inside = patch.address("__pm_boot", r"^bl "), patch.address("ticks", r"^movs r0, #8")
    other = patch.put(call, bl(call, inside)).drop_relocation(call).save("inside")
    images.finds("a call into the inside of the key function", other, "key", ["__pm_boot", "no function"])
    images.finds("the same beside the original", other, "key", ["__pm_boot", "no function"], elf)
    patch = Patch(out)
    patch.drop_relocation(call)
    images.finds("a key function that no relocation names", patch.save("unnamed"), "key", ["no relocation"])


def key_functions_that_share_code(images):
    """One entry returns a constant, the other of the same unit does not."""
    text = """
#include <stdio.h>
__asm__(".section .text.ticks,\\"ax\\"\\n.global ticks\\n.type ticks, %function\\n.thumb_func\\nticks:\\n"
        " movw r0, #0xe018\\n movt r0, #0xe000\\n ldr r0, [r0]\\n b 1f\\n.size ticks, . - ticks\\n"
        ".global eight\\n.type eight, %function\\n.thumb_func\\neight: movs r0, #8\\n1: bx lr\\n.size eight, . - eight\\n");
int eight(void), ticks(void);
int main(void) { printf("%d\\n", eight() + ticks()); return 0; }
"""
    elf = images.build("eight", text)
    images.holds("the entry that makes one", images.hardened(elf, options=("--key-function", "ticks")), elf)
    out = images.hardened(elf, options=("--key-function", "eight"))
    images.finds("the entry that makes none", out, "key", ["eight", "the constant 0x00000008"])


def wrong_entries(images, elf, out):
    """The image alone tells: no original is there to compare with."""
    patch = Patch(out)
    middle = patch.address("work", r"^cmp")
    hard_fault = 3 * 4  # ARM DDI 0403E, B1.5.2
    for told, word in [("a vector into the middle of a function", middle | 1),
                       ("a vector without its Thumb bit", patch.functions["work"][0]),
                       ("a vector to where no code is", 0x20000001)]:
        patch = Patch(out)
        images.finds(told, patch.put(hard_fault, struct.pack("<I", word)).save("vector"), "vectors",
                     ["vector 3", f"0x{word:08x}"])
    patch = Patch(out)
    entry_field = 24  # e_entry (gABI 4.1)
    struct.pack_into("<I", patch.data, entry_field, patch.functions["work"][0] | 1)
    images.finds("an entry that goes round the boot stub", patch.save("entry"), "boot", ["the file's entry"])


def claimed_extents(images, out):
    """What a symbol's size says is not believed: a vector behind it, a stub longer than its code."""
    middle, systick = Patch(out).address("work", r"^cmp") | 1, 15 * 4
    shorter = Patch(out).drop_relocation(systick).put(systick, struct.pack("<I", middle)).resize("vectors", systick)
    images.finds("a vector behind the table's symbol", shorter.save("behind"), "vectors",
                 ["behind the vectors", f"0x{middle:08x}"])
    longer = Patch(out).resize("__pm_boot", 0x400).save("longer")
    images.finds("a longer boot stub", longer, "boot", ["its symbol says 1024"])


def lost_key_cells(images, elf, out):
    """Start-up clears .bss, copies .data; the stack grows; devices are no memory."""
    cell = 0x203ffc00  # the board leaves the last KiB of RAM free
    kept = images.hardened(elf, options=("--key-function", "pm_random", "--key-cell", hex(cell)), name=f"{elf}.cell")
    figures = images.holds("a key in a word of memory", kept, elf)
    images.expect(figures["key"]["place"] == "memory", f"its key is told as {figures['key']}")
    patch = Patch(kept)
    images.finds("a stack that begins above the key", patch.put(0, struct.pack("<I", 0x20400000)).save("stack"),
                 "key", ["stack"])
    for told, place, word in [("a key in device space", 0x40000000, "not a word of RAM"),
                              ("a key among the processor's registers", 0xe000ed00, "not a word of RAM"),
                              ("a key in .bss", symbol(elf, "__bss_start"), "start-up clears"),
                              ("a key in .data", symbol(elf, "__data_start"), "start-up writes")]:
        images.finds(told, moved_cell(kept, cell, place), "key", [word])
    renamed = Patch(moved_cell(kept, cell, symbol(elf, "__bss_start")))
    renamed.data = renamed.data.replace(b"\0.bss\0", b"\0.ram\0")
    images.finds("a key between the linker's names for .bss", renamed.save("renamed"), "key", ["start-up clears"])


def symbol(elf, name):
    lines = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in lines if line.split()[-1] == name)


def moved_cell(image, old, new):
    """Every MOVW or MOVT (A7.7.76, A7.7.79) of the cell's address with another one's."""
    patch = Patch(image)
    for at, (_, text, _) in list(patch.code.items()):
        for op, half in (("movw", 0), ("movt", 16)):
            if not re.match(rf"{op} \w+, #{old >> half & 0xffff}\b", text):
                continue
            value = new >> half & 0xffff
            first, second = struct.unpack_from("<HH", patch.data, patch.offset(at))
            first = first & 0xfbf0 | value >> 12 | (value >> 11 & 1) << 10
            second = second & 0x8f00 | (value >> 8 & 7) << 12 | value & 0xff
            patch.put(at, struct.pack("<HH", first, second))
    return patch.save("moved")


def wrong_rights(images, elf, out):
    table = region_table(Patch(out))
    for index, told, change in [
            (0, "RAM that executes", lambda rasr: rasr & ~EXECUTE_NEVER),
            (2, "flash that is writable", lambda rasr: rasr & ~(7 << 24) | READ_WRITE_ALL << 24),
            (3, "code that is writable", lambda rasr: rasr & ~(7 << 24) | READ_WRITE_ALL << 24),
            (3, "code that does not execute", lambda rasr: rasr | EXECUTE_NEVER),
            (0, "a region that is off", lambda rasr: rasr & ~1)]:
        patch = Patch(out)
        at = table + 8 * index + 4
        images.finds(told, patch.put(at, struct.pack("<I", change(patch.word(at)))).save("map"), "memory map", [])
    settings = images.hardened(elf, options=("--key-function", "pm_random", "--writable", "0x3f000:0x1000"),
                               name=f"{elf}.settings")
    figures = images.holds("flash that may be written", settings, elf)
    images.expect(figures["memory_map"]["writable_flash"] == [{"start": 0x3f000, "size_bytes": 0x1000}],
                  f"writable flash is told as {figures['memory_map']['writable_flash']}")
    images.holds("the range that is asked for", settings, elf, ("--writable", "0x3f000:0x1000"))
    images.finds("another range than is asked for", settings, "memory map", ["writable"],
                 options=("--writable", "0x3e000:0x1000"))
    images.finds("a range that nobody asked for", settings, "memory map", ["is not said to be"],
                 options=("--writable", "0x80000:0x1000"))
    patch = Patch(out)
    images.finds("an MPU that stays off", patch.nop(patch.address("__pm_boot", r"^str.w r1, \[r0, #-8\]")).save("off"),
                 "boot", ["__pm_boot"])


def lost_and_misled(images, elf, out):
    patch = Patch(out)
    images.finds("a lost instruction", patch.nop(patch.address("work", r"^cmp")).save("lost"),
                 "original", ["work"], elf)
    patch = Patch(out)
    place = patch.address("other", r"^bl .*<work>")
    wrong = bl(place, patch.functions["choose"][0])
    images.finds("a call to the wrong symbol", patch.put(place, wrong).save("call"), "original", ["work", "choose"], elf)
    patch = Patch(out)
    hidden = bl(place, region_table(patch))
    images.finds("a call of what is marked as data", patch.put(place, hidden).save("hidden"), "code",
                 ["not known as code"])
    patch = Patch(out)
    condition = patch.address("work", r"^b(le|lt|gt|ge|cc|cs|ne|eq)")
    half = struct.unpack_from("<H", patch.data, patch.offset(condition))[0]
    images.finds("a condition turned round", patch.put(condition, struct.pack("<H", half ^ 0x100)).save("condition"),
                 "original", ["work"], elf)
    patch = Patch(out)
    pointers = [address for address in range(0, 0x10000, 4) if read(patch, address) == patch.functions["twice"][0] | 1]
    wrong = struct.pack("<I", patch.functions["square"][0] | 1)
    images.expect(pointers, "the program's table of functions was found")
    images.finds("a pointer to the wrong function", patch.put(pointers[0], wrong).save("pointer"), "original", [], elf)
    patch = Patch(out)
    images.finds("an instruction in the filler", patch.put(filler(patch), b"\x70\x47").save("filler"), "original", [], elf)


def read(patch, address):
    try:
        return patch.word(address)
    except SystemExit:
        return None


def filler(patch):
    """A half-word of the code that nothing uses: UDF #255 behind a jump."""
    for at, (_, text, _) in sorted(patch.code.items()):
        if text.startswith("udf #255"):
            return at
    raise SystemExit("the image has no filler")


HALVES = """
#include <stdio.h>
__attribute__((noipa)) int stays(int x) { return x * 3 + 1; }
__attribute__((noipa)) int take(void) { int (*volatile taken)(int) = stays; return taken(4); }
int main(void) { printf("halves %d\\n", take()); return 0; }
"""


def halves(images):
    """The address of a function that stays, in two halves: both lead to its thunk."""
    elf = images.build_with_random_key("halves", HALVES, ("-Os", "-mslow-flash-data"))
    out = images.hardened(elf, options=("--key-function", "pm_random", "--pin", "stays"))
    told = ("--exempt", "stays")
    images.holds("an address in halves", out, elf, told)
    for change in (-4, 2):
        patch = Patch(out)
        place = patch.address("take", r"^movw")
        patch.put(place + 2, bytes([patch.data[patch.offset(place + 2)] + change & 0xff]))
        images.finds("half of an address", patch.save("half"), "original", ["take", "should have", "stays"], elf, told)
    patch = Patch(out)
    place, stays = patch.address("take", r"^movw"), patch.functions["stays"][0] | 1
    first, second = struct.unpack_from("<HH", patch.data, patch.offset(place))
    first = first & ~0x040f | stays >> 12 & 15 | (stays >> 11 & 1) << 10
    second = second & ~0x70ff | (stays >> 8 & 7) << 12 | stays & 0xff
    images.finds("an address past its thunk", patch.put(place, struct.pack("<HH", first, second)).save("past"),
                 "original", ["take", "should have", "stays"], elf, told)


DEAD = PROGRAM + """
__asm__(".thumb\\n.syntax unified\\n.section .text.dead,\\"ax\\",%progbits\\n.balign 4\\n"
        "bkpt #77\\n adds r0, r1\\n adds r0, r2\\n bx lr\\n.text\\n");
"""


def dead_code(images):
    """Code of no symbol that nothing refers to is found by what it is, all of it."""
    elf = images.build("dead", DEAD, ("-Os",), ("-Wl,--no-gc-sections",))
    out = images.hardened(elf, "null")
    images.holds("dead code", out, elf)
    patch = Patch(out)
    place = next(at for at, row in patch.code.items() if re.search(r"^bkpt +0x004d", row[1]))
    for offset in (0, 2, 4, 6):
        images.finds("dead code that was altered", Patch(out).put(place + offset, b"\x0b\x46").save("dead"),
                     "original", ["of no part of the original"], elf)


def main():
    images = Images(sys.argv[1])
    elf = images.build_with_random_key()
    out = images.hardened(elf)
    figures = images.holds("the image as it is", out, elf)
    images.expect(figures["key"] == {"function": "pm_random", "made": "at boot", "place": "psp"},
                  f"its key is told as {figures['key']}")
    for seed in (unsealed_functions, seals_without_a_turn, void_checks, constant_keys, wrong_entries, lost_key_cells, wrong_rights, lost_and_misled):
        seed(images, elf, out)
    seals_by_a_register(images)
    code_beside_a_routine(images)
    ways_into_routines(images)
    tags_of_others(images)
    unseals_of_something_else(images)
    entries_taken_by_code(images)
    key_functions_entered_inside(images)
    key_functions_that_share_code(images)
    claimed_extents(images, out)
    halves(images)
    dead_code(images)
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
