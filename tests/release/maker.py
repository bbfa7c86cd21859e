"""A maker with a tree: keys, a product.yaml, hardened images, and proofmark release."""
import os
import subprocess
import sys

from slots import SLOT_A, SLOT_B, SLOT_BYTES, Slots

PRODUCT = f"""product: {{name: Lamp, model: L1, version: 1.0.0}}
manufacturer: {{name: Lamp Works, url: "https://lamp.example/"}}
firmware: {{file: lamp.elf}}
support: {{ends: 2099-12}}
label: {{url: "https://lamp.example/l"}}
reports: {{contact: "https://lamp.example/report"}}
release:
  slot_a: {{start: {SLOT_A:#x}, size: {SLOT_BYTES:#x}}}
  slot_b: {{start: {SLOT_B:#x}, size: {SLOT_BYTES:#x}}}
  page: 4096
  vendor: lamp.example
  class: lamp-1
"""
PROGRAM = r"""
#include <stdio.h>
static int twice(int n) { return n * 2; }
static int thrice(int n) { return n * 3; }
static int (*volatile table[])(int) = {twice, thrice};
__attribute__((noinline)) static int sum(int n) { return n ? table[n & 1](n) + sum(n - 1) : 0; }
int main(void) { printf("lamp %s %d\n", VERSION, sum(20)); return 0; }
"""


class Maker(Slots):
    def __init__(self, proofmark):
        super().__init__(proofmark)
        self.write("product.yaml", PRODUCT)
        self.images = {}

    def release(self, *arguments, text="", fds=()):
        """In the maker's folder; text comes from descriptor 0."""
        return subprocess.run([self.proofmark, "release", *arguments], cwd=self.directory.name, input=text,
                              capture_output=True, text=True, check=False, pass_fds=fds, timeout=120)

    def done(self, *arguments, text=""):
        ran = self.release(*arguments, text=text)
        self.expect(ran.returncode == 0 and not ran.stderr, f"{arguments}: {ran.returncode} {ran.stderr}")
        return ran.stdout

    def refused(self, sentence, *arguments, text="", code=1):
        ran = self.release(*arguments, text=text)
        told = ran.returncode == code and sentence in ran.stderr and ran.stderr.count("\n") == 1 and not ran.stdout
        self.expect(told, f"{arguments} wants {sentence!r}: {ran.returncode} {ran.stdout} {ran.stderr}")

    def image(self, version):
        """A hardened program that prints its version."""
        if version not in self.images:
            elf = self.build(f"lamp{version}", PROGRAM, ["-Os", f'-DVERSION="{version}"'])
            done, out, _ = self.harden(elf, options=["--seed", "00"])
            assert done.returncode == 0, done.stderr
            self.images[version] = out
        return self.images[version]

    def keys(self):
        self.done("keygen", "root", "-o", "keys", "--no-passphrase")
        for name in ("one", "two"):
            self.done("keygen", "release", "-o", "keys", "--name", name, "--no-passphrase")

    def build_version(self, version, *options, key="keys/one.key"):
        return self.done("build", "--elf", self.image(version), "--version", version, "--key", key, "--roots", "keys",
                         *options, "product.yaml")

    def bytes_of(self, *parts):
        with open(self.path(os.path.join(*parts)), "rb") as file:
            return file.read()

    def files(self, folder="release"):
        return sorted(os.path.relpath(os.path.join(base, name), self.path(folder))
                      for base, _, names in os.walk(self.path(folder)) for name in names)


def openssl(*arguments, data=None):
    ran = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)
    if ran.returncode:
        sys.exit(f"openssl {arguments}: {ran.stderr}")
    return ran.stdout
