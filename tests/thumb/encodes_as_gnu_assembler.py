#!/usr/bin/env python3
"""The encoders write the bytes that the GNU assembler writes for the same instruction.

  encodes_as_gnu_assembler.py ENCODE_LIST

ENCODE_LIST prints bytes and assembly, line by line (encode_list.c). Each instruction stands
at an address that is a multiple of 4, so that Align(pc, 4) is pc.
"""
import subprocess
import sys
import tempfile

lines = [line.split("\t") for line in
         subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True)
         .stdout.splitlines()]
source = [".syntax unified", ".thumb", ".cpu cortex-m7", ".fpu fpv5-d16"]
for _, text in lines:
    source += [".p2align 3, 0", text]
with tempfile.TemporaryDirectory() as folder:
    with open(f"{folder}/list.s", "w") as file:
        file.write("\n".join(source) + "\n.p2align 3, 0\n")
    subprocess.run(["arm-none-eabi-as", "-o", f"{folder}/list.o", f"{folder}/list.s"], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", f"{folder}/list.o",
                    f"{folder}/list.bin"], check=True)
    with open(f"{folder}/list.bin", "rb") as file:
        code = file.read()
wrong = 0
for i, (own, text) in enumerate(lines):
    assembled = code[8 * i:8 * i + len(own) // 2].hex()
    if assembled != own:
        wrong += 1
        print(f"{text}: assembled {assembled}, encoded {own}")
print(f"{len(lines)} instructions, {wrong} differences")
if wrong or len(code) != 8 * len(lines) or len(lines) < 4000:
    sys.exit(1)
