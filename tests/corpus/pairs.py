#!/usr/bin/env python3
"""The pairs of images that patches are measured on, and their building.

    tests/corpus/pairs.py [NAME...]     build them into build-corpus/pairs (default: all)

They were written down before the first patch was made of them. A *rebuild* is the same
program with one string changed. A variant is a program of build.py with pieces of its source
replaced, compiler options added, or another origin of its flash; an image is the bytes of
flash, without gaps filled in front.
"""
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import build  # noqa: E402 (its folder was put on the path just now)

OUT = "build-corpus/pairs"
SLOT_B = 0x00080000  # 512 KiB behind slot A, which is at 0

LUA_FUNCTION = [("lstrlib.c", "    return luaL_error(L, \"resulting string too large\");\n  else {",
                 "    return luaL_error(L, \"resulting string too large\");\n"
                 "  else if (l == 0 && lsep == 0)\n    lua_pushliteral(L, \"\");\n"
                 "  else if (n == 1)\n    lua_pushlstring(L, s, l);\n  else {")]
LUA_STRING = [("ldebug.c", "attempt to compare two %s values", "attempt to compare two values of type %s")]
MBEDTLS_STRING = [("selftest.c", "  [ All tests PASS ]\\n\\n", "  [ All of the tests have passed ]\\n\\n")]
CONFIG = "#define MBEDTLS_AES_FEWER_TABLES\n#define MBEDTLS_SHA256_SMALLER\n#undef MBEDTLS_CAMELLIA_C\n"
MBEDTLS_CONFIG = [f"-DMBEDTLS_USER_CONFIG_FILE='\"{OUT}/user_config.h\"' -I ."]
PROTECTOR = ["-fstack-protector-strong"]

# variant -> (program, level, pieces of source replaced, more options, origin)
VARIANTS = {f"{program}-{level}{suffix}": (program, level, pieces, options, origin)
            for level in ("Os", "O2")
            for program, suffix, pieces, options, origin in (
                ("lua", "", [], [], 0),
                ("lua", "-function", LUA_FUNCTION, [], 0),
                ("lua", "-string", LUA_STRING, [], 0),
                ("lua", "-function-b", LUA_FUNCTION, [], SLOT_B),
                ("mbedtls", "", [], [], 0),
                ("mbedtls", "-config", [], MBEDTLS_CONFIG, 0),
                ("mbedtls", "-string", MBEDTLS_STRING, [], 0),
                ("mbedtls", "-string-b", MBEDTLS_STRING, [], SLOT_B),
                ("mbedtls", "-ssp", [], PROTECTOR, 0))}

# name -> (old image, new image, is it a rebuild, where the new one runs)
PAIRS = {
    "lua-function-Os": ("lua-Os", "lua-Os-function", False, 0),
    "lua-function-O2": ("lua-O2", "lua-O2-function", False, 0),
    "lua-string-Os": ("lua-Os", "lua-Os-string", True, 0),
    "lua-string-O2": ("lua-O2", "lua-O2-string", True, 0),
    "mbedtls-config-Os": ("mbedtls-Os", "mbedtls-Os-config", False, 0),
    "mbedtls-config-O2": ("mbedtls-O2", "mbedtls-O2-config", False, 0),
    "mbedtls-string-Os": ("mbedtls-Os", "mbedtls-Os-string", True, 0),
    "mbedtls-string-O2": ("mbedtls-O2", "mbedtls-O2-string", True, 0),
    "lua-slot-Os": ("lua-Os", "lua-Os-function-b", False, SLOT_B),
    "lua-slot-O2": ("lua-O2", "lua-O2-function-b", False, SLOT_B),
    "mbedtls-slot-Os": ("mbedtls-Os", "mbedtls-Os-string-b", True, SLOT_B),
    "mbedtls-slot-O2": ("mbedtls-O2", "mbedtls-O2-string-b", True, SLOT_B),
    "mbedtls-option-Os": ("mbedtls-Os", "mbedtls-Os-ssp", False, 0),
    "lua-hardened-Os": ("lua-Os.exploit", "lua-Os-function.exploit", False, 0),
    "lua-hardened-O2": ("lua-O2.exploit", "lua-O2-function.exploit", False, 0),
}


def edited(path, pieces, name):
    """The source with its pieces replaced, written beside the objects; the source itself when none is its."""
    mine = [(old, new) for suffix, old, new in pieces if os.path.basename(path) == suffix]
    if not mine:
        return path
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in mine:
        if text.count(old) != 1:
            sys.exit(f"{path}: {old!r} is there {text.count(old)} times, not once")
        text = text.replace(old, new)
    out = f"{OUT}/source/{name}/{os.path.basename(path)}"
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)
    return out


def rules_of(name):
    """Lines of ninja for one variant."""
    program, level, pieces, options, origin = VARIANTS[name]
    sources, flags, libraries = build.programs()[program]
    flags = f"-{level} {build.MACHINE} {build.SECTIONS} {flags} {' '.join(options)}"
    lines, objects = [], []
    for path in sources + build.several(build.BOARD, "startup.c syscalls.c key_fixed.c"):
        actual = edited(path, pieces, name)
        target = f"{OUT}/obj/{name}/{path.replace('/', '_')}.o"
        rule = "as" if path.endswith(".S") else "cc"
        plain = " -fno-stack-protector" if PROTECTOR == options and path.startswith(build.BOARD) else ""
        lines.append(f"build {target}: {rule} {actual}\n  flags = {flags} -I {os.path.dirname(path)} -w{plain}")
        objects.append(target)
    lines.append(f"build {OUT}/{name}.elf: link {' '.join(objects)} | {OUT}/board-{origin:x}.ld\n"
                 f"  flags = {flags}\n  libraries = {libraries}\n  script = {OUT}/board-{origin:x}.ld")
    lines.append(f"build {OUT}/{name}.bin: image {OUT}/{name}.elf")
    return lines


def write_rules():
    os.makedirs(OUT, exist_ok=True)
    with open(f"{build.BOARD}/board.ld", encoding="utf-8") as file:
        script = file.read()
    for origin in (0, SLOT_B):
        with open(f"{OUT}/board-{origin:x}.ld", "w", encoding="utf-8") as file:
            file.write(script.replace("ORIGIN = 0x00000000", f"ORIGIN = 0x{origin:08x}"))
    with open(f"{OUT}/user_config.h", "w", encoding="utf-8") as file:
        file.write(CONFIG)
    link = build.LINK.replace(f"{build.BOARD}/board.ld", "$script")
    lines = ["ninja_required_version = 1.5", f"builddir = {OUT}",
             "rule cc\n  command = arm-none-eabi-gcc -std=gnu11 $flags -c $in -o $out",
             "rule as\n  command = arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -c $in -o $out",
             f"rule link\n  command = arm-none-eabi-gcc $flags {link} $in $libraries -o $out",
             "rule image\n  command = arm-none-eabi-objcopy -O binary $in $out"]
    for name in VARIANTS:
        lines += rules_of(name)
    with open(f"{OUT}/build.ninja", "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


def harden(name, proofmark):
    """NAME.exploit.bin: the variant hardened, with the same seed every time."""
    out = f"{OUT}/{name}.exploit.elf"
    subprocess.run([proofmark, "harden", "--profile", "exploit", "--seed", "01", "--force", "-o", out,
                    f"{OUT}/{name}.elf"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", out, f"{OUT}/{name}.exploit.bin"], check=True)


def make(names, proofmark="build/proofmark"):
    """Build the images of these pairs; name -> (old file, new file, is a rebuild, old and new address)."""
    write_rules()
    images = {image for name in names for image in PAIRS[name][:2]}
    plain = sorted({image.removesuffix(".exploit") for image in images})
    subprocess.run(["ninja", "-j2", "-f", f"{OUT}/build.ninja", *(f"{OUT}/{image}.bin" for image in plain)],
                   check=True, stdout=subprocess.DEVNULL)
    for image in sorted(images):
        if image.endswith(".exploit"):
            harden(image.removesuffix(".exploit"), proofmark)
    return {name: (f"{OUT}/{PAIRS[name][0]}.bin", f"{OUT}/{PAIRS[name][1]}.bin", PAIRS[name][2], 0, PAIRS[name][3])
            for name in names}


if __name__ == "__main__":
    os.chdir(ROOT)
    for pair, (before, after, *_) in make(sys.argv[1:] or list(PAIRS)).items():
        print(pair, os.path.getsize(before), os.path.getsize(after))
