#!/usr/bin/env python3
"""Every instruction skip of skip_boots_no_wrong_image, a part on each core, added up; and what a
boot costs. Prints "figure NAME VALUE" lines for bench/bounds.

  skip_all.py SKIP_BOOTS_NO_WRONG_IMAGE STAGE.elf [ARGUMENT...]
"""
import os
import re
import subprocess
import sys


def numbers(text, pattern):
    return sum(int(number) for number in re.findall(pattern, text))


def main():
    program, stage, more = sys.argv[1], sys.argv[2], sys.argv[3:]
    parts = os.cpu_count() or 1
    runs = [subprocess.Popen([program, stage, "--part", f"{part}/{parts}", *more],
                             stdout=subprocess.PIPE, text=True) for part in range(parts)]
    texts = [run.communicate()[0] for run in runs]
    print("\n".join(texts))
    whole = "".join(texts)
    cost = re.search(r"a good trial: (\d+) instructions", whole)
    stack = max(int(found) for found in re.findall(r"stack (\d+) bytes", whole) or ["0"])
    skipped = (numbers(whole, r"skipped one (\d+)") + numbers(whole, r", two (\d+)") +
               numbers(whole, r"inside BearSSL (\d+);"))
    wrong = numbers(whole, r"wrong image (\d+)")
    print("figure boot_flash", os.path.getsize(stage.removesuffix(".elf") + ".bin"))
    if cost:
        print("figure boot_instructions", cost.group(1))
        print("figure boot_stack", stack)
    print("figure boot_skips", skipped)
    print("figure boot_skips_wrong", wrong)
    failed = any(run.returncode for run in runs) or wrong or not skipped
    print(f"{skipped} skips, {wrong} booted a wrong image{'; FAILED' if failed else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
