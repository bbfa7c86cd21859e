"""On a terminal `check` and `verify` colour what holds and what does not, and `ship` shows a bar that it
takes away again; elsewhere, and with NO_COLOR, the same words come without a control character."""
import os
import pty
import re
import select
import subprocess
import sys

from shop import Shop, expect

CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def on_terminal(shop, *arguments, environment=None):
    """(exit code, what a terminal got) when standard output and error are one."""
    master, slave = pty.openpty()
    with subprocess.Popen([shop.proofmark, *arguments], cwd=shop.root, stdin=subprocess.DEVNULL, stdout=slave,
                          stderr=slave, env={**os.environ, **(environment or {})}) as child:
        os.close(slave)
        got = b""
        while True:
            ready = select.select([master], [], [], 120)[0]
            expect(ready, f"{arguments}: nothing came for two minutes")
            try:
                part = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            got += part
    os.close(master)
    return child.returncode, got.decode().replace("\r\n", "\n")


def words(text):
    return CONTROL.sub("", text)


with Shop(*sys.argv[1:3]) as shop:
    os.environ.pop("NO_COLOR", None)
    code, shown = on_terminal(shop, "ship", "product.yaml")
    expect(code == 0, shown)
    steps = re.findall(r"\r\x1b\[K\[([#.]{8})\] \S", shown)
    expect(len(steps) >= 4 and steps == sorted(steps, key=lambda bar: bar.count("#")), f"no bar that grows: {shown!r}")
    expect(shown.rindex("\r\x1b[K") > shown.rindex(f"[{steps[-1]}]"), f"the bar stays: {shown!r}")
    piped = shop.ship("--force")
    expect("\x1b" not in piped.stdout + piped.stderr and "\r" not in piped.stderr and "[#" not in piped.stderr,
           f"a bar without a terminal: {piped.stderr!r}")

    good, bad = shop.path(shop.folder), shop.path("bad")
    subprocess.run(["cp", "-r", good, bad], check=True)
    with open(os.path.join(bad, "test.log"), "ab") as file:
        file.write(b"more\n")
    original = shop.path("build", "thermostat.elf")
    for arguments, wanted, colour in (
            (["verify", good, "--key", "maker.pub"], 0, "\x1b[32m"),
            (["verify", bad, "--key", "maker.pub"], 1, "\x1b[1;31m"),
            (["check", os.path.join(good, "firmware.elf")], 0, "\x1b[32m"),
            (["check", "--original", os.path.join(good, "firmware.elf"), original], 1, "\x1b[31m")):
        plain = shop.run(*arguments, expect=wanted)
        expect("\x1b" not in plain.stdout + plain.stderr, f"{arguments}: colours without a terminal")
        code, shown = on_terminal(shop, *arguments)
        expect(code == wanted and colour in shown and "\x1b[0m" in shown, f"{arguments}: {code} {shown!r}")
        expect(words(shown) == plain.stdout + plain.stderr, f"{arguments}: other words: {shown!r}")
        for value, coloured in (("1", False), ("", True)):  # no-color.org: set, and not empty
            code, shown = on_terminal(shop, *arguments, environment={"NO_COLOR": value})
            expect(code == wanted and ("\x1b" in shown) == coloured, f"{arguments} NO_COLOR={value!r}: {shown!r}")
