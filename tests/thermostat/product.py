"""The thermostat that updates itself: three versions built, hardened and released for both slots."""
import os
import shutil
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
EXAMPLE = os.path.join(ROOT, "examples", "thermostat")
sys.path.insert(0, EXAMPLE)
from unit import Server, Unit, expect  # noqa: E402

WINDOW = ("--flash-window", "flash_open", "--flash-window", "flash_close")
SLOTS = {"a": "0x10000:0x80000", "b": "0x90000:0x80000"}
VERSIONS = {1: "1.0.0", 2: "1.1.0", 3: "1.2.0"}


def quietly(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    expect(done.returncode == 0, f"{' '.join(command)}: {done.stdout}")
    return done.stdout


class Product:
    """Folder with the boot stage, the releases, and the server's tree."""

    def __init__(self, folder, proofmark, make_release):
        self.folder, self.proofmark = folder, proofmark
        self.tree = os.path.join(folder, "tree")
        os.makedirs(self.tree)
        self.server = Server(self.tree)
        quietly("make", "-s", "-C", os.path.join(ROOT, "device", "boot"), f"OUT={folder}/stage")
        self.stage = os.path.join(folder, "stage", "stage.elf")
        images = []
        for number in VERSIONS:
            elf = self.harden(self.build(number))
            images += [self.lay_out(elf, slot) for slot in SLOTS]
        self.sizes = quietly(make_release, folder, *images)

    def build(self, number):
        out, build = (os.path.join(self.folder, name) for name in (f"v{number}", "build"))
        os.makedirs(out)
        for changed in ("updater.o", "sensor.o"):  # what the switches below change
            if os.path.exists(os.path.join(build, changed)):
                os.unlink(os.path.join(build, changed))
        sick = ["SICK=1"] if number == 3 else []
        quietly("make", "-s", "-C", EXAMPLE, f"O={build}", "UPDATE=1", f"VERSION={VERSIONS[number]}",
                f"SERVER_PORT={self.server.port}", *sick)
        return shutil.copy(os.path.join(build, "thermostat.elf"), out)

    def harden(self, elf):
        out = elf.replace(".elf", "-hardened.elf")
        quietly(self.proofmark, "harden", "--seed", "7468", "--key-function", "random_seed",
                "--stack-limit", "__StackLimit", *WINDOW, "-o", out, elf)
        quietly(self.proofmark, "check", *WINDOW, "--original", elf, out)
        return out

    def lay_out(self, elf, slot):
        out = elf.replace(".elf", f"-{slot}")
        quietly(self.proofmark, "release", "layout", "--slot", SLOTS[slot], "-o", f"{out}.elf",
                "--image", f"{out}.bin", elf)
        return f"{out}.bin"

    def offer(self, number):
        """Atomically, as a server's tree is changed."""
        new = os.path.join(self.tree, "channel.new")
        shutil.copy(os.path.join(self.folder, f"channel-{number}.cose"), new)
        os.rename(new, os.path.join(self.tree, "channel.cose"))

    def unit(self, folder):
        return Unit(self.stage, os.path.join(self.folder, "root.bin"), os.path.join(self.folder, "factory.bin"), folder)

    def close(self):
        self.server.close()
