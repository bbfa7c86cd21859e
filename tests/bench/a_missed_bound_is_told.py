#!/usr/bin/env python3
"""The bench tells a missed bound: a figure beyond it, and one that was not measured. Its
means are right, and a broken bounds file is refused."""
import os
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "bench"))
import figures  # noqa: E402 (its folder was put on the path just now)


def bounds_of(text):
    with tempfile.NamedTemporaryFile("w", suffix="bounds") as file:
        file.write(text)
        file.flush()
        return figures.read_bounds(file.name)


def refused(text):
    try:
        bounds_of(text)
    except SystemExit as error:
        return ":1: expected" in str(error)
    return False


def main():
    bounds = bounds_of("# a comment\na <= 1.06 x flash\nb >= 99 % accepted\n")

    def missed(**found):
        return [row[3] for row in figures.verdicts(found, bounds)[0]], figures.verdicts(found, bounds)[1]

    results = {
        "at the bound": missed(a=1.06, b=99) == (["met", "met"], 0),
        "above a maximum": missed(a=1.0601, b=100) == (["MISSED", "met"], 1),
        "below a minimum": missed(a=1, b=98.99) == (["met", "MISSED"], 1),
        "not measured": missed(a=1) == (["met", "MISSED"], 1),
        "zero is a figure": missed(a=0, b=0) == (["met", "MISSED"], 1),
        "mean of 1 and 4 is 2": abs(figures.geometric_mean([1, 4]) - 2) < 1e-12,
        "mean of nothing is none": figures.geometric_mean([]) is None,
        "a relation that is none": refused("a < 1 x flash\n"),
        "a row cut short": refused("a <= 1\n"),
        "the project's own bounds are read": len(figures.read_bounds(os.path.join(ROOT, figures.BOUNDS))) > 5,
    }
    for name, good in results.items():
        print(f"{'ok' if good else 'WRONG'}: {name}")
    failed = list(results.values()).count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
