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
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
