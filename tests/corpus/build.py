#!/usr/bin/env python3
"""Write build-corpus/build.ninja: the real programs, cross-built for QEMU mps2-an386.

Each program is built at -O2 and -Os, plainly and once more with GCC's stack protector
(for comparison in the bench), from the sources that tools/setup unpacked, and linked with
--emit-relocs. Run from the project's root; then `ninja -f build-corpus/build.ninja`.
"""
import glob
import os
import sys

OUT = "build-corpus"
PLUGIN = f"{OUT}/libcount_instructions.so"
BOARD = "tests/board"
HERE = "tests/corpus/programs"
BIG = {level: f"big-{level}" for level in ("Os", "O2")}  # 1.03 MiB and 1.19 MiB of flash
BIG_COPIES = 2
LEVELS = ("O2", "Os")
HARD_FLOAT = "-mfloat-abi=hard -mfpu=fpv4-sp-d16"
SOFT_FLOAT = "-mfloat-abi=soft"
MACHINE = "-mcpu=cortex-m4 -mthumb"
SECTIONS = "-ffunction-sections -fdata-sections"
LINK = (f"-nostartfiles -Wl,--gc-sections -Wl,--emit-relocs -Wl,-u,pm_random "
        f"-T {BOARD}/board.ld")


def source(package):
    """The unpacked source directory of a Debian package."""
    found = [path for path in glob.glob(f"build-sources/{package}/{package}-*") if os.path.isdir(path)]
    if len(found) != 1:
        sys.exit(f"build-sources/{package}: not unpacked; run tools/setup check")
    return found[0]


def several(directory, names):
    return [f"{directory}/{name}" for name in names.split()]


def programs():
    """name -> (sources, compiler flags, linker flags)."""
    zlib, bzip2, lz4 = source("zlib"), source("bzip2"), source("lz4")
    lua, mbedtls = source("lua5.4") + "/src", source("mbedtls")
    lua_sources = sorted(path for path in glob.glob(f"{lua}/*.c")
                         if os.path.basename(path) not in ("lua.c", "luac.c"))
    return {
        "mbedtls": (
            sorted(glob.glob(f"{mbedtls}/library/*.c")) +
            [f"{mbedtls}/programs/test/selftest.c", f"{HERE}/mbedtls_entropy.c"],
            f"{SOFT_FLOAT} -I {mbedtls}/include -I {mbedtls}/library -I {HERE} "
            "-DMBEDTLS_CONFIG_FILE='\"mbedtls_config.h\"'", ""),
        "lua": (
            lua_sources + several(HERE, "lua_main.c lua_scripts.S"),
            f"{HARD_FLOAT} -I {lua} -I {HERE}", "-lm"),
        "zlib": (
            several(zlib, "adler32.c compress.c crc32.c deflate.c inffast.c inflate.c "
                          "inftrees.c trees.c uncompr.c zutil.c") +
            several(HERE, "roundtrip.c codec_zlib.c text.S"),
            f"{SOFT_FLOAT} -I {zlib} -I {HERE}", ""),
        "bzip2": (
            several(bzip2, "blocksort.c bzlib.c compress.c crctable.c decompress.c "
                           "huffman.c randtable.c") +
            several(HERE, "roundtrip.c codec_bzip2.c text.S"),
            f"{SOFT_FLOAT} -DBZ_NO_STDIO -I {bzip2} -I {HERE}", ""),
        "lz4": (
            several(f"{lz4}/lib", "lz4.c lz4hc.c lz4frame.c xxhash.c") +
            several(HERE, "roundtrip.c codec_lz4.c text.S"),
            f"{SOFT_FLOAT} -I {lz4}/lib -I {HERE}", ""),
        "machine": ([f"{HERE}/machine.c"], HARD_FLOAT, ""),
        "exceptions": ([f"{HERE}/exceptions.cpp"], HARD_FLOAT, "-lstdc++"),
    }


def ours(path):
    """Our own files are compiled with every warning on; foreign ones as they are."""
    return path.startswith("tests/") and path.endswith((".c", ".cpp"))


def variant(lines, name, level, protector):
    sources, flags, libraries = programs()[name]
    kind = f"{name}-{level}" + ("-ssp" if protector else "")
    flags = f"-{level} {MACHINE} {SECTIONS} {flags}"
    if protector:
        flags += " -fstack-protector-strong"
    objects = []
    # the one program whose instructions are not compared draws its key from the host
    key = "key_host.c" if name == "machine" else "key_fixed.c"
    for path in sources + several(BOARD, f"startup.c syscalls.c {key}"):
        target = f"{OUT}/obj/{kind}/{path.replace('/', '_')}.o"
        warnings = "-Wall -Wextra -Wconversion -Wshadow -Werror" if ours(path) else "-w"
        # newlib's own start-up sets the guard, so what runs before it cannot be guarded
        plain = " -fno-stack-protector" if protector and path.startswith(BOARD) else ""
        if ours(path) and name == "lua":
            warnings = warnings.replace("-Wconversion ", "")
        rule = {".S": "as", ".cpp": "cxx"}.get(os.path.splitext(path)[1], "cc")
        extra = " | " + " ".join(["LICENSE"] + sorted(glob.glob(f"{HERE}/lua/*.lua"))) if rule == "as" else ""
        lines.append(f"build {target}: {rule} {path}{extra}\n  flags = {flags} {warnings}{plain}")
        objects.append(target)
    lines.append(f"build {OUT}/programs/{kind}.elf: link {' '.join(objects)} | {BOARD}/board.ld\n"
                 f"  flags = {flags}\n  libraries = {libraries}")


def big_image(lines, level):
    """An image of at least 1 MiB of real code, all of it reachable: the libraries of the
    other programs several times over, each copy but the first under names of its own."""
    big = f"{OUT}/obj/{BIG[level]}"
    sources, flags = [], f"-{level} {MACHINE} {SECTIONS} {SOFT_FLOAT}"
    for name in ("mbedtls", "lua", "zlib", "bzip2", "lz4"):
        own, extra, _ = programs()[name]
        keep = [path for path in own if not path.startswith("tests/") and "/programs/" not in path]
        extra = extra.replace(HARD_FLOAT, "")
        sources += [(path, f"{flags} {extra} -w") for path in keep]
    objects = []
    for path, its_flags in sources:
        target = f"{big}/{path.replace('/', '_')}.o"
        lines.append(f"build {target}: cc {path}\n  flags = {its_flags}")
        objects.append(target)
    lines.append(f"build {big}/copy0.o: join {' '.join(objects)}")
    for copy in range(1, BIG_COPIES):
        lines.append(f"build {big}/copy{copy}.o: rename {big}/copy0.o | tests/corpus/copy_object.py\n"
                     f"  suffix = _copy{copy}")
    copies = " ".join(f"{big}/copy{copy}.o" for copy in range(BIG_COPIES))
    lines.append(f"build {big}/reach.S: reach {copies} | tests/corpus/reach_all.py")
    lines.append(f"build {big}/reach.o: as {big}/reach.S")
    rest = []
    zlib = source("zlib")
    for path in several(HERE, "big_main.c roundtrip.c codec_zlib.c mbedtls_entropy.c") + several(
            BOARD, "startup.c syscalls.c key_fixed.c"):
        target = f"{big}/{path.replace('/', '_')}.o"
        extra = " -Dmain=roundtrip_main" if path.endswith("/roundtrip.c") else ""
        lines.append(f"build {target}: cc {path}\n  flags = {flags} -I {zlib}{extra}")
        rest.append(target)
    lines.append(f"build {big}/text.o: as {HERE}/text.S | LICENSE")
    lines.append(f"build {OUT}/programs/{BIG[level]}.elf: link {copies} {big}/reach.o {big}/text.o "
                 f"{' '.join(rest)} | {BOARD}/board.ld\n  flags = {flags} -Wl,-u,reach_all\n  libraries = -lm")


def main():
    os.makedirs(OUT, exist_ok=True)
    lines = [
        "ninja_required_version = 1.5",
        f"builddir = {OUT}",
        "rule cc\n  command = arm-none-eabi-gcc -std=gnu11 -MMD -MF $out.d $flags -c $in -o $out\n"
        "  depfile = $out.d\n  deps = gcc\n  description = CC $out",
        "rule cxx\n  command = arm-none-eabi-g++ -std=gnu++17 -MMD -MF $out.d $flags -c $in -o $out\n"
        "  depfile = $out.d\n  deps = gcc\n  description = CXX $out",
        "rule as\n  command = arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -c $in -o $out\n"
        "  description = AS $out",
        f"rule link\n  command = arm-none-eabi-gcc $flags {LINK} $in $libraries -o $out\n"
        "  description = LINK $out",
        f"rule generate\n  command = python3 $in\n  generator = 1\n  description = GEN $out",
        "rule plugin\n  command = cc -std=gnu11 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror -fPIC "
        "-shared -fvisibility=hidden $in -o $out\n  description = PLUGIN $out",
        f"rule bare\n  command = arm-none-eabi-gcc {MACHINE} -nostdlib -T {BOARD}/board.ld $in -o $out",
        f"build {OUT}/build.ninja: generate tests/corpus/build.py",
        "rule join\n  command = arm-none-eabi-ld -r $in -o $out\n  description = JOIN $out",
        "rule rename\n  command = python3 tests/corpus/copy_object.py $suffix $in $out",
        "rule reach\n  command = python3 tests/corpus/reach_all.py $out $in",
        f"build {PLUGIN}: plugin tests/emulator/count_instructions.c",
        f"build {OUT}/known_count.elf: bare tests/emulator/known_count.S | {BOARD}/board.ld",
    ]
    for level in BIG:
        big_image(lines, level)
    for name in programs():
        for level in LEVELS:
            variant(lines, name, level, False)
            if name not in ("machine", "exceptions"):
                variant(lines, name, level, True)
    with open(f"{OUT}/build.ninja", "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
