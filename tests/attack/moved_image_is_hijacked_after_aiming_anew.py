#!/usr/bin/env python3
"""Moving functions alone does not stop an attacker who has the image: each `null` image
is hijacked on every boot, although what worked on the plain one misses it.

  moved_image_is_hijacked_after_aiming_anew.py PROOFMARK"""
import subprocess
import sys
import tempfile

from thermostat import attack, build, expect, harden, same_day

BOOTS = 10
SEEDS = "01", "02", "5eed"


def address(image, name):
    symbols = subprocess.run(["arm-none-eabi-nm", image], check=True, stdout=subprocess.PIPE,
                             text=True).stdout
    return next(line.split()[0] for line in symbols.splitlines() if line.split()[-1] == name)


with tempfile.TemporaryDirectory() as directory:
    plain = build(directory, "overflow", "OVERFLOW=1")
    places = {address(plain, "factory_unlock")}
    for seed in SEEDS:
        image = harden(sys.argv[1], plain, "null", seed)
        places.add(address(image, "factory_unlock"))
        counts = attack(image, BOOTS)
        expect(not counts["sealed"], "the null profile seals nothing")
        expect(counts["hijacked"] == BOOTS, "each boot of a moved image is hijacked")
        expect(same_day(image), "a moved image behaves the same")
    expect(len(places) == len(SEEDS) + 1, "the target lies elsewhere in each image")
