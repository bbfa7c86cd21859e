#!/usr/bin/env python3
"""What `init` proposes comes from this very ELF and is taken as it stands: the flash begins where
the image does, the range to write in lies behind it, a key cell is a word that keeps a key, and a
key function is one whose name says that it reads a random source.

    init_proposes_what_the_elf_says.py PROOFMARK
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
import board as boards  # noqa: E402
from board import Board  # noqa: E402

GOOD = ["trng_read", "HAL_RNG_GetRandomNumber", "random_seed", "board_random", "get_entropy"]
BAD = ["fortuna_add_entropy", "_fortuna_reseed", "_fortuna_update_seed", "prng_is_valid", "find_prng", "mp_rand",
       "set_rand", "rand_prime", "HAL_RNG_Init", "RNG_IRQHandler", "strange_grandson", "read_seed_file", "drand48_step"]
PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
%s
__attribute__((section(".noinit,\"aw\",%%nobits@"), aligned(32), used)) volatile uint32_t boot_count, boot_key;
volatile uint32_t other_key;
int main(void) { printf("%%d\n", (int)(other_key + 0 * (boot_key + boot_count)%s)); return 0; }
"""


def program(names):
    bodies = "\n".join(f"__attribute__((noinline)) uint32_t {name}(void) {{ return {i}; }}" for i, name in enumerate(names))
    return PROGRAM % (bodies, "".join(f" + {name}()" for name in names))


def load_range(elf):
    text = subprocess.run(["arm-none-eabi-readelf", "-lW", elf], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in text.splitlines() if line.strip().startswith("LOAD")]
    starts = [(int(row[3], 16), int(row[4], 16)) for row in rows if int(row[4], 16)]
    return min(start for start, _ in starts), max(start + size for start, size in starts)


def proposals(board, elf):
    done = board.tool("init", "--force", "-o", board.path("product.yaml"), elf)
    board.expect(done.returncode == 0, done.stderr)
    with open(board.path("product.yaml"), encoding="utf-8") as file:
        text = file.read()
    return text, re.findall(r"# key_function: (\S+)$", text, re.M), re.findall(r"# key_cell: (.*)$", text, re.M)


STACKS = (
    ("heap_end", "__heap_start = __bss_end; __heap_end = 0x203f0000; __stack_size = 0x4000;", 0x203f0000, "__heap_end"),
    ("size", "__stack_size = 0x4000;", 0x203fb000, "__stack less __stack_size"),
    ("no_room", "__stack_size = 0x3ff000;", None, "below 0x203ff000"),
    ("top_alone", "", None, "below 0x203ff000"),
)


def stack_limits(board):
    """What is proposed is what harden takes; nothing is where nothing fits."""
    with open(os.path.join(boards.BOARD, "board.ld"), encoding="utf-8") as file:
        text = file.read()
    script = boards.LINK[-1]
    start = text.index("    .heap (NOLOAD)")
    for name, symbols, limit, words in STACKS:
        rest = "__HeapBase = __bss_end; __stack = 0x203ff000; __StackTop = __stack; pm_heap_end = 0x203f0000;"
        boards.LINK[-1] = board.write(f"{name}.ld", f"{text[:start]}    {rest} {symbols}\n}}\n")
        elf = board.build(f"stack_{name}", program(GOOD[:1]), link=["-Wl,--defsym=__HeapLimit=0x20000000"])
        told = re.findall(r"stack_limit: .*$", proposals(board, elf)[0], re.M)
        board.expect(len(told) == 1 and words in told[0], f"{name}: {told}")
        board.expect((f"stack_limit: 0x{limit:08x} " in told[0]) if limit else "0x20000000" not in told[0], f"{name}: {told}")
        if limit:
            done, _, _ = board.harden(elf, options=["--stack-limit", hex(limit)])
            board.expect(done.returncode == 0, f"{name}: {done.stderr}")
        if name == "heap_end":
            board.refused(elf, ["0x20010000", "the heap is"], ["--stack-limit", "0x20010000"])
    boards.LINK[-1] = script


def main():
    board = Board(sys.argv[1])
    stack_limits(board)
    elf = board.build("named", program(GOOD + BAD))
    text, functions, cells = proposals(board, elf)
    board.expect(functions[0] == "HAL_RNG_GetRandomNumber" or functions[0] == "trng_read", f"{functions}")
    board.expect(set(GOOD) <= set(functions) <= set(GOOD) | {"pm_random"}, f"{functions}")
    board.expect(cells == ["boot_key"], f"{cells}")
    first, end = load_range(elf)
    start, size = (int(n, 16) for n in re.search(r"# flash: {start: (\w+), size: (\w+)}", text).groups())
    board.expect(start == first and start + size > end, f"flash {start:x} {size:x}, the image {first:x} to {end:x}")
    at, bytes_ = (int(n, 16) for n in re.search(r"name: settings, start: (\w+), size: (\w+)}", text).groups())
    board.expect(end <= at < end + 0x1000 and at + bytes_ <= start + size, f"settings at {at:x}, the image's end {end:x}")
    # On standard output it is the same, and nothing else.
    done = subprocess.run([board.proofmark, "init", "-o", "-", elf], cwd=board.path(""), capture_output=True, text=True,
                          check=False)
    board.expect(done.returncode == 0 and done.stdout == text, done.stdout[:200])
    board.expect(not os.path.exists(board.path("-")), "a file is named -")
    # The hardener takes them all.
    done, _, _ = board.harden(elf, options=["--key-function", "trng_read", "--key-cell", "boot_key", "--flash",
                                            f"{start}:{size}", "--writable", f"{at}:{bytes_}"])
    board.expect(done.returncode == 0, done.stderr)
    # Elsewhere the same: an image that does not begin at 0, and no word for a key.
    source = program(BAD).replace("boot_key", "boot_word")
    elf = board.build("moved", source, link=["-Wl,--section-start=.vectors=0x8000", "-Wl,--section-start=.text=0x8400"])
    first, end = load_range(elf)
    text, functions, cells = proposals(board, elf)
    board.expect(not set(functions) & set(BAD), f"{functions}")
    board.expect(len(cells) == 1 and "none was found" in cells[0], f"{cells}")
    start = int(re.search(r"# flash: {start: (\w+),", text).group(1), 16)
    board.expect(start == first, f"flash {start:x}, the image from {first:x}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
