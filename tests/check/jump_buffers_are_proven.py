#!/usr/bin/env python3
"""The seals of setjmp and longjmp are proven from the output: each instruction of them that is
made void or altered is found, on either side alone and with the original beside it; without any
seal longjmp's way back counts as not sealed.

    jump_buffers_are_proven.py PROOFMARK
"""
import re
import struct
import sys

from images import Images, Patch

PROGRAM = r"""
#include <setjmp.h>
#include <stdio.h>
static jmp_buf place;
__attribute__((noinline)) static int leave(int n) { if (n > 6) longjmp(place, n); return leave(n + 1) + 1; }
int main(void) {
    int code = setjmp(place);
    if (code == 0) return leave(0);
    printf("got %d\n", code);
    return 0;
}
"""


def seals(patch, function):
    """Addresses of what was put in, in front of and behind the store or load of the buffer."""
    own = re.compile(r"^(mrs|sub\.w|add |mov\.w lr|ror\.w|movw|movt|ldr\.w)")
    return [at for at, (_, text, name) in sorted(patch.code.items()) if name == function and own.match(text)]


def faults(images, out, elf):
    count = {}
    for function in ("setjmp", "longjmp"):
        places = seals(Patch(out), function)
        count[function] = len(places)
        for at in places:
            patch = Patch(out)
            told = f"{function}: {patch.code[at][1]} made void"
            image = patch.nop(at).save("void")
            images.finds(told, image, "returns", ["jmp"])
            images.finds(told + ", beside the original", image, "returns", ["jmp"], elf)
    images.expect(count == {"setjmp": 9, "longjmp": 5}, f"instructions of the seals: {count}")
    patch = Patch(out)
    key = patch.address("longjmp", r"^mrs")
    images.finds("another register for the key", patch.put(key + 2, b"\x08\x83").save("msp"), "returns", ["jmp"])
    patch = Patch(out)
    at = patch.address("longjmp", r"^sub\.w lr")
    half = struct.unpack_from("<H", patch.data, patch.offset(at) + 2)[0]
    images.finds("the other register taken off", patch.put(at + 2, struct.pack("<H", half & ~15 | 12)).save("other"),
                 "returns", ["jmp"])


def registers_of_the_original(images, out, elf):
    """A seal that takes the register that longjmp's value is in: it is proven to seal, but it is
    not the original any more."""
    patch = Patch(out)
    places = [at for at in seals(patch, "longjmp") if "r3" in patch.code[at][1]]
    images.expect(len(places) == 3, f"instructions with r3: {len(places)}")
    for at in places:
        half = struct.unpack_from("<H", patch.data, patch.offset(at) + 2)[0]
        mrs = patch.code[at][1].startswith("mrs")
        half = half & ~0xf00 | 0x100 if mrs else half & ~15 | 1
        patch.put(at + 2, struct.pack("<H", half))
    image = patch.save("r1")
    images.holds("a seal with r1 for the key, by itself", image)
    images.finds("the same beside the original", image, "original", ["longjmp", "register"], elf)


def nothing_is_sealed(images, out):
    patch = Patch(out)
    for function in ("setjmp", "longjmp"):
        for at in seals(patch, function):
            patch.nop(at)
    figures = images.figures(patch.save("plain"))[1]["returns"]
    named = [row for row in figures["unsealed"] if row["function"] == "longjmp"]
    images.expect(figures["sealed"] + figures["exempt"] == figures["sites"] - 1 and named, f"without seals: {figures}")


FLOATING = r"""
#include <setjmp.h>
#include <stdio.h>
__asm__(".syntax unified\n.fpu fpv4-sp-d16\n"
        ".section .text.setjmp,\"ax\"\n.global setjmp\n.type setjmp,%function\n.thumb_func\nsetjmp:\n"
        "mov r12,sp\nstmia r0!,{r4-r11,r12,lr}\nvstmia r0,{STORED}\nmovs r0,#0\nbx lr\n.size setjmp,.-setjmp\n"
        ".section .text.longjmp,\"ax\"\n.global longjmp\n.type longjmp,%function\n.thumb_func\nlongjmp:\n"
        "ldmia r0!,{r4-r11,r12,lr}\nmov sp,r12\nvldmia r0,{LOADED}\nmovs r0,r1\nit eq\nmoveq r0,#1\nbx lr\n"
        ".size longjmp,.-longjmp\n.text\n");
""" + PROGRAM.replace("#include <setjmp.h>", "#undef setjmp").replace("#include <stdio.h>", "")


def floating(stored, loaded):
    return FLOATING.replace("STORED", stored).replace("LOADED", loaded)


def registers_of_floats(images):
    """What longjmp loads is what setjmp stored, in harden and in check; its BX has one form."""
    same = images.build_with_random_key("floats", floating("s16-s31", "s16-s31"))
    out = images.hardened(same)
    figures = images.holds("floats behind the words", out, same)["returns"]
    images.expect(not [row for row in figures["unsealed"] if row["function"] == "longjmp"], f"floats: {figures}")
    patch = Patch(out)
    at = patch.address("longjmp", r"^vldmia")
    half = struct.unpack_from("<H", patch.data, patch.offset(at) + 2)[0]
    for told, value in (("s0 to s15", half & ~0xf000), ("fewer", half & ~0xff | 8), ("doubles", half | 0x100)):
        image = Patch(out).put(at + 2, struct.pack("<H", value)).save("floats")
        images.finds(f"longjmp loads {told}", image, "returns", ["jmp"])
    bx = patch.address("longjmp", r"^bx lr")
    for low in (0x4771, 0x4772, 0x4774):
        images.finds(f"BX lr as {low:#x}", Patch(out).put(bx, struct.pack("<H", low)).save("bx"), "returns", ["jmp"])
    other = images.build_with_random_key("unlike", floating("s16-s31", "s0-s15"))
    figures = images.holds("floats that differ", images.hardened(other), other)["returns"]
    images.expect([row for row in figures["unsealed"] if row["function"] == "longjmp"], f"unlike floats: {figures}")


def one_side_only(images, out):
    for function in ("setjmp", "longjmp"):
        patch = Patch(out)
        for at in seals(patch, function):
            patch.nop(at)
        images.finds(f"no seal in {function}", patch.save("side"), "returns", ["jmp"])


def main():
    images = Images(sys.argv[1])
    elf = images.build_with_random_key("jumps", PROGRAM)
    out = images.hardened(elf)
    figures = images.holds("sealed jump buffers", out, elf)["returns"]
    images.expect(figures["sealed"] + figures["exempt"] == figures["sites"], f"its returns: {figures}")
    cell = images.hardened(elf, options=("--key-function", "pm_random", "--key-cell", "0x203ffff0"), name=f"{elf}.cell")
    images.holds("the same with a key in memory", cell, elf)
    faults(images, out, elf)
    registers_of_the_original(images, out, elf)
    one_side_only(images, out)
    nothing_is_sealed(images, out)
    registers_of_floats(images)
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
