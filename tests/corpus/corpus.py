"""Images of the corpus: hardened, run, compared. The real programs are built here too;
gcc's torture programs by torture.py.

A *case* is one image and one profile. Its verdict is
    same       the hardened image gave the same output and exit code
    different  it did not
    refused    `proofmark harden` did not accept the image
    error      `proofmark harden` died, or gave other bytes the second time
Only "same" counts as passed.
"""
import concurrent.futures
import dataclasses
import fcntl
import hashlib
import json
import os
import struct
import subprocess
import tempfile
import time

from build import LEVELS, OUT, PLUGIN, programs

QEMU = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none",
        "-serial", "none", "-semihosting-config", "enable=on,target=native"]
PROFILES = ("null", "exploit")
KEY_FUNCTION = "pm_random"
KEY_FROM_HOST = ("machine",)  # the others link a constant in its place, so that runs repeat: a fixed key
# SysTick runs free in it, so its instruction count is no figure to compare.
NOT_COUNTED = ("machine",)
# Its unwinder reads frames, which stay as they are: its figures stand apart from the others'.
UNWINDING = ("exceptions",)
WORKERS = int(os.environ.get("PROOFMARK_JOBS", "2"))


@dataclasses.dataclass
class Run:
    """What an image did under the emulator."""
    output: bytes
    code: object  # exit code, or "timeout"
    instructions: object = None
    seconds: float = 0

    def same(self, other):
        return self.output == other.output and self.code == other.code

    def told(self):
        tail = self.output[-120:].decode("latin-1").strip().replace("\n", " | ")
        return f"exit {self.code}, output ends: {tail!r}"


@dataclasses.dataclass
class Case:
    image: str
    profile: str
    verdict: str = "error"
    detail: str = ""
    totals: dict = dataclasses.field(default_factory=dict)
    flash: tuple = (0, 0)
    instructions: tuple = (None, None)
    output: str = ""


def emulate(elf, plugin=None, timeout=60, options=()):
    """Run an image; with a plugin, count its executed instructions."""
    command = QEMU + list(options)
    start = time.monotonic()
    with tempfile.NamedTemporaryFile(prefix="count") as count:
        if plugin:
            command += ["-plugin", f"{os.path.abspath(plugin)},out={count.name}"]
        try:
            done = subprocess.run(command + ["-kernel", elf], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=timeout, check=False)
        except subprocess.TimeoutExpired as late:
            return Run(late.output or b"", "timeout")
        text = count.read().decode() if plugin else ""
    return Run(done.stdout, done.returncode, int(text) if text else None, time.monotonic() - start)


def flash_bytes(elf):
    """Sum of the file sizes of all loaded segments, read from the ELF itself."""
    with open(elf, "rb") as file:
        data = file.read()
    offset, = struct.unpack_from("<I", data, 28)
    size, count = struct.unpack_from("<HH", data, 42)
    total = 0
    for index in range(count):
        kind, _, _, _, bytes_in_file = struct.unpack_from("<5I", data, offset + index * size)
        total += bytes_in_file if kind == 1 else 0
    return total


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def harden(proofmark, elf, profile, seed, out, timeout=300):
    """(exit code, message, report) of `proofmark harden`."""
    report = out + ".json"
    for old in (out, report):
        if os.path.exists(old):
            os.remove(old)
    command = [proofmark, "harden", "--profile", profile, "--seed", seed, "--report", report,
               "-o", out, elf]
    if os.path.basename(elf).startswith(KEY_FROM_HOST):
        command[2:2] = ["--key-function", KEY_FUNCTION]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return "timeout", "harden did not end", {}
    message = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    if done.returncode != 0:
        return done.returncode, message, {}
    if not os.path.exists(out) or not os.path.exists(report):
        return "0, but no output or no report", message, {}
    with open(report, encoding="utf-8") as file:
        return 0, message, json.load(file)


def judge(proofmark, elf, profile, seed, original, plugin=None, twice=False, check=False):
    """Harden one image and compare what it does with what the original did."""
    case = Case(elf, profile)
    case.output = out = f"{elf[:-len('.elf')]}.{profile}-{seed}.out.elf"
    code, message, report = harden(proofmark, elf, profile, seed, out)
    if code != 0:
        case.verdict = "refused" if code == 1 else "error"
        case.detail = f"harden: exit {code}: {message[-400:]}"
        return case
    case.totals = report["totals"]
    case.flash = (flash_bytes(elf), flash_bytes(out))
    if twice:
        first = digest(out)
        harden(proofmark, elf, profile, seed, out + ".again")
        if not os.path.exists(out + ".again") or digest(out + ".again") != first:
            case.detail = "the second run of harden gave other bytes"
            return case
        os.remove(out + ".again")
        os.remove(out + ".again.json")
    hardened = emulate(out, plugin, timeout=10 + 20 * original.seconds)
    case.instructions = (original.instructions, hardened.instructions)
    case.verdict = "same" if hardened.same(original) else "different"
    if case.verdict == "different":
        case.detail = f"original {original.told()}; hardened {hardened.told()}"
    elif check:
        case.verdict, case.detail = check_verdict(proofmark, elf, out)
    return case


def check_verdict(proofmark, elf, out):
    """`proofmark check` must prove the original in the output."""
    done = subprocess.run([proofmark, "check", "--original", elf, out], capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        return "same", ""
    text = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    return "different", f"check: exit {done.returncode}: {text[-400:]}"


def drop_output(case):
    """Remove the files of a case that went well; keep the others to look at."""
    if case.verdict == "same":
        for path in (case.output, case.output + ".json"):
            if os.path.exists(path):
                os.remove(path)


# --- the real programs


def build_programs(targets=()):
    """Build these, or everything; one at a time, since tests run side by side."""
    os.makedirs(OUT, exist_ok=True)
    with open(f"{OUT}/lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(f"{OUT}/build.ninja"):
            subprocess.run(["python3", "tests/corpus/build.py"], check=True)
        done = subprocess.run(["ninja", "-j", str(WORKERS), "-f", f"{OUT}/build.ninja", *targets],
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"the corpus does not build:\n{done.stdout}")


def program_images(protector=False):
    suffix = "-ssp" if protector else ""
    return [f"{OUT}/programs/{name}-{level}{suffix}.elf"
            for name in programs() for level in LEVELS
            if not (protector and name in NOT_COUNTED + UNWINDING)]


def unwinds(elf):
    return os.path.basename(elf).startswith(UNWINDING)


def counted(elf):
    return not os.path.basename(elf).startswith(NOT_COUNTED)


def each(function, items):
    """Run over the items with WORKERS threads; results in the order of the items."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda item: function(*item), items))
