#!/usr/bin/env python3
"""clang-tidy, with the checks in .clang-tidy, finds nothing in the project's own sources.

Usage: clang_tidy_finds_nothing.py BUILD-DIRECTORY (one with compile_commands.json)."""
import concurrent.futures
import json
import os
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def sources(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    paths = {os.path.normpath(os.path.join(entry["directory"], entry["file"])) for entry in entries}
    return sorted(path for path in paths if not path.startswith(os.path.join(ROOT, "tests")))


def tidy(build, path):
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build, path], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def main():
    build = sys.argv[1]
    files = sources(build)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda path: tidy(build, path), files))
    for path, (code, text) in zip(files, results):
        if code != 0:
            print(f"{os.path.relpath(path, ROOT)}:\n{text}")
    failed = sum(code != 0 for code, _ in results)
    print(f"{len(files) - failed} passed, {failed} failed")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
