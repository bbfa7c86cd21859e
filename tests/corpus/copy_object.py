#!/usr/bin/env python3
"""copy_object.py SUFFIX IN.o OUT.o: a copy in which every global name that IN defines
carries the suffix, so that several copies can be linked into one image."""
import subprocess
import sys

suffix, source, target = sys.argv[1:]
names = subprocess.run(["arm-none-eabi-nm", "-g", "--defined-only", "-j", source],
                       capture_output=True, text=True, check=True).stdout.split()
with open(target + ".names", "w", encoding="utf-8") as out:
    out.writelines(f"{name} {name}{suffix}\n" for name in names)
subprocess.run(["arm-none-eabi-objcopy", "--redefine-syms", target + ".names", source, target], check=True)
