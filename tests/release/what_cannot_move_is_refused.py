#!/usr/bin/env python3
"""What cannot follow an image to another slot is refused with one sentence, and nothing is
written; and a moved image in which one reference, symbol or byte is wrong is not found the same.

    what_cannot_move_is_refused.py PROOFMARK
"""
import os
import random
import struct
import sys

from slots import SLOT_A, SLOT_B, Slots

PLAIN = "#include <stdio.h>\nint main(void) { printf(\"here\\n\"); return 0; }\n"
ABSOLUTE = r"""
#include <stdio.h>
extern char somewhere[];
int main(void) { printf("%lu\n", (unsigned long)somewhere); return 0; }
"""
FAR = r"""
#include <stdio.h>
extern int in_rom(void);
int main(void) { return in_rom() + printf("here\n"); }
"""
ASSEMBLED = r"""
#include <stdio.h>
extern const unsigned char low_byte;
__asm__(".section .rodata\n.global low_byte\nlow_byte: .byte main\n.text");
int main(void) { return printf("%u\n", low_byte) < 0; }
"""


def refused(board, elf, sentence, address=SLOT_B, options=(), size=0x80000):
    out = f"{elf}.refused"
    done, _ = board.lay_out(elf, address, name=out, options=options, size=size)
    told = done.returncode == 1 and sentence in done.stderr and done.stderr.count("\n") == 1
    board.expect(told and not os.path.exists(out), f"{os.path.basename(elf)} wants {sentence!r}: {done.returncode} {done.stderr}")


def build(board, name, text, link=()):
    return board.build(name, text, ["-Os"], link=["-Wl,--strip-debug", *link])


def test_absolute_symbols(board):
    inside = build(board, "inside", ABSOLUTE, [f"-Wl,--defsym=somewhere={SLOT_A + 0x100:#x}"])
    refused(board, inside, "the absolute symbol somewhere (0x00010100) may be an address in the image or a number")
    for option, value in (("--address", SLOT_B + 0x100), ("--number", SLOT_A + 0x100)):
        done, out = board.lay_out(inside, options=[option, "somewhere"])
        ran = board.run(out, SLOT_B)
        board.expect(done.returncode == 0 and ran.output == b"%d\n" % value, f"{option}: {done.stderr} {ran.told()}")
    outside = build(board, "outside", ABSOLUTE, ["-Wl,--defsym=somewhere=0x40000100"])
    done, out = board.lay_out(outside)
    board.expect(board.run(out, SLOT_B).output == b"%d\n" % 0x40000100, f"outside: {done.stderr}")


def test_places(board):
    plain = build(board, "plain", PLAIN)
    refused(board, plain, "the slot is too small", size=4096)
    refused(board, plain, "is no multiple of 128, where the processor wants", address=SLOT_B + 64)
    refused(board, plain, "would share memory with a slot", address=0x20000000)
    refused(board, build(board, "far", FAR, ["-Wl,--defsym=in_rom=0x8001"]), "which does not move with it")
    refused(board, board.build("debug", PLAIN, ["-Os", "-g"]), "it has debug sections")
    refused(board, build(board, "byte", ASSEMBLED, ["-Wl,--no-warnings"]), "its field cannot follow the image")


def test_memory_map(board):
    _, hardened, _ = board.harden(build(board, "mapped", PLAIN))
    refused(board, hardened, "and the slots' distance is no multiple of that", address=SLOT_A + 0x1000)
    _, writing, _ = board.harden(build(board, "writing", PLAIN), options=["--writable", "0x90000:0x1000"])
    refused(board, writing, "writable, reaches into a slot of the image")


def words_that_follow(before, after):
    return [i for i in range(0, len(before) - 3, 2)
            if before[i:i + 4] != after[i:i + 4]
            and (struct.unpack_from("<I", after, i)[0] - struct.unpack_from("<I", before, i)[0]) % 2**32 == SLOT_B - SLOT_A]


def test_wrong_moves(board):
    """Each word that followed, put back; and other bytes, changed."""
    _, hardened, _ = board.harden(build(board, "faults", PLAIN))
    _, moved = board.lay_out(hardened)
    with open(hardened, "rb") as file:
        before = file.read()
    with open(moved, "rb") as file:
        after = file.read()
    seed = int(os.environ.get("PROOFMARK_SEED", "7"))
    chance, places = random.Random(seed), words_that_follow(before, after)
    print(f"seed {seed}: {len(places)} words followed")
    board.expect(len(places) > 100, "few words followed")
    faults = [after[:at] + before[at:at + 4] + after[at + 4:] for at in chance.sample(places, 40)]
    for _ in range(40):
        at = chance.randrange(len(after))
        faults.append(after[:at] + bytes([after[at] ^ 1 << chance.randrange(8)]) + after[at + 1:])
    for number, fault in enumerate(faults):
        path = board.path(f"fault{number}")
        with open(path, "wb") as file:
            file.write(fault)
        done = board.tool("check", "--moved-from", hardened, path)
        board.expect(done.returncode == 1, f"fault {number} is not found")
        os.remove(path)


def main():
    board = Slots(sys.argv[1])
    test_absolute_symbols(board)
    test_places(board)
    test_memory_map(board)
    test_wrong_moves(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
