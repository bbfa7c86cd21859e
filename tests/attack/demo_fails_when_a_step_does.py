"""tools/demo ends with exit code 0 only when each step did what it says: with the program itself it
does, with one that lies in a single step it ends there and names the step.

In a copy of the tree, so that nothing is left in the one that is tested."""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PROOFMARK = os.path.abspath(sys.argv[1])

# What the program says instead of itself, and how the demo then ends.
LIES = {
    "protects nothing": ("""case " $* " in *" harden --profile exploit "*)
    shift 3; set -- harden --profile null "$@";; esac""",
                         "failed: taken over on none of 3 boots"),
    "changes what the product says": ("""case " $* " in *" harden --profile exploit "*"out/demo/thermostat-exploit.elf"*)
    sed "s/hold this temp/hold that temp/" examples/thermostat/build/thermostat.elf >out/demo/changed.elf
    exec "$PROOFMARK" harden --force -o out/demo/thermostat-exploit.elf out/demo/changed.elf;;
    esac""", "thermostat-exploit.elf answers as recorded (exit code"),
    "verifies whatever it is given": ("""[ "$1" = verify ] && exit 0""", "failed: a changed firmware was accepted"),
    "ships nothing": ("""[ "$1" = ship ] && exit 0""", "failed: ship did not say where the page is"),
}


def copy_tree(folder):
    """What the demo reads, without what was built before."""
    ignored = shutil.ignore_patterns("build*", ".git", "out", "__pycache__")
    for name in ("examples", "device", "format", "tools"):
        shutil.copytree(os.path.join(ROOT, name), os.path.join(folder, name), ignore=ignored)
    os.symlink(os.path.join(ROOT, "build-sources"), os.path.join(folder, "build-sources"))


def demo(folder, lie=""):
    program = os.path.join(folder, "proofmark")
    with open(program, "w", encoding="utf-8") as out:
        out.write(f'#!/bin/sh\nPROOFMARK="{PROOFMARK}"\n{lie}\nexec "$PROOFMARK" "$@"\n')
    os.chmod(program, 0o755)
    return subprocess.run([os.path.join(folder, "tools", "demo"), program], capture_output=True, text=True,
                          env={**os.environ, "PROOFMARK_DEMO_BOOTS": "3"}, timeout=600, check=False)


def expect(condition, done, what):
    if not condition:
        sys.exit(f"{what}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


with tempfile.TemporaryDirectory(prefix="proofmark-demo-") as folder:
    copy_tree(folder)
    done = demo(folder)
    expect(done.returncode == 0, done, "the demo failed")
    expect("Each step did what it says" in done.stdout, done, "the demo does not say that it is done")
    for kept in ("out/maker.pub", "out/thermostat/1.0.0/label.png"):
        expect(os.path.exists(os.path.join(folder, kept)), done, f"{kept} is not there")
    for name, (lie, told) in LIES.items():
        done = demo(folder, lie)
        expect(done.returncode == 1, done, f"a program that {name}")
        expect(told in done.stdout, done, f"a program that {name} is not told by '{told}'")
        expect("Each step did" not in done.stdout, done, f"a program that {name}")
print(f"the demo ends well, and does not with a program that {', or that '.join(LIES)}")
