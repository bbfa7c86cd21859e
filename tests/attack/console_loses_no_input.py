#!/usr/bin/env python3
"""Commands that come while the firmware is busy are held off and each is answered later,
so a script may be sent at once, however long it is."""
import tempfile

from thermostat import build, console, expect

COMMANDS = 300

with tempfile.TemporaryDirectory() as directory:
    lines = ["run 20000"] + [f"set {20 + i % 10}.{i % 100:02}" for i in range(COMMANDS)]
    done = console(build(directory, "product"), "\n".join(lines + ["status", "quit", ""]))
    answers = done.stdout.decode().replace("\r", "").split("\n> ")
    expect(done.returncode == 0, "the run ends by quit")
    expect(answers[1:-2] == [f"{line}\nok" for line in lines], "each command is answered in turn")
    expect("target   29.99 C" in answers[-2], "the last setting holds")
