#!/usr/bin/env python3
"""The recorded day repeats byte by byte on each build of the example, and the comparison
notices a firmware that behaves otherwise."""
import os
import shutil
import subprocess
import tempfile

from thermostat import EXAMPLE, build, expect, same_day

with tempfile.TemporaryDirectory() as directory:
    image = build(directory, "product")
    expect(same_day(image), "the product's image answers as recorded")
    expect(same_day(image), "and does so again")
    expect(same_day(build(directory, "overflow", "OVERFLOW=1")), "the hole changes nothing else")

    changed = os.path.join(directory, "changed")
    shutil.copytree(EXAMPLE, changed, ignore=shutil.ignore_patterns("build"))
    path = os.path.join(changed, "settings.c")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    expect(".gain_proportional = 40" in text, "the place to change is there")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(".gain_proportional = 40", ".gain_proportional = 41"))
    subprocess.run(["make", "-s", "-C", changed], check=True, stdout=subprocess.DEVNULL)
    expect(not same_day(os.path.join(changed, "build", "thermostat.elf")),
           "a controller with another gain is noticed")
