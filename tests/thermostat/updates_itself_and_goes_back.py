#!/usr/bin/env python3
"""The hardened thermostat behind the real boot stage, over the real network: version 1.0.0 fetches
the delta to 1.1.0, reboots into it and confirms; 1.2.0, whose sensor never answers, is fetched, is
not well on trial, and 1.1.0 runs again.

  updates_itself_and_goes_back.py PROOFMARK MAKE_RELEASE"""
import os
import sys
import tempfile
import time

from product import Product, expect

with tempfile.TemporaryDirectory() as directory:
    product = Product(os.path.join(directory, "product"), *sys.argv[1:3])
    print(product.sizes, end="")
    unit = product.unit(os.path.join(directory, "unit"))
    product.offer(2)
    unit.switch_on()
    at = unit.wait_for("version 1.0.0 in slot A")
    at = unit.wait_for("version 1.1.0 in slot B", start=at)
    at = unit.wait_for("update: version 1.1.0 is well and stays", start=at)
    expect(product.server.sent("/2/delta-b.pmp") > 0, "the delta was fetched")
    expect(product.server.sent("/2/slot-b.bin") == 0, "the whole image was not")
    product.offer(3)
    unit.enter("update now")
    at = unit.wait_for("version 1.2.0 in slot A", start=at)
    at = unit.wait_for("version 1.2.0 is not well: the sensor does not answer", start=at)
    at = unit.wait_for("version 1.1.0 in slot B", start=at)
    fetched = product.server.sent("/3/envelope.suit")
    unit.enter("update now")
    at = unit.wait_for("last trial  the new version was not well, and went", start=at)
    time.sleep(3)
    unit.enter("update")
    at = unit.wait_for("state       nothing newer is known", start=at)
    expect(product.server.sent("/3/envelope.suit") == fetched, "what failed is not fetched again")
    unit.cut()
    print(unit.said)
    product.close()
