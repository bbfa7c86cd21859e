"""Small firmware for the test board: built, hardened, run, compared."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
sys.path.insert(0, os.path.join(ROOT, "tests/corpus"))
from corpus import emulate  # noqa: E402

BOARD = os.path.join(ROOT, "tests/board")
MACHINE = ["-mcpu=cortex-m4", "-mthumb", "-ffunction-sections"]
LINK = ["-nostartfiles", "-Wl,--gc-sections", "-Wl,--emit-relocs", "-Wl,-u,pm_random",
        "-T", os.path.join(BOARD, "board.ld")]
PROFILES = ("null", "exploit")


def run(elf, machine=None):
    """What the image does on the test board, or on another machine of QEMU's."""
    return emulate(elf, options=["-M", machine] if machine else ())


class Board:
    """A directory of builds, by one proofmark; `failures` are printed as they come. `processor`:
    the compiler's flags for another one than Cortex-M4, `machine` QEMU's that has it."""

    def __init__(self, proofmark, processor=(), machine=None):
        self.processor, self.machine = list(processor), machine
        self.proofmark = os.path.abspath(proofmark)
        self.directory = tempfile.TemporaryDirectory()
        self.passed = 0
        self.failures = []

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def _objects(self, sources, flags, tag):
        objects = []
        for source in sources:
            target = self.path(f"{tag}-{os.path.basename(source)}.o")
            if not os.path.exists(target):
                subprocess.run(["arm-none-eabi-gcc", *MACHINE, *self.processor, *flags, "-c", source,
                                "-o", target], check=True)
            objects.append(target)
        return objects

    def build(self, name, text, flags=("-O2",), link=(), suffix="c", shared=("startup.c", "syscalls.c", "key_fixed.c")):
        """Compile `text`, link it with the board's start-up; returns the ELF's path."""
        source = self.write(f"{name}.{suffix}", text)
        objects = self._objects([os.path.join(BOARD, part) for part in shared], ["-Os"], "board")
        objects += self._objects([source], list(flags), name)
        elf = self.path(f"{name}.elf")
        subprocess.run(["arm-none-eabi-gcc", *MACHINE, *self.processor, *flags, *LINK, *objects, *link,
                        "-o", elf], check=True)
        return elf

    def tool(self, *arguments):
        return subprocess.run([self.proofmark, *arguments], capture_output=True, text=True, check=False)

    def harden(self, elf, profile="exploit", options=(), name=None):
        """(finished process, output's path, report or None)."""
        out = name or f"{elf}.{profile}"
        report = f"{out}.json"
        done = self.tool("harden", "--profile", profile, "--force", "--report", report, "-o", out,
                         *options, elf)
        found = None
        if done.returncode == 0:
            with open(report, encoding="utf-8") as file:
                found = json.load(file)
        return done, out, found

    def expect(self, condition, told):
        if condition:
            self.passed += 1
        else:
            self.failures.append(told)
            print(f"FAILED: {told}", flush=True)
        return condition

    def same(self, elf, expected, profiles=PROFILES, options=(), seeds=("00", "7e57"), check=True,
             check_options=()):
        """The image prints `expected` and exits with 0, plainly and hardened with each
        profile and seed; `proofmark check --original` (with check_options where it is protected)
        finds nothing. Returns the report
        of the last."""
        name = os.path.basename(elf)
        plain = run(elf, self.machine)
        ok = plain.code == 0 and expected in plain.output.decode("latin-1")
        report = None
        if not self.expect(ok, f"{name} as it is: {plain.told()}"):
            return report
        for profile in profiles:
            for seed in seeds:
                with_seed = [*(options if profile == "exploit" else ()), "--seed", seed]
                done, out, report = self.harden(elf, profile, with_seed)
                self.adds_up(report, f"{name} {profile}")
                if not self.expect(done.returncode == 0, f"{name} {profile} {seed}: {done.stderr.strip()}"):
                    continue
                after = run(out, self.machine)
                self.expect(after.same(plain), f"{name} {profile} {seed}: {after.told()}")
                if check:
                    found = self.tool("check", *(check_options if profile == "exploit" else ()), "--original", elf, out)
                    self.expect(found.returncode == 0, f"{name} {profile} {seed}: check: {found.stdout[-600:]}{found.stderr}")
        return report

    def adds_up(self, report, what):
        """A unit's bytes are its functions', and what is not protected has a reason."""
        lead, bytes_after = None, {}
        for row in report["functions"] if report else ():
            lead = row if "moves_with" not in row else lead
            bytes_after[lead["address"]] = bytes_after.get(lead["address"], 0) + row["bytes_after"]
            for kind, count in row.get("protections", {}).items():
                told = count["protected"] == count["sites"] or count.get("exempt") or count.get("reason")
                self.expect(told, f"{what}: {row['name']}: {kind} {count}")
        for row in report["functions"] if report else ():
            if "moves_with" not in row:
                self.expect(bytes_after[row["address"]] == row["unit_bytes_after"], f"{what}: {row}")

    def function(self, report, name):
        """The report's row of a function."""
        for row in report["functions"]:
            if row["name"] == name:
                return row
        self.expect(False, f"{name} is not in the report")
        return {}

    def refused(self, elf, words, options=(), code=1):
        """`harden` refuses with one sentence that holds each of `words`, and writes nothing."""
        out = self.path("refused.out")
        if os.path.exists(out):
            os.unlink(out)
        done = self.tool("harden", "-o", out, *options, elf)
        told = done.stderr.strip()
        right = (done.returncode == code and told.count("\n") == 0 and told.startswith("proofmark harden: ") and
                 all(word in told for word in words) and not os.path.exists(out))
        self.expect(right, f"{os.path.basename(elf)} {' '.join(options)}: exit {done.returncode}, {told!r}, "
                           f"wanted {words}")
        return told

    def finish(self):
        self.directory.cleanup()
        print(f"{self.passed} passed, {len(self.failures)} failed")
        return 1 if self.failures or not self.passed else 0
