"""The example product for the attack's tests: built, hardened, attacked, run."""
import json
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
EXAMPLE = os.path.join(ROOT, "examples", "thermostat")

QEMU = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none",
        "-serial", "stdio", "-semihosting-config", "enable=on,target=native", "-kernel"]


def build(directory, name, *switches):
    folder = os.path.join(directory, name)
    subprocess.run(["make", "-s", "-C", EXAMPLE, f"O={folder}", *switches], check=True,
                   stdout=subprocess.DEVNULL)
    return os.path.join(folder, "thermostat.elf")


def harden(proofmark, image, profile, seed):
    """The hardened image beside the original, as product.yaml asks for it."""
    out = image.replace(".elf", f"-{profile}-{seed}.elf")
    subprocess.run([proofmark, "harden", "--profile", profile, "--seed", seed,
                    "--key-function", "random_seed", "--writable", "0x3ff000:0x1000",
                    "-o", out, image], check=True,
                   stdout=subprocess.DEVNULL)
    return out


def attack(image, boots, overwrite="word", seed="1"):
    """The counts of examples/thermostat/attack."""
    done = subprocess.run([os.path.join(EXAMPLE, "attack"), "--json", "--boots", str(boots),
                           "--overwrite", overwrite, "--seed", seed, image],
                          check=True, stdout=subprocess.PIPE, text=True)
    counts = json.loads(done.stdout)
    print(f"{os.path.basename(image)}, {overwrite}: {done.stdout.strip()}")
    return counts


def console(image, script, **environment):
    """Runs the image in QEMU with the script on its console."""
    return subprocess.run(QEMU + [image], input=script.encode(), stdout=subprocess.PIPE,
                          env={**os.environ, **environment}, timeout=120, check=False)


def same_day(image):
    """True when the recorded day's console output is the same."""
    return subprocess.run([os.path.join(EXAMPLE, "selftest"), image], check=False).returncode == 0


def expect(holds, sentence):
    if not holds:
        sys.exit(f"failed: {sentence}")
