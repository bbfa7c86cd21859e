#!/usr/bin/env python3
"""The attack needs the hole: with the bound in place each boot refuses the name and goes
on, and the compiler's stack protector stops each one. So `hijacked` is not counted where
there was no hijack."""
import tempfile

from thermostat import attack, build, expect

BOOTS = 10

with tempfile.TemporaryDirectory() as directory:
    counts = attack(build(directory, "bounded"), BOOTS)
    expect(counts["unharmed"] == BOOTS, "each boot of the image without the hole is unharmed")
    counts = attack(build(directory, "protector", "OVERFLOW=1", "PROTECTOR=1"), BOOTS)
    expect(counts["faulted"] == BOOTS, "the stack protector stops each boot")
