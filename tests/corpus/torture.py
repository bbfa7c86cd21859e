"""gcc's torture programs as test images: found, built, run as they are, judged."""
import glob
import os
import re
import shutil
import subprocess

import corpus
from build import BOARD, HARD_FLOAT, LINK, MACHINE, OUT, SECTIONS, SOFT_FLOAT

SOURCES = "build-sources/gcc-12-source/gcc/testsuite/gcc.c-torture/execute"
LEVELS = {"O0": SOFT_FLOAT, "O2": HARD_FLOAT, "Os": SOFT_FLOAT}
UNUSABLE = "tests/corpus/torture-unusable.tsv"


def names():
    found = sorted(os.path.basename(path)[:-2] for path in glob.glob(f"{SOURCES}/*.c"))
    if not found:
        raise SystemExit(f"{SOURCES}: no programs there; run tools/setup check")
    return found


def unusable():
    """(name, level) -> reason, of those that do not build or do not pass as they are."""
    with open(UNUSABLE, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and line[0] != "#"]
    return {(name, level): reason for name, level, reason in rows}


def options(path):
    """Compiler options that the program asks for in its DejaGnu comments."""
    with open(path, encoding="latin-1") as file:
        text = file.read()
    found = re.findall(r'dg-(?:additional-)?options\s+\{?\s*"([^"]*)"\s*(?:\}\s*)?(\{[^}]*\})?', text)
    return " ".join(wanted for wanted, selector in found if not selector)


def start_anew_when_changed():
    """What was built by other rules or for another board is thrown away."""
    made_of = "".join(corpus.digest(path) for path in sorted(glob.glob(f"{BOARD}/*")) +
                      ["tests/corpus/build.py", "tests/corpus/torture.py"])
    stamp = f"{OUT}/torture/made-of"
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == made_of:
                return
        shutil.rmtree(f"{OUT}/torture")
    os.makedirs(f"{OUT}/torture", exist_ok=True)
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(made_of)


def board():
    """Objects that every torture program is linked with, one set for each float ABI."""
    start_anew_when_changed()
    for level, floats in LEVELS.items():
        os.makedirs(f"{OUT}/torture/{level}", exist_ok=True)
        for name in ("startup", "syscalls", "key_fixed"):
            target = f"{OUT}/torture/{level}/board_{name}.o"
            subprocess.run(f"arm-none-eabi-gcc -std=gnu11 -Os {MACHINE} {floats} {SECTIONS} -c "
                           f"{BOARD}/{name}.c -o {target}", shell=True, check=True)


def build(name, level):
    """(ELF, None), or (None, why it does not build). Built once, then kept."""
    elf = f"{OUT}/torture/{level}/{name}.elf"
    if os.path.exists(elf):
        return elf, None
    path = f"{SOURCES}/{name}.c"
    start_up = " ".join(f"{OUT}/torture/{level}/board_{part}.o"
                        for part in ("startup", "syscalls", "key_fixed"))
    command = (f"arm-none-eabi-gcc -{level} -w {MACHINE} {LEVELS[level]} {SECTIONS} "
               f"{options(path)} {LINK} {path} {start_up} -lm -o {elf}.new")
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    if done.returncode != 0:
        return None, "does not build: " + first_error(done.stderr.decode("utf-8", "replace"))
    os.rename(f"{elf}.new", elf)
    return elf, None


def first_error(text):
    for line in text.splitlines():
        found = re.search(r"(error:|undefined reference|overflowed|will not fit).*", line)
        if found:
            return found.group(0).replace("\t", " ")[:120]
    return (text.splitlines() or ["no message"])[-1][:120]


def original_run(name, level):
    """(ELF, run, None), or (None, None, reason) when it is of no use as a test."""
    elf, reason = build(name, level)
    if not elf:
        return None, None, reason
    run = corpus.emulate(elf, timeout=20)
    if run.code == 0:
        return elf, run, None
    what = {99: "faults", 134: "aborts", "timeout": "does not end"}.get(run.code, f"exit code {run.code}")
    return None, None, f"does not pass as it is: {what}"


def case(proofmark, name, level, profiles, seed, check):
    """Cases of one torture program, or the reason that there are none."""
    elf, original, reason = original_run(name, level)
    if not elf:
        return [], reason
    cases = [corpus.judge(proofmark, elf, profile, seed, original, check=check) for profile in profiles]
    for one in cases:
        corpus.drop_output(one)
    return cases, None
