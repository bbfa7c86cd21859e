"""A disk that is full: one sentence, exit code 1, and what was there is there.

The disk is a tmpfs in a mount namespace of the test's own, with room for less of a release
than it needs. Where no such disk can be mounted (no root, no user
namespaces), it is said; standard output that takes nothing (/dev/full) is tried everywhere."""
import itertools
import os
import random
import subprocess
import sys

from shop import Shop, expect, one_sentence

PAGE = 4096
STEPS = 14
SECONDS = itertools.count(1795305600)  # two releases of one second would share their statements' files


def namespace():
    """How a program is started that may mount, or None."""
    for form in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        tried = subprocess.run([*form, "sh", "-c", "mount -t tmpfs -o size=8k none /mnt"],
                               capture_output=True, check=False)
        if tried.returncode == 0:
            return form
    return None


def mount(shop, *options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", shop.path("out")],
                   check=True)


def room(shop, options):
    subprocess.run(["mount", "-o", "remount," + options, shop.path("out")], check=True)


def used(shop):
    at = os.statvfs(shop.path("out"))
    return at.f_blocks - at.f_bfree, at.f_files - at.f_ffree


def refused(shop, first, room_for):
    result = shop.ship("--force", expect=None, environment={"SOURCE_DATE_EPOCH": str(next(SECONDS))})
    if result.returncode == 0:
        return False
    expect(result.returncode == 1, f"room for {room_for}: exit code {result.returncode}")
    one_sentence(result, "No space left on device")
    expect(shop.tree() == first, f"room for {room_for}: the release that was there changed")
    expect(shop.left_beside() == [], f"room for {room_for}: left {shop.left_beside()}")
    return True


def shrink(shop, first, seed):
    """The most room that a second release does not fit in, by bisection; then as little and less."""
    draw, blocks_used, files_used = random.Random(seed), *used(shop)
    spans = (("size", lambda n: (used(shop)[0] + n) * PAGE, blocks_used + 8, "blocks"),
             ("nr_inodes", lambda n: used(shop)[1] + n, files_used + 8, "files"))
    for option, value, enough, name in spans:
        def full(step):
            """With room for STEP more; a release that fits is the one that is there from now on."""
            nonlocal first
            room(shop, f"{option}={value(step)}")
            said = refused(shop, first, f"{step} {name}")
            room(shop, "size=16m,nr_inodes=1000")
            if not said:
                shop.verify()
                first = shop.tree()
            return said

        expect(full(0), f"a disk with no room for {name} took a release")
        expect(not full(enough), f"a disk with room for {enough} {name} was full")
        too_small, fits = 0, enough
        while fits - too_small > 1:
            middle = (too_small + fits) // 2
            if full(middle):
                too_small = middle
            else:
                fits = middle
        # A release that fits makes the log longer and so never makes the next one smaller.
        steps = sorted(draw.sample(range(1, too_small), min(STEPS, too_small - 1)))
        for step in steps:
            expect(full(step), f"{too_small} more {name} were too few, {step} were not")
        expect(len(steps) >= STEPS // 2, f"a release needs only {fits} {name}")
        print(f"a release needs {fits} more {name}; {len(steps)} disks with less were full")
    shop.ship("--force")
    shop.verify()


def inside(proofmark, root, seed):
    """In the namespace."""
    shop = Shop(proofmark, ".")
    shop.root = root
    os.mkdir(shop.path("out"))
    for step in (1, 2, 4, 16):  # no release yet
        mount(shop, f"size={step * PAGE}")
        one_sentence(shop.ship(expect=1), "No space left on device")
        expect(not os.path.exists(shop.path(shop.folder)) and shop.left_beside() == [], "something is left")
        subprocess.run(["umount", shop.path("out")], check=True)
    mount(shop, "size=16m", "nr_inodes=1000")
    shop.ship()
    shrink(shop, shop.tree(), seed)


def told(shop):
    """Output that goes nowhere: no verb says it is done."""
    elf = "build/thermostat.elf"
    for arguments in (["--version"], ["--help"], ["check", "--help"], ["check", elf], ["check", elf, "--json"],
                      ["ship", "--force", "product.yaml"], ["ship", "--force", "--json", "product.yaml"],
                      ["verify", shop.folder, "--key", "maker.pub"],
                      ["verify", shop.folder, "--key", "maker.pub", "--json"],
                      ["keygen", "-o", "other.key", "--no-passphrase", "--force"],
                      ["harden", "-o", "hardened.elf", "--report", "-", elf]):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([shop.proofmark, *arguments], cwd=shop.root, stdin=subprocess.DEVNULL,
                                    stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        expect(result.returncode == 1, f"{arguments} on /dev/full gave {result.returncode}")
        expect("standard output could not be written to its end" in result.stderr,
               f"{arguments}: {result.stderr!r}")
    shop.verify()


def main():
    if sys.argv[1] == "--inside":
        return inside(sys.argv[2], sys.argv[3], sys.argv[4])
    with Shop(*sys.argv[1:3]) as shop:
        seed, form = os.environ.get("PROOFMARK_SEED", "1"), namespace()
        print(f"seed {seed}; " + ("a tmpfs that is full" if form else "no tmpfs can be mounted here"), flush=True)
        if form:
            subprocess.run([*form, sys.executable, os.path.abspath(__file__), "--inside",
                            shop.proofmark, shop.root, seed], check=True)
        shop.ship("--force")
        told(shop)


if __name__ == "__main__":
    main()
