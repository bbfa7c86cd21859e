#!/usr/bin/env python3
"""An image that was never hardened, and one whose functions were only moved, show none of
the protections: zero of N, no key, no memory map, and no finding.

    plain_images_have_no_protection.py PROOFMARK
"""
import sys

from images import Images


def verdict(images, image, original):
    """The first line of what people read."""
    with_original = ["--original", original] if original else []
    return images.tool("check", *with_original, image).stdout.splitlines()[0]


def main():
    images = Images(sys.argv[1])
    elf = images.build_with_random_key()
    moved = images.hardened(elf, "null")
    exploit = images.hardened(elf)
    for told, image, original in [("the plain image", elf, None), ("the moved image", moved, elf)]:
        figures = images.holds(told, image, original)
        returns, calls = figures["returns"], figures["calls"]
        images.expect(returns["sites"] > 5 and returns["sealed"] == 0, f"{told}: {returns}")
        images.expect(calls["sites"] > 0 and calls["checked"] == 0 and calls["tagged"] == 0, f"{told}: {calls}")
        if original:
            parts = dict(figures["original"])
            functions = parts.pop("functions")
            images.expect(parts.pop("compared") and sum(parts.values()) == functions > 5 and
                          sorted(parts) == ["dropped", "moved", "untouched"], f"{told}: {figures['original']}")
        rest = sum(row["sites"] for row in calls["unchecked"])
        images.expect(rest == calls["sites"] and all(row["reason"] for row in calls["unchecked"]), f"{told}: {calls}")
        images.expect(figures["key"] == {"made": "none"}, f"{told}: {figures['key']}")
        images.expect(not figures["memory_map"]["applied"], f"{told}: {figures['memory_map']}")
        words = verdict(images, image, original)
        images.expect("nothing is protected" in words and "holds" not in words, f"{told}: {words}")
    words = verdict(images, exploit, elf)
    images.expect(words.endswith(": holds"), words)
    figures = images.holds("the hardened image", exploit, elf)
    returns, calls = figures["returns"], figures["calls"]
    images.expect(returns["sites"] == returns["sealed"] + returns["exempt"] and returns["sealed"] > 5,
                  f"the hardened image: {returns}")
    images.expect(calls["sites"] == calls["checked"] + calls["exempt"] > 0, f"the hardened image: {calls}")
    images.expect(sum(row["sites"] for row in calls["unchecked"]) == calls["sites"] - calls["checked"], f"{calls}")
    images.expect(calls["targets"] == calls["tagged"] > 0, f"the hardened image: {calls}")
    images.expect(figures["memory_map"]["applied"], f"the hardened image: {figures['memory_map']}")
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
