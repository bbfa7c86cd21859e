#!/usr/bin/env python3
"""What cannot follow an image to another slot is refused with one sentence, and nothing is
written; and a moved image in which one reference, symbol or byte is wrong is not found the same.

    what_cannot_move_is_refused.py PROOFMARK
"""
import json
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


SHN_ABS, R_ARM_NONE, R_ARM_ABS8 = 0xfff1, 0, 8


def read(path):
    with open(path, "rb") as file:
        return bytearray(file.read())


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def sections(data):
    start, = struct.unpack_from("<I", data, 32)
    count, = struct.unpack_from("<H", data, 48)
    return [struct.unpack_from("<10I", data, start + 40 * index) for index in range(count)]


def file_offset(data, address):
    return next(h[4] + address - h[3] for h in sections(data)
                if h[2] & 2 and h[1] != 8 and h[3] <= address < h[3] + h[5])


def symbol(data, name):
    """(number, file offset of the entry)"""
    table = next(h for h in sections(data) if h[1] == 2)
    names = sections(data)[table[6]][4]
    for number, at in enumerate(range(table[4], table[4] + table[5], 16)):
        start = names + struct.unpack_from("<I", data, at)[0]
        if data[start:data.index(0, start)].decode() == name:
            return number, at
    raise SystemExit(f"no symbol {name}")


def relocations(data):
    """(file offset of the entry, place, symbol, type)"""
    for header in sections(data):
        for at in range(header[4], header[4] + header[5], 8) if header[1] == 9 else ():
            place, info = struct.unpack_from("<II", data, at)
            yield at, place, info >> 8, info & 255


def not_the_same(board, told, before, data, sentence, options=()):
    path = write(board.path("not-the-same"), data)
    done = board.tool("check", "--moved-from", before, *options, path)
    board.expect(done.returncode == 1 and sentence in done.stderr,
                 f"{told}: {done.returncode} {done.stdout}{done.stderr}")
    return path


def stay_behind(before, data, name):
    """The moved image with an absolute symbol, and the words that hold it, as they were."""
    number, entry = symbol(before, name)
    data[entry + 4:entry + 8] = before[entry + 4:entry + 8]
    places = [place for _, place, of, _ in relocations(before) if of == number]
    for place in places:
        at = file_offset(before, place)
        data[at:at + 4] = before[at:at + 4]
    assert places, name
    return data


def test_absolute_symbols_of_a_moved_image(board):
    """What start-up copies is copied from the image's own slot; other absolute symbols are named."""
    far = read(build(board, "far_number", ABSOLUTE, ["-Wl,--defsym=somewhere=0x40000100"]))
    place = max((h[5], h[3] + 16) for h in sections(far) if h[1:3] == (1, 2))[1]  # among constants
    linked = build(board, "edge", ABSOLUTE, [f"-Wl,--defsym=somewhere={place:#x}"])
    _, hardened, _ = board.harden(linked)
    for option, went in (("--address", True), ("--number", False)):
        _, moved = board.lay_out(hardened, options=[option, "somewhere"])
        done = board.tool("check", "--json", "--moved-from", hardened, moved)
        rows = json.loads(done.stdout)["moved"]["absolute"]
        wanted = {"name": "somewhere", "value": place, "went": went}
        board.expect(done.returncode == 0 and wanted in rows, f"{option}: {rows} {done.stderr}")
        done = board.tool("check", "--moved-from", hardened, moved)
        how = "went along: is it an address?" if went else "stayed: is it a number?"
        board.expect(f"somewhere ({place:#010x}) is absolute and {how}" in done.stdout, f"{option}: {done.stdout}")
    before, data = read(hardened), read(moved)
    section, = struct.unpack_from("<H", before, symbol(before, "__data_load")[1] + 14)
    board.expect(section == SHN_ABS, f"__data_load is in section {section}")
    behind = not_the_same(board, "data's load address stayed", hardened, stay_behind(before, data, "__data_load"),
                          "the absolute symbol __data_load is where data that start-up copies is flashed")
    done = board.tool("check", "--moved-from", hardened, "--number", "__data_load", behind)
    board.expect(done.returncode == 0, f"told as a number: {done.stdout}{done.stderr}")
    not_the_same(board, "a number went", hardened, read(moved), "a number went", ["--number", "__data_load"])


def test_fields_of_a_moved_image(board):
    """A byte with part of a function's address: the layout refuses it, so it is laid out without."""
    _, hardened, _ = board.harden(build(board, "field", ASSEMBLED, ["-Wl,--no-warnings"]))
    data = read(hardened)
    places = [at for at, _, _, kind in relocations(data) if kind == R_ARM_ABS8]
    info = struct.unpack_from("<I", data, places[0] + 4)[0]
    struct.pack_into("<I", data, places[0] + 4, info & ~255 | R_ARM_NONE)
    without = write(board.path("without"), data)
    _, moved = board.lay_out(without)
    done = board.tool("check", "--moved-from", without, moved)
    board.expect(len(places) == 1 and "moved        " in done.stdout, f"a reference that is none: {done.stdout}{done.stderr}")
    data = read(moved)
    struct.pack_into("<I", data, places[0] + 4, info)
    not_the_same(board, "a byte", hardened, data, f"relocation type {R_ARM_ABS8}: its field cannot follow")


def test_boot_stub_of_a_moved_image(board):
    """The stub's symbol says that code behind it is the stub's: no word there may go with the image."""
    _, hardened, _ = board.harden(build(board, "stub", PLAIN))
    _, moved = board.lay_out(hardened)
    before, data = read(hardened), read(moved)
    start = struct.unpack_from("<I", before, symbol(before, "__pm_boot")[1] + 4)[0] & ~3
    size = min(0x1400, next(h[3] + h[5] for h in sections(before) if h[2] & 2 and h[3] <= start < h[3] + h[5]) - start)
    for image in (before, data):
        struct.pack_into("<I", image, symbol(image, "__pm_boot")[1] + 8, size)
    changed = write(board.path("stub-before"), before)
    done = board.tool("check", changed)
    board.expect(done.returncode == 1 and f"its symbol says {size}" in done.stdout, f"a longer stub: {done.stdout}")
    followed = 0
    for at in range(start, start + size & ~3, 4):
        offset = file_offset(before, at)
        word, now = (struct.unpack_from("<I", image, offset)[0] for image in (before, data))
        if word != now:
            followed += 1
            continue
        struct.pack_into("<I", data, offset, (word + SLOT_B - SLOT_A) % 2**32)
        if at % 32 == 0 or before[offset + 1] & 0xf8 not in (0x48, 0x68):  # some of the code, and all data
            not_the_same(board, f"the word at {at:#x}", changed, data, "")
        struct.pack_into("<I", data, offset, word)
    board.expect(followed > 10, "few words followed")


def main():
    board = Slots(sys.argv[1])
    test_absolute_symbols(board)
    test_places(board)
    test_memory_map(board)
    test_wrong_moves(board)
    test_absolute_symbols_of_a_moved_image(board)
    test_fields_of_a_moved_image(board)
    test_boot_stub_of_a_moved_image(board)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
