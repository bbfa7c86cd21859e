"""Flash that may be written is what product.yaml declares, and ship and verify know it:
the example's settings page is in the signed statement, the folder holds with it, and
undeclared_writable_flash_is_refused.c asks the same code with other declarations."""
import base64
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ship"))
from shop import Shop, expect  # noqa: E402

START, SIZE = 0x3ff000, 0x1000

with Shop(*sys.argv[1:3]) as shop:
    shop.ship()
    shop.verify("--original", "build/thermostat.elf")
    statements = []
    for directory, _, names in os.walk(shop.path(shop.folder)):
        for name in names:
            if not name.endswith(".json"):
                continue
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                envelope = json.load(file)
            if "payload" in envelope:
                statements.append(json.loads(base64.b64decode(envelope["payload"])))
    hardening = [s["predicate"] for s in statements if "hardening" in s["predicateType"]]
    expect(len(hardening) == 1, f"{len(hardening)} statements on hardening")
    expect(hardening[0]["writable_flash"] == [{"name": "settings", "start": START, "size_bytes": SIZE}],
           f"declared: {hardening[0].get('writable_flash')}")
    regions = hardening[0]["figures"]["memory_map"]["writable_flash"]
    expect(regions == [{"start": START, "size_bytes": SIZE}], f"found: {regions}")
    image = [name for name in os.listdir(shop.path(shop.folder)) if name.endswith(".elf")]
    sys.exit(subprocess.run([os.path.abspath(sys.argv[3]), os.path.join(shop.folder, image[0]), "build/thermostat.elf",
                             hex(START), hex(SIZE)], cwd=shop.root, check=False).returncode)
