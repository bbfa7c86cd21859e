#!/usr/bin/env python3
"""`proofmark check` follows the key function's calls: a constant that comes through a chain
of them is found, and functions that call many others many times are looked at once each.

    constant_key_is_found_behind_calls.py PROOFMARK
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402

CHAIN, LEVELS, CALLS, LIMIT_S = 12, 8, 20, 60
HEAD = """
#include <stdint.h>
#define ALONE __attribute__((noinline, noclone, noipa))
#define count (*(volatile uint32_t *)0x40004010) /* a device's: there are no variables yet */
"""
MAIN = "int main(void) { return (int)key() == 7; }\n"


def chain():
    """key() gets its constant through CHAIN functions."""
    text = HEAD + "ALONE uint32_t f0(void) { count++; return 0x1234; }\n"
    for i in range(1, CHAIN):
        text += f"ALONE uint32_t f{i}(void) {{ uint32_t r = f{i - 1}(); count++; return r; }}\n"
    return text + f"ALONE uint32_t key(void) {{ uint32_t r = f{CHAIN - 1}(); count++; return r; }}\n" + MAIN


def bush():
    """CALLS to the power of LEVELS ways lead through it."""
    text = HEAD + "ALONE uint32_t f0(void) { count++; return count; }\n"
    for i in range(1, LEVELS):
        text += f"ALONE uint32_t f{i}(void) {{ {f'f{i - 1}(); ' * CALLS} return count; }}\n"
    return text + f"ALONE uint32_t key(void) {{ {f'f{LEVELS - 1}(); ' * CALLS} return count; }}\n" + MAIN


board = Board(sys.argv[1])
for name, text, constant in (("chain", chain(), True), ("bush", bush(), False)):
    elf = board.build(name, text)
    done, out, _ = board.harden(elf, options=["--key-function", "key"])
    board.expect(done.returncode == 0, f"{name} is hardened: {done.stderr}")
    try:
        found = subprocess.run([board.proofmark, "check", out], capture_output=True, text=True,
                               check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        board.expect(False, f"check of {name} ends within {LIMIT_S} s")
        continue
    board.expect(found.returncode == constant, f"{name}: exit code {found.returncode}\n{found.stdout}")
    board.expect(("is the constant 0x00001234" in found.stdout) == constant, f"{name}:\n{found.stdout}")
sys.exit(bool(board.failures))
