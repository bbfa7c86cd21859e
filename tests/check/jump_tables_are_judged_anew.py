#!/usr/bin/env python3
"""`check` finds a jump table that lost its last entry, though the lifter, which hardener and check
share, says that it never had it. See jump_tables_are_judged_anew.c.

    jump_tables_are_judged_anew.py PROOFMARK JUDGED
"""
import subprocess
import sys

from images import PROGRAM, Images

SIXTH = PROGRAM.replace("    default: return -1;", "    case 5: return work(x) + 11;\n    default: return -1;")


def main():
    images = Images(sys.argv[1])
    for name, text, found in (("even", SIXTH, True), ("odd", PROGRAM, False)):
        elf = images.build(name, text, ["-Os"])
        code = subprocess.run(["arm-none-eabi-objdump", "--disassemble=choose", elf], capture_output=True, text=True,
                              check=True).stdout
        images.expect("tbb\t[pc" in code, f"{name}: no table: {code}")
        for how in ((), ("short",)):
            done = subprocess.run([sys.argv[2], elf, *how], capture_output=True, text=True, check=False)
            wanted = found and bool(how)
            told = "choose: its jump table has more entries than moved with the code" in done.stdout
            images.expect(done.returncode == int(wanted) and told == wanted, f"{name} {how}: {done}")
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
