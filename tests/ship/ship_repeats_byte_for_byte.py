"""Same inputs, key and time of issue: the same folder, byte for byte. (The tests' duration
is no input, so the product here has no tests and no claim of them.)"""
import json
import sys

from shop import Shop, expect

with Shop(*sys.argv[1:3]) as shop:
    begin = shop.description.index("test:\n")
    end = shop.description.index("support:\n")
    shop.change(shop.description[begin:end], "")
    epoch = {"SOURCE_DATE_EPOCH": "1795305600"}
    shop.ship("--out", "one", environment=epoch)
    shop.ship("--out", "two", environment=epoch)
    one, two = shop.tree("one/thermostat/1.0.0"), shop.tree("two/thermostat/1.0.0")
    expect(sorted(one) == sorted(two), "the folders have other files")
    for name, content in one.items():
        expect(two[name] == content, f"{name} differs")
    record = json.loads(one["record.json"])
    expect(record["issued_at_s"] == 1795305600, "the time of issue is not the one given")
    expect("test" not in [claim["id"] for claim in record["claims"]], "a claim without tests")
    expect("test.log" not in one and "statements/test.json" not in one, "a log without tests")
    shop.verify("--at", "2026-11-23", folder="one/thermostat/1.0.0")
