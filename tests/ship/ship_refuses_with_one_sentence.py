"""What cannot be shipped is refused with exit code 1 and one sentence that says what is
wrong and what to do; wrong use has exit code 2."""
import os
import subprocess
import sys

from shop import Shop, expect, one_sentence

with Shop(*sys.argv[1:3]) as shop:
    right = shop.description

    def refused(old, new, *words):
        shop.change(old, new)
        one_sentence(shop.ship(expect=1), *words)
        shop.change(new, old)
        expect(shop.description == right, "the test does not undo its change")

    refused("ends: 2031-12", "ends: 2020-01", "product.yaml:", "support.ends", "in the past")
    refused("  model: HT-1\n", "  model: HT-1\n  colour: red\n", "product.yaml:", "unknown key",
            "expected one of")
    line = 1 + right[:right.index("build/thermostat.elf")].count("\n")
    refused("build/thermostat.elf", "build/none.elf", f"product.yaml:{line}: firmware.file: build/none.elf",
            "cannot be opened")
    one_sentence(shop.run("ship", "build/thermostat.elf", expect=1), "build/thermostat.elf: is an ELF", "proofmark init")
    refused("key_function: random_seed", "key_function: no_such_thing", "no_such_thing")
    refused("[/bin/sh,", "[./no-such-program,", "test.command", "no-such-program")
    expect(not os.path.exists(shop.path("out")), "a test that cannot be run left an empty folder")
    refused("timeout_s: 300", "timeout_s: 1\n  command: sleep 60", "given twice")

    # Tests that fail or hang on the hardened image: the guard, which only they can run into, is named.
    guard = ("the stack's guard, 0x2", "now faults")
    refused("[/bin/sh, -c,", "[/bin/false, -c,", "exit code 1", *guard)
    shop.change("timeout_s: 300", "timeout_s: 1")
    shop.change("test -s", "sleep 60; test -s")
    one_sentence(shop.ship(expect=1), "took longer than its 1 s", *guard)
    shop.change("sleep 60; test -s", "test -s")
    shop.change("timeout_s: 1", "timeout_s: 300")
    expect(shop.description == right, "the test does not undo its change")
    shop.change("mpu: auto", "mpu: none")
    shop.change("[/bin/sh, -c,", "[/bin/false, -c,")
    expect("guard" not in shop.ship(expect=1).stderr, "a guard is named where there is none")
    shop.change("[/bin/false, -c,", "[/bin/sh, -c,")
    shop.change("mpu: none", "mpu: auto")

    plain = shop.path("build/plain.elf")
    subprocess.run(["arm-none-eabi-objcopy", "--remove-relocations=*",
                    shop.path("build/thermostat.elf"), plain], check=True)
    refused("build/thermostat.elf", "build/plain.elf", "-Wl,--emit-relocs")
    told = shop.run("init", "-o", "plain.yaml", "build/plain.elf", expect=0).stderr
    expect(told.count("\n") == 1 and "build/plain.elf" in told and "-Wl,--emit-relocs" in told, f"init said {told!r}")
    told = shop.run("init", "-o", "whole.yaml", "build/thermostat.elf", expect=0).stderr
    expect(told == "", f"init of a whole ELF said {told!r}")
    with open(shop.path("build/thermostat.elf"), "rb") as file:
        whole = file.read()
    for name, content in (("empty", b""), ("cut", whole[:len(whole) // 2]), ("text", b"hello\n"),
                          ("wide", whole[:4] + b"\x02" + whole[5:]),
                          ("other", whole[:18] + b"\x3e\0" + whole[20:])):
        with open(shop.path("build", name), "wb") as file:
            file.write(content)
        refused("build/thermostat.elf", "build/" + name, "build/" + name)

    key = shop.path("maker.key")
    os.rename(key, shop.path("aside.key"))
    one_sentence(shop.ship(expect=1), "maker.key", "proofmark keygen")
    one_sentence(shop.ship("--key", "nowhere.key", expect=1), "nowhere.key", "proofmark keygen")
    with open(key, "w", encoding="utf-8") as file:
        file.write("no key\n")
    os.chmod(key, 0o600)
    one_sentence(shop.ship(expect=1), "maker.key")
    os.replace(shop.path("aside.key"), key)
    os.chmod(key, 0o644)
    one_sentence(shop.ship(expect=1), "maker.key")
    os.chmod(key, 0o600)
    one_sentence(shop.ship("--key", "maker.pub", expect=1), "maker.pub: is a public key")

    for arguments in (["ship"], ["ship", "a", "b"], ["ship", "--nonsense", "product.yaml"],
                      ["ship", "--passphrase-fd", "x", "product.yaml"], ["verify"],
                      ["verify", "--at", "tomorrow", "x"], ["init"], ["init", "-z", "x"]):
        one_sentence(shop.run(*arguments, expect=2), "--help")
    for verb in ("ship", "verify", "init"):
        expect("usage: proofmark " + verb in shop.run(verb, "--help", expect=0).stdout, verb)
    expect(not os.path.exists(shop.path(shop.folder)), "a refused product was shipped")
    expect(os.path.exists(shop.path(shop.folder + ".test.log")), "the failed tests' output is not kept")
    shop.ship()
    expect(shop.left_beside() == [], f"once it is shipped there is still {shop.left_beside()}")

    # A log is one key's. That is said before any work: before the tests, which would tell that they ran.
    shop.run("keygen", "-o", "other.key", "--no-passphrase", expect=0)
    shop.change("test -s", "touch ran; test -s")
    first = shop.tree("out")
    one_sentence(shop.ship("--force", "--key", "other.key", expect=1), "out/log: this log belongs to another key",
                 "--out DIR")
    expect(shop.tree("out") == first and not os.path.exists(shop.path("ran")), "work was done for another key's log")
    shop.ship("--key", "other.key", "--out", "other")
    expect(os.path.exists(shop.path("ran")), "the tests did not run")
