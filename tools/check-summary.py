#!/usr/bin/env python3
"""Sum up one run of `meson test`: how many cases passed and failed.

A test program may hold many cases. It is counted by the last line "N passed, N failed"
that it prints, or by cmocka's own totals, and as one case when it prints neither. A test
that ended badly counts at least one failure whatever it printed, and a skipped test
counts as failed: nothing may be skipped on a machine where set-up has run.

Prints the seeds that tests drew, so that a run can be repeated, then the tests that were
not all right and, as the last line, the sum. Exit 0 only
when at least one case ran and none failed.
"""
import json
import re
import sys

TOTAL = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)
SEED = re.compile(r"^.*\bseed:? \d+.*$", re.M)
CMOCKA_PASSED = re.compile(r"^\[  PASSED  \] (\d+) test", re.M)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] (\d+) test", re.M)


def count(entry):
    """(passed, failed) of one line of Meson's testlog.json."""
    text = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
    totals = TOTAL.findall(text)
    if totals:
        passed, failed = (int(number) for number in totals[-1])
    else:
        passed = sum(int(number) for number in CMOCKA_PASSED.findall(text))
        failed = sum(int(number) for number in CMOCKA_FAILED.findall(text))
    good = entry["result"] == "OK"
    if good and passed + failed == 0:
        passed = 1
    if not good and failed == 0:
        failed = 1
    return passed, failed


def main(path):
    passed = failed = 0
    try:
        with open(path, encoding="utf-8") as log:
            entries = [json.loads(line) for line in log if line.strip()]
    except OSError:
        print("no test ran: the build failed")
        entries = []
        failed = 1
    for entry in entries:
        one_passed, one_failed = count(entry)
        for line in SEED.findall(entry.get("stdout", "")):
            print(f"{entry['name']}: {line[:120]}")
        passed += one_passed
        failed += one_failed
        if one_failed:
            print(f"not right: {entry['name']} ({entry['result']}): "
                  f"{one_passed} passed, {one_failed} failed")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
