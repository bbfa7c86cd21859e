#!/usr/bin/env python3
"""The emulator of an updating unit is killed at seeded moments, every third time once more while it
recovers. It always comes back and ends at the new version, confirmed.

  killed_at_any_moment_it_comes_back.py PROOFMARK MAKE_RELEASE KILLS"""
import collections
import concurrent.futures
import os
import random
import sys
import tempfile
import time

from product import Product, expect

UPDATED = "version 1.1.0 is well and stays"
STEPS = (("confirmed", UPDATED), ("on trial", "version 1.1.0 in slot B"), ("ready", "whole and verified"),
         ("fetching", "is accepted"), ("offered", "is offered"), ("polling", "version 1.0.0 in slot A"))
WORKERS = 2


def reached(unit):
    """How far this run of the unit was."""
    return next((step for step, told in STEPS if told in unit.said), "in the boot stage")


def kill_at(unit, moment_s):
    unit.switch_on()
    time.sleep(moment_s)
    alive = unit.process.poll() is None
    unit.cut()
    expect(alive, f"the kill after {moment_s:.3f} s found the unit running: {unit.said[-500:]}")
    return reached(unit)


def comes_back(unit):
    unit.switch_on()
    at = unit.wait_for("version 1.1.0 in slot B", seconds=120)
    confirmed = "last trial  the new version was well and stayed"
    for _ in range(60):
        unit.enter("update")
        at = unit.wait_for("last error", start=at)
        if confirmed in unit.said:
            break
        time.sleep(0.2)
    unit.cut()
    expect(confirmed in unit.said, f"1.1.0 is confirmed in the end: {unit.said[-800:]}")


def one(product, folder, moments):
    unit = product.unit(folder)
    steps = [kill_at(unit, moment_s) for moment_s in moments]
    comes_back(unit)
    return steps


def full_update_s(product, folder):
    unit = product.unit(folder)
    unit.switch_on()
    unit.wait_for(UPDATED)
    took_s = time.monotonic() - unit.began
    unit.cut()
    return took_s


kills = int(sys.argv[3])
seed = int(os.environ.get("PROOFMARK_SEED", "7468"))
chosen = random.Random(seed)
with tempfile.TemporaryDirectory() as directory:
    product = Product(os.path.join(directory, "product"), *sys.argv[1:3])
    product.offer(2)
    whole_s = full_update_s(product, os.path.join(directory, "whole"))
    plans = []
    while (done := sum(map(len, plans))) < kills:
        twice = len(plans) % 3 == 2 and done + 2 <= kills
        plans.append([chosen.uniform(0, 1.3 * whole_s) for _ in range(2 if twice else 1)])
    counts = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        folders = [os.path.join(directory, str(i)) for i in range(len(plans))]
        for steps in pool.map(one, [product] * len(plans), folders, plans):
            counts.update(steps)
    product.close()
expect(sum(counts.values()) == kills, "every planned kill fired")
told = ", ".join(f"{count} {step}" for step, count in counts.most_common())
print(f"seed {seed}: {len(plans)} updates of {whole_s:.1f} s, killed {kills} times ({told}): each came back at 1.1.0")
