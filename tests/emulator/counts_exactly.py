#!/usr/bin/env python3
"""The instruction counter is exact: it gives a total known from reading the program, the
same total on every run, and the same total when every translation block is one
instruction long (where counting by block cannot be wrong)."""
import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "tests/corpus"))
os.chdir(ROOT)
import corpus  # noqa: E402 (its folder was put on the path just now)

KNOWN = f"{corpus.OUT}/known_count.elf"
LZ4 = f"{corpus.OUT}/programs/lz4-Os.elf"


def main():
    corpus.build_programs((KNOWN, LZ4, corpus.PLUGIN))
    results = {
        "the program read by hand: 4008": corpus.emulate(KNOWN, corpus.PLUGIN).instructions == 4008,
        "lz4 twice: the same total": len({corpus.emulate(LZ4, corpus.PLUGIN).instructions for _ in range(2)}) == 1,
        "lz4 by single instructions: the same total":
            corpus.emulate(LZ4, corpus.PLUGIN, options=["-singlestep"]).instructions
            == corpus.emulate(LZ4, corpus.PLUGIN).instructions,
    }
    for name, good in results.items():
        print(f"{'ok' if good else 'WRONG'}: {name}")
    failed = list(results.values()).count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
