"""A shop in a directory of its own: the example product, a maker's key, and proofmark.

    with Shop(proofmark, example) as shop:
        shop.ship()              # out/thermostat/1.0.0
        shop.verify()

`example` is the example's folder in the source tree. Its firmware is built once for each
run of a test. The description is the example's own with a command as its test that takes
no emulator, unless the test asks for another.
"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib


class Shop:
    def __init__(self, proofmark, example):
        self.proofmark = os.path.abspath(proofmark)
        self.example = os.path.abspath(example)
        self.root = None

    def __enter__(self):
        self.root = tempfile.mkdtemp(prefix="proofmark-shop-")
        try:
            self._fill()
        except BaseException:
            shutil.rmtree(self.root)
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def _fill(self):
        make = ["make", "-s", "-C", self.example, "O=" + self.path("build")]
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, env=environment)
        with open(os.path.join(self.example, "product.yaml"), encoding="utf-8") as file:
            self.description = file.read()
        self.change('[./selftest, "{firmware}"]', '[/bin/sh, -c, "test -s \\"$0\\" && echo good", "{firmware}"]')
        self.run("keygen", "-o", "maker.key", "--no-passphrase", expect=0)

    def change(self, old, new):
        assert old in self.description, old
        self.description = self.description.replace(old, new)
        with open(self.path("product.yaml"), "w", encoding="utf-8") as file:
            file.write(self.description)

    def join_scheme(self, name, grant):
        """The scheme gave the maker a grant and a mark: a square of one colour."""
        def chunk(kind, content):
            return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

        side = 16
        rows = zlib.compress(side * (b"\0" + side * bytes([200, 10, 10])))
        with open(self.path("mark.png"), "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
                       chunk(b"IDAT", rows) + chunk(b"IEND", b""))
        self.change("\nsupport:", f"\nschemes:\n  - name: {name}\n    grant: {grant}\n    artwork: mark.png\nsupport:")

    def run(self, *arguments, expect=None, environment=None, **options):
        result = subprocess.run([self.proofmark, *arguments], cwd=self.root, text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                                env={**os.environ, **(environment or {})}, **options)
        if expect is not None and result.returncode != expect:
            fail(f"{arguments} gave {result.returncode}, expected {expect}\n"
                 f"{result.stdout}{result.stderr}")
        return result

    folder = "out/thermostat/1.0.0"

    def ship(self, *arguments, expect=0, **options):
        return self.run("ship", *arguments, "product.yaml", expect=expect, **options)

    def verify(self, *arguments, folder=None, key="maker.pub", expect=0, **options):
        keys = ["--key", key] if key else []
        return self.run("verify", folder or self.folder, *keys, *arguments, expect=expect,
                        **options)

    def tree(self, folder=None):
        """Every file below a folder with its bytes."""
        top, found = self.path(folder or self.folder), {}
        for base, _, names in os.walk(top):
            for name in names:
                path = os.path.join(base, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, top)] = file.read()
        return found

    def left_beside(self):
        """What stands in the product's folder beside releases: nothing, when all is well."""
        top = self.path("out", "thermostat")
        return sorted(set(os.listdir(top)) - {"1.0.0"}) if os.path.isdir(top) else []


def fail(message):
    print(message)
    sys.exit(1)


def expect(condition, message):
    if not condition:
        fail(message)


def one_sentence(result, *words):
    """Standard error is one line that has the words."""
    text = result.stderr.strip()
    expect(text and "\n" not in text, f"expected one sentence, got: {text!r}")
    for word in words:
        expect(word in text, f"{word!r} is not in {text!r}")
