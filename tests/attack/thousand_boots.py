#!/usr/bin/env python3
"""The attack over 1,000 boots of each image: as linked, with GCC's stack protector, moved,
and with sealed return addresses; the last also with only the low bytes overwritten.

  thousand_boots.py PROOFMARK"""
import sys
import tempfile

from thermostat import attack, build, expect, harden

BOOTS = 1000


def told(name, counts):
    print(f"figure attack_{name}_hijacked {counts['hijacked']}")
    print(f"figure attack_{name}_landed_in_code {counts['landed_in_code']}")
    return counts


with tempfile.TemporaryDirectory() as directory:
    plain = build(directory, "overflow", "OVERFLOW=1")
    moved = harden(sys.argv[1], plain, "null", "5eed")
    sealed = harden(sys.argv[1], plain, "exploit", "5eed")
    guarded = build(directory, "protector", "OVERFLOW=1", "PROTECTOR=1")
    taken = [told("plain", attack(plain, BOOTS)), told("null", attack(moved, BOOTS))]
    stopped = [told("protector", attack(guarded, BOOTS)), told("exploit", attack(sealed, BOOTS))]
    low = [told(f"exploit_{part}", attack(sealed, BOOTS, part)) for part in ("low16", "low8")]

rates = ", ".join(f"{counts['landed_in_code'] / BOOTS:.1%}" for counts in [stopped[1]] + low)
print(f"hijacked of {BOOTS}: plain {taken[0]['hijacked']}, null {taken[1]['hijacked']}, "
      f"exploit {stopped[1]['hijacked']}; landed in code (word, low16, low8): {rates}")
expect(all(counts["hijacked"] == BOOTS for counts in taken), "plain and moved: on every boot")
expect(all(counts["hijacked"] == 0 for counts in stopped), "protected: on no boot")
