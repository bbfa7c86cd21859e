#!/usr/bin/env python3
"""tools/layering finds each kind of broken rule, seeded one at a time into a small tree
that is otherwise in order, and says where."""
import os
import subprocess
import sys
import tempfile

LAYERING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/layering")

TABLE = """# House
| folder | what lives there | may include |
| --- | --- | --- |
| base/ | ground | nothing of ours |
| firmware/ | model | base |
| harden/ | passes | base firmware |
| check/ | proofs | base firmware/read, lift; never write |
| device/ | device | nothing of ours |
| cli/ | verbs | all host parts |
| tests/ examples/ | | |

| folder | another table |
| --- | --- |
| nowhere/ | x |
"""

TREE = {
    "ARCHITECTURE.md": TABLE,
    "base/arena.h": "#include <stddef.h>\n",
    "base/arena.c": '#include "base/arena.h"\n',
    "firmware/model.h": '#include "base/arena.h"\n',
    "firmware/read/read.h": '#include "firmware/model.h"\n',
    "firmware/lift/lift.h": "",
    "firmware/write/write.h": "",
    "harden/harden.h": '#include "firmware/write/write.h"\n',
    "check/check.c": '#include "firmware/read/read.h"\n#include "firmware/lift/lift.h"\n#include <stdio.h>\n',
    "device/boot.h": "",
    "cli/main.c": '#include "harden/harden.h"\n',
    "tests/any.c": '#include "device/boot.h"\n#include "foreign.h"\n',
}

# name, files changed, what the message must hold (None: no message, exit 0)
CASES = [
    ("a tree in order", {}, None),
    ("a folder that is not in the list", {"base/arena.c": '\n#include "harden/harden.h"\n'},
     "base/arena.c:2: base may not include harden/harden.h"),
    ("a subfolder that is not in the list", {"check/check.c": '#include "firmware/write/write.h"\n'},
     "check/check.c:1: check may not include firmware/write/write.h"),
    ("the folder above an allowed subfolder", {"check/check.c": '#include "firmware/model.h"\n'},
     "check/check.c:1: check may not include firmware/model.h"),
    ("angle brackets", {"base/arena.c": "# include <firmware/model.h>\n"},
     "base/arena.c:1: base may not include firmware/model.h"),
    ("by way of the file's own folder", {"base/arena.c": '#include "../firmware/model.h"\n'},
     "base/arena.c:1: base may not include firmware/model.h"),
    ("the device from a host part", {"cli/main.c": '#include "device/boot.h"\n'},
     "cli/main.c:1: cli may not include device/boot.h"),
    ("an include that leads nowhere", {"base/arena.c": '#include "base/arean.h"\n'},
     'base/arena.c:1: "base/arean.h" is not in the project'),
    ("a folder without a row", {"extra/new.c": ""}, "extra/new.c: its folder has no row"),
    ("a word that is no folder", {"ARCHITECTURE.md": TABLE.replace("base firmware |", "base framware |")},
     '"framware" in "base framware" is no folder'),
    ("no table", {"ARCHITECTURE.md": "# House\n"}, "has no table"),
]


def outcome(changes):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**TREE, **changes}.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run([LAYERING, root], capture_output=True, text=True, check=False)


def main():
    failed = 0
    for name, changes, message in CASES:
        done = outcome(changes)
        lines = done.stderr.splitlines()
        if message is None:
            good = done.returncode == 0 and not lines
        else:
            good = done.returncode == 1 and len(lines) == 1 and message in lines[0]
        failed += not good
        print(f"{'ok' if good else 'WRONG'}: {name}" + ("" if good else f": {done}"))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
