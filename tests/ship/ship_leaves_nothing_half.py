"""Whatever ends `ship` on its way, nothing half stands in the output, a release that was
there is untouched, and the tests' processes are gone."""
import os
import resource
import signal
import subprocess
import sys
import time

from shop import Shop, expect, one_sentence


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def begin(shop, **options):
    """ship, once its tests run; they say so through a file, with the number of a process."""
    mark = shop.path("running")
    process = subprocess.Popen([shop.proofmark, "ship", "--force", "product.yaml"], cwd=shop.root,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    deadline = time.monotonic() + 120
    while not (os.path.exists(mark) and os.path.getsize(mark)):
        expect(process.poll() is None, f"ship ended before: {process.stderr}")
        expect(time.monotonic() < deadline, "the tests did not begin")
        time.sleep(0.02)
    with open(mark, encoding="utf-8") as file:
        child = int(file.read())
    os.unlink(mark)
    return process, child


def interrupted(shop, number):
    """Ends ship by a signal while the tests run."""
    process, child = begin(shop)
    process.send_signal(number)
    told = process.communicate(timeout=60)[1].decode()
    expect(told == f"proofmark: {number.name}: stopped before it was done; no half-written output is left\n",
           f"signal {number}: said {told!r}")
    expect(process.returncode == -number, f"signal {number}: ended with {process.returncode}")
    deadline = time.monotonic() + 20
    while alive(child):
        expect(time.monotonic() < deadline, f"signal {number}: the test's process still runs")
        time.sleep(0.02)


def ignored(shop, number):
    """What was ignored when ship began ends nothing: nohup, a shell's background."""
    process, child = begin(shop, preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    process.send_signal(number)
    time.sleep(0.2)
    expect(process.poll() is None, f"signal {number} is ignored, and ship ended by it")
    expect(alive(child), f"signal {number} is ignored, and the tests ended by it")
    process.terminate()
    process.communicate(timeout=60)


ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU)

with Shop(*sys.argv[1:3]) as shop:
    good = '[/bin/sh, -c, "test -s \\"$0\\" && echo good", "{firmware}"]'
    slow = '[/bin/sh, -c, "sleep 600 & echo $! > running; wait"]'
    shop.change(good, slow)
    for number in (signal.SIGINT, signal.SIGHUP):
        ignored(shop, number)
    for number in ENDS:
        interrupted(shop, number)
        expect(not os.path.exists(shop.path("out")), f"signal {number} left {shop.left_beside()}")
        expect(not os.path.exists(shop.path(shop.folder)), "a folder stands after a signal")

    shop.change(slow, good)
    shop.ship()
    first = shop.tree()
    shop.change(good, slow)
    interrupted(shop, signal.SIGTERM)
    expect(shop.tree() == first, "the release that was there changed")
    expect(shop.left_beside() == [], f"left behind: {shop.left_beside()}")

    # Files that cannot grow beyond 100 kB: the label's PNG is larger, everything before it
    # is smaller. (a_full_disk_loses_nothing.py has disks that are full.)
    shop.change(slow, good)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    result = shop.ship("--force", expect=1, preexec_fn=limit)
    one_sentence(result, "label.png", "cannot be written")
    expect(shop.tree() == first, "a full disk changed the release that was there")
    expect(shop.left_beside() == [], f"a full disk left {shop.left_beside()}")

    shop.change(good, '[/bin/sh, -c, "echo it went wrong; exit 3"]')
    # Whoever ignores SIGCHLD is not told how a child ended: that would be read as success.
    for ignores in ((), (signal.SIGCHLD,)):
        result = shop.ship("--force", expect=1,
                           preexec_fn=lambda: [signal.signal(n, signal.SIG_IGN) for n in ignores])
        one_sentence(result, "exit code 3", "1.0.0.test.log")
        with open(shop.path("out/thermostat/1.0.0.test.log"), encoding="utf-8") as file:
            expect(file.read() == "it went wrong\n", "the failed tests' output is not kept")
        os.unlink(shop.path("out/thermostat/1.0.0.test.log"))
    expect(shop.tree() == first, "failed tests changed the release that was there")
    expect(shop.left_beside() == [], f"left behind: {shop.left_beside()}")
