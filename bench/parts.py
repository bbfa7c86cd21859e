"""What each part of the bench found, kept in build-bench/parts until docs/results.md is written from all of
them. A part that takes hours need not run again because another one did: each says which commit it measured."""
import dataclasses
import json
import os
import subprocess
import time

FOLDER = "build-bench/parts"


@dataclasses.dataclass
class Part:
    name: str
    command: str
    commit: str
    seconds: int
    figures: dict = dataclasses.field(default_factory=dict)   # those that bounds name
    rows: list = dataclasses.field(default_factory=list)      # more of the printed table: what, measured, GCC's
    sections: list = dataclasses.field(default_factory=list)  # of docs/results.md


def commit():
    """The commit in the tree, and if anything that is measured differs from it."""
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"],
                             capture_output=True, text=True, check=True)
    return head.stdout.strip() + (" with changes" if changed.stdout.strip() else "")


def run(name, command, measure):
    """Runs measure(part) and keeps what it found."""
    part = Part(name, command, commit(), 0)
    start = time.monotonic()
    measure(part)
    part.seconds = round(time.monotonic() - start)
    os.makedirs(FOLDER, exist_ok=True)
    with open(f"{FOLDER}/{name}.json", "w", encoding="utf-8") as out:
        json.dump(dataclasses.asdict(part), out)


def kept(names):
    """The parts of these names that have been run, in their order."""
    found = []
    for name in names:
        path = f"{FOLDER}/{name}.json"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found.append(Part(**json.load(file)))
    return found
