#!/usr/bin/env python3
"""reach_all.py OUT.S OBJECT...: one function that calls every global function of the
objects, so that none of them is unreachable. It is never run."""
import subprocess
import sys

out, *objects = sys.argv[1:]
names = []
for path in objects:
    lines = subprocess.run(["arm-none-eabi-nm", "-g", "--defined-only", path],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    names += [line.split()[2] for line in lines if line.split()[1] == "T"]
with open(out, "w", encoding="utf-8") as file:
    file.write("/* Written by reach_all.py. */\n    .syntax unified\n    .thumb\n    .text\n"
               "    .global reach_all\n    .type reach_all, %function\n    .thumb_func\nreach_all:\n"
               "    push {r4, lr}\n")
    file.writelines(f"    bl {name}\n" for name in names)
    file.write("    pop {r4, pc}\n    .size reach_all, . - reach_all\n")
