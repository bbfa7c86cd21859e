#!/usr/bin/env python3
"""What `proofmark release` writes is what the device's own boot and update client take: a unit
goes from the factory's image by patches and full images through a key that is added, one that is
revoked and root keys that are replaced; and refuses the tree of another maker.

    units_update_from_the_tree.py PROOFMARK UPDATE_UNIT
"""
import os
import shutil
import subprocess
import sys

from maker import Maker

def snapshot(maker, name, versions):
    """The tree as served at this time: channel, root documents, these versions."""
    source, target = maker.path("release"), maker.path(name)
    os.makedirs(target)
    shutil.copy(os.path.join(source, "channel.cose"), target)
    for folder in ("root", *versions):
        shutil.copytree(os.path.join(source, folder), os.path.join(target, folder))
    return target


def live(maker, tool, *trees):
    ran = subprocess.run([tool, maker.path("factory.bin"), *trees], capture_output=True, text=True, timeout=300)
    maker.expect(ran.returncode == 0, f"{trees}: {ran.stdout} {ran.stderr}")
    return ran.stdout.splitlines()


def came(line):
    return int(line.split()[1])


def main():
    maker, tool = Maker(sys.argv[1]), os.path.abspath(sys.argv[2])
    maker.keys()
    maker.done("keygen", "root", "-o", "new", "--no-passphrase")
    maker.build_version("1.0.0", "--factory", "factory.bin")
    maker.done("channel", "--key", "keys/one.key", "1.0.0")
    trees = [snapshot(maker, "tree1", ["1.0.0"])]

    maker.build_version("1.1.0")
    maker.done("delta", "--from", "1.0.0", "--key", "keys/one.key", "1.1.0")
    maker.done("channel", "--key", "keys/one.key", "1.1.0")
    trees.append(snapshot(maker, "tree2", ["1.1.0"]))

    roots = ["--root-key", "keys/root-1.key", "--root-key", "keys/root-3.key"]
    maker.done("rotate", "--release", "keys/two.pub", *roots)
    maker.done("revoke", *roots, "keys/one.pub")
    maker.build_version("1.2.0", key="keys/two.key")
    maker.done("channel", "--key", "keys/two.key", "--only", "1.2.0")
    trees.append(snapshot(maker, "tree3", ["1.2.0"]))

    new = [word for number in (1, 2, 3) for word in ("--new-root", f"new/root-{number}.pub")]
    maker.done("rotate", *new, *roots, "--root-key", "new/root-1.key", "--root-key", "new/root-2.key")
    maker.build_version("1.3.0", key="keys/two.key")
    maker.done("delta", "--from", "1.2.0", "--key", "keys/two.key", "1.3.0")
    maker.done("channel", "--key", "keys/two.key", "--only", "1.3.0")
    trees.append(snapshot(maker, "tree4", ["1.3.0"]))

    lines = live(maker, tool, *trees)
    print("\n".join(lines))
    payload = len(maker.bytes_of("release/1.0.0/slot-a.bin"))
    ready = [came(line.replace("ready, ", "ready ")) for line in lines if line.startswith("ready")]
    maker.expect(len(ready) == 3, f"{lines}")
    maker.expect(ready and ready[0] < payload / 2, f"the patch was not taken: {ready} of {payload}")
    boots = [line for line in lines if line.startswith("boots")]
    maker.expect(boots == ["boots slot A, 1.0.0, sequence 1", "boots slot B, 1.1.0, sequence 2",
                           "boots slot A, 1.2.0, sequence 3", "boots slot B, 1.3.0, sequence 4"], f"{boots}")
    floors = [line for line in lines if line.startswith("floor")]
    maker.expect(floors == ["floor 1, root 1", "floor 2, root 1", "floor 3, root 3", "floor 4, root 4"], f"{floors}")
    maker.expect(not any(line.startswith("refused") for line in lines), f"{lines}")

    back = live(maker, tool, *trees[:3], trees[1])
    maker.expect(back[-1] == "floor 3, root 3" and any(line.startswith("refused") for line in back), f"an old tree: {back}")
    other = Maker(sys.argv[1])
    other.keys()
    other.build_version("2.0.0")
    other.done("channel", "--key", "keys/one.key", "2.0.0")
    shutil.copytree(other.path("release"), maker.path("others"))
    strange = live(maker, tool, trees[0], maker.path("others"))
    maker.expect(strange[-1] == "floor 1, root 1" and any(line.startswith("refused") for line in strange), f"another maker's: {strange}")
    other.finish()
    return maker.finish()


if __name__ == "__main__":
    sys.exit(main())
