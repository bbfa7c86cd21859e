#!/usr/bin/env python3
"""A C++ image with exceptions holds; what its unwinder reads is left unsealed, with that
reason, and nothing else is. Each of these faults, put alone into it, is found and named: a
function left unsealed that nobody unwinds, a sealed function that the index offers to the
unwinder, an entry of the index that is another's, a personality that is another function, a
landing pad that moved.

    seeded_faults_of_unwinding_are_found.py PROOFMARK
"""
import os
import re
import struct
import subprocess
import sys

from images import Images, Patch
import board
from corpus import OUT, build_programs

IMAGE = f"{OUT}/programs/exceptions-Os.elf"
CANNOT_UNWIND, INLINE = 1, 0x80b0b0b0
REASON = "the image's unwinder may read its frame"


def relative(place, word):
    word &= 0x7fffffff
    return (place + (word - (1 << 31) if word & 1 << 30 else word)) & 0xffffffff


def toward(place, target, old=0):
    return struct.pack("<I", ((target - place) & 0x7fffffff) | (old & 1 << 31))


def index_of(patch):
    """[(place, function's address, second word)] of the unwind index."""
    text = subprocess.run(["arm-none-eabi-readelf", "-SW", patch.path], capture_output=True, text=True,
                          check=True).stdout
    row = re.search(r"\] \.ARM\.exidx +ARM_EXIDX +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)", text)
    start, size = int(row[1], 16), int(row[2], 16)
    return [(at, relative(at, patch.word(at)), patch.word(at + 4)) for at in range(start, start + size, 8)]


def covering(index, address):
    return [entry for entry in index if entry[1] <= address][-1]


def addresses(patch):
    """Every name; objdump, which Patch reads, shows one of several at a place."""
    text = subprocess.run(["arm-none-eabi-nm", patch.path], capture_output=True, text=True, check=True).stdout
    return {line.split()[2]: int(line.split()[0], 16) & ~1 for line in text.splitlines() if len(line.split()) == 3}


def is_table(word):
    return word != CANNOT_UNWIND and not word & 1 << 31


def name_at(patch, address):
    return next(name for name, places in patch.functions.items() if address in places)


def left_unsealed(images, out):
    """What is left is what the index says may be unwound, or has a reason of its own."""
    figures = images.holds("the image as it is", out, IMAGE)
    reasons = {row["function"]: row["reason"] for row in figures["returns"]["unsealed"]}
    patch = Patch(out)
    index, places = index_of(patch), addresses(patch)
    unwound = [name for name, reason in reasons.items() if reason == REASON]
    images.expect(len(unwound) > 20, f"functions that the unwinder reads: {len(unwound)}")
    for name in unwound:
        behind = min(place for place in places.values() if place > places[name])  # shares its unit, perhaps
        words = [covering(index, place)[2] for place in (places[name], behind)]
        images.expect(words != [CANNOT_UNWIND] * 2, f"{name} is left to the unwinder, and the index says it cannot be unwound")
    others = {name: reason for name, reason in reasons.items() if reason != REASON}
    images.expect(all("nwind" in name or name.endswith("restore_core_regs") for name in others), f"left unsealed as well: {others}")
    images.expect(figures["returns"]["sealed"] > 100, f"sealed: {figures['returns']['sealed']}")
    exempt = images.hardened(IMAGE, options=("--exempt", "_malloc_r"), name=images.path("exempt.elf"))
    images.holds("a function exempt by name", exempt, IMAGE, ("--exempt", "_malloc_r"))
    images.finds("an unsealed function that nobody unwinds", exempt, "returns", ["_malloc_r", "unsealed"])
    patch = Patch(exempt)
    place, _, _ = covering(index_of(patch), patch.functions["_malloc_r"][0])
    offered = patch.put(place + 4, struct.pack("<I", INLINE)).save("excused")
    images.finds("an entry made up as an excuse", offered, "unwind", [], IMAGE)


def wrong_entries(images, out):
    patch = Patch(out)
    index = index_of(patch)
    sealed = patch.functions["_malloc_r"][0]
    place, _, word = covering(index, sealed)
    images.expect(word == CANNOT_UNWIND, "_malloc_r cannot be unwound")
    offered = patch.put(place + 4, struct.pack("<I", INLINE)).save("offered")
    images.finds("a sealed frame offered to the unwinder", offered, "returns", ["unwinder reads"])
    images.finds("the same, beside the original", offered, "unwind", [], IMAGE)
    tables = [entry for entry in index if is_table(entry[2])]
    (place, _, _), (_, other, _) = tables[0], tables[1]
    patch = Patch(out)
    images.finds("an entry that names another function", patch.put(place, toward(place, other + 2)).save("place"),
                 "unwind", [], IMAGE)
    patch = Patch(out)
    second = relative(tables[1][0] + 4, tables[1][2])
    images.finds("an entry with another's table", patch.put(place + 4, toward(place + 4, second)).save("table"),
                 "unwind", [], IMAGE)
    patch = Patch(out)
    images.finds("an entry that says: cannot be unwound",
                 patch.put(place + 4, struct.pack("<I", CANNOT_UNWIND)).save("cannot"), "unwind", [], IMAGE)


def wrong_personality(images, out):
    patch = Patch(out)
    table = next(relative(at + 4, word) for at, _, word in index_of(patch) if is_table(word))
    personality = relative(table, patch.word(table)) & ~1
    images.expect(name_at(patch, personality) == "__pm_thunk", "a personality is reached through a thunk")
    images.expect(patch.word(personality + 4) == patch.functions["__gxx_personality_v0"][0] | 1, "which leads to it")
    thunks = [at for at in patch.functions["__pm_thunk"] if at != personality]
    patch.put(table, toward(table, thunks[0] | 1, patch.word(table)))
    images.finds("a personality that is another function", patch.save("personality"), "original", [], IMAGE)
    patch = Patch(out)
    patch.put(personality + 4, struct.pack("<I", patch.functions["_Znwj"][0] | 1))
    images.finds("a personality's thunk that leads elsewhere", patch.save("thunk"), "original",
                 [".ARM.extab"], IMAGE)
    patch = Patch(out)
    last = table + 8 + 4 * (patch.word(table + 4) >> 24)  # the language's own table begins behind the opcodes
    byte = patch.data[patch.offset(last) + 5]
    images.finds("another landing pad", patch.put(last + 5, bytes([byte ^ 2])).save("landing"), "original",
                 [".ARM.extab"], IMAGE)


def main():
    images = Images(sys.argv[1])
    os.chdir(board.ROOT)
    build_programs((IMAGE,))
    out = images.hardened(IMAGE, options=(), name=images.path("out.elf"))
    left_unsealed(images, out)
    wrong_entries(images, out)
    wrong_personality(images, out)
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
