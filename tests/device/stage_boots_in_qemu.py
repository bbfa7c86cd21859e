#!/usr/bin/env python3
"""The boot stage on QEMU's MPS2 board, with flash in a file that outlives the run: it starts what
is signed, counts a trial's tries over resets, reverts, and leaves the memory map of docs/boot.md.

  stage_boots_in_qemu.py MAKE_FLASH STAGE.elf
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NO_IMAGE, ROOT_MISSING, NO_FILE = 41, 44, 51
FLASH_BYTES_MAX = 10 * 1024


def image(folder, name, slot_address, *defines):
    """A slot's image as bytes in a file."""
    path = os.path.join(folder, f"{name}-{slot_address:x}")
    subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-nostartfiles",
                    *[f"-D{define}" for define in defines], f"-Wl,-Ttext=0x{slot_address:x}",
                    "-Wl,-e,0", "-Wl,--build-id=none", os.path.join(HERE, "slot_image.S"),
                    "-o", path + ".elf"], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", path + ".elf", path], check=True)
    return path


def boot(stage, folder):
    """Exit code of one run."""
    return subprocess.run(
        ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none",
         "-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel", stage],
        cwd=folder, timeout=120, stdin=subprocess.DEVNULL).returncode


def main():
    make_flash, stage = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    size = os.path.getsize(stage.removesuffix(".elf") + ".bin")
    failures = int(size > FLASH_BYTES_MAX)

    def expect(what, found, wanted):
        nonlocal failures
        print(f"{'ok' if found == wanted else 'FAILED'}: {what}: {found}")
        failures += found != wanted

    with tempfile.TemporaryDirectory() as folder:
        def flash(*arguments):
            subprocess.run([make_flash, os.path.join(folder, "flash.bin"), *arguments], check=True)

        def once(*arguments):
            flash(*arguments)
            return boot(stage, folder)

        a = image(folder, "plain", 0x10000)
        b = image(folder, "plain", 0x90000)
        expect("without a file there is no flash", boot(stage, folder), NO_FILE)
        expect("a changed root document", once("flip=0x3c00"), ROOT_MISSING)
        expect("no image", once(), NO_IMAGE)
        expect("one image", once(f"a={a}:1"), 1)
        expect("the newer of two", once(f"a={a}:1", f"b={b}:2"), 9)
        expect("a changed image", once(f"a={a}:1", "flip=0x10010"), NO_IMAGE)
        expect("a changed seal", once(f"a={a}:1", "flip=0x8ffc0"), NO_IMAGE)
        expect("another key", once("other-key", f"a={a}:1"), NO_IMAGE)
        flash(f"a={a}:1", f"b={b}:2", "trial")
        expect("three tries, then back", [boot(stage, folder) for _ in range(5)], [9, 9, 9, 1, 1])
        expect("a tampered trial", once(f"a={a}:1", f"b={b}:2", "trial", "flip=0x90010"), 1)
        for what, define, wanted in (("flash cannot be written", "WRITES_FLASH", 21),
                                     ("RAM does not execute", "RUNS_RAM", 21),
                                     ("registers are cleared", "LOOKS_AT_REGISTERS", 1)):
            expect(what, once(f"a={image(folder, define, 0x10000, define)}:1"), wanted)
    print(f"stage: {size} bytes of flash, bound {FLASH_BYTES_MAX}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
