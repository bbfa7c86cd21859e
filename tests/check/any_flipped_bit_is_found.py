#!/usr/bin/env python3
"""Builds and hardens the image whose bits any_flipped_bit_is_found.c flips.

    any_flipped_bit_is_found.py PROOFMARK FLIP [COUNT]
"""
import subprocess
import sys

from images import Images


def main():
    images = Images(sys.argv[1])
    elf = images.build_with_random_key()
    count = sys.argv[3] if len(sys.argv) > 3 else "10000"
    done = subprocess.run([sys.argv[2], images.hardened(elf), elf, count], capture_output=True, text=True, check=False)
    print(done.stdout[-2000:], done.stderr[-2000:])
    images.expect(done.returncode == 0, "a flipped bit was not found")
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
