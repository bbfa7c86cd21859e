#!/usr/bin/env python3
"""The closing line of `make check` counts every case, and no way to fail escapes it."""
import json
import os
import subprocess
import sys
import tempfile

SUMMARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/check-summary.py")
CMOCKA = "[==========] 3 test(s) run.\n[  PASSED  ] 2 test(s).\n[  FAILED  ] 1 test(s), listed below:\n"

# name, [(result, stdout, stderr)], closing line, exit code
CASES = [
    ("one plain test", [("OK", "", "")], "1 passed, 0 failed", 0),
    ("cases told by the test", [("OK", "seed 7\n12 passed, 0 failed\n", "")], "12 passed, 0 failed", 0),
    ("cmocka's totals", [("FAIL", "", CMOCKA)], "2 passed, 1 failed", 1),
    ("cmocka's totals of two groups", [("OK", "[  PASSED  ] 2 test(s).\n[  PASSED  ] 5 test(s).\n", "")],
     "7 passed, 0 failed", 0),
    ("several tests", [("OK", "", ""), ("FAIL", "3 passed, 2 failed\n", ""), ("OK", "4 passed, 0 failed\n", "")],
     "8 passed, 2 failed", 1),
    ("a crash after all cases passed", [("FAIL", "5 passed, 0 failed\n", "")], "5 passed, 1 failed", 1),
    ("a test out of time", [("TIMEOUT", "", "")], "0 passed, 1 failed", 1),
    ("a skipped test", [("OK", "", ""), ("SKIP", "", "")], "1 passed, 1 failed", 1),
    ("no test at all", [], "0 passed, 0 failed", 1),
    ("no log, for the build failed", None, "0 passed, 1 failed", 1),
]


def outcome(entries):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "testlog.json")
        if entries is not None:
            with open(path, "w", encoding="utf-8") as file:
                for result, out, err in entries:
                    file.write(json.dumps({"name": "t", "result": result, "stdout": out, "stderr": err}) + "\n")
        return subprocess.run([sys.executable, SUMMARY, path], capture_output=True, text=True, check=False)


def main():
    failed = 0
    for name, entries, line, code in CASES:
        done = outcome(entries)
        good = done.returncode == code and done.stdout.splitlines()[-1] == line
        failed += not good
        print(f"{'ok' if good else 'WRONG'}: {name}" + ("" if good else f": {done}"))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
