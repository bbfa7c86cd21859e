#!/usr/bin/env python3
"""Without protection the attack works, whether it overwrites all of the stored return
address or only its low half: what fails elsewhere does not fail for want of a good attack."""
import tempfile

from thermostat import attack, build, expect

BOOTS = 20

with tempfile.TemporaryDirectory() as directory:
    image = build(directory, "overflow", "OVERFLOW=1")
    for overwrite in "word", "low16":
        counts = attack(image, BOOTS, overwrite)
        expect(not counts["sealed"], "a plain return address was taken for a sealed one")
        expect(counts["hijacked"] == BOOTS, "each boot of the plain image is hijacked")
