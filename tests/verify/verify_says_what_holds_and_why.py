"""Claim by claim: what holds, what does not, and why; for a whole folder, one without its
firmware, without a key, past its date, with other files, and signed by somebody else."""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ship"))
from shop import Shop, expect, one_sentence  # noqa: E402

with Shop(*sys.argv[1:3]) as shop:
    shop.ship()

    def states(*arguments, expect_code, **options):
        result = shop.verify("--json", *arguments, expect=expect_code, **options)
        report = json.loads(result.stdout)
        expect(report["accepted"] == (expect_code == 0), "accepted and exit code differ")
        return {finding["id"]: finding for finding in report["findings"]}, result, report

    def claims(findings):
        return {k: v["state"] for k, v in findings.items() if v["class"]}

    # All is well.
    findings, result, report = states(expect_code=0)
    expect(report["product"] == "Hallway Thermostat", "product")
    for name in ("returns", "calls", "build", "test"):
        expect(findings[name]["state"] == "holds", f"{name}: {findings[name]}")
    expect(findings["support"]["state"] == "declared", "the maker's word reads as more")
    expect(result.stderr == "", result.stderr)
    findings, _, _ = states("--original", "build/thermostat.elf", expect_code=0)
    expect(findings["original"]["state"] == "holds", str(findings["original"]))
    signer = report["signer"]

    # No key: refused, and the signer is named.
    findings, result, _ = states(key=None, expect_code=1)
    expect(set(claims(findings).values()) == {"refused"}, "a claim holds without a key")
    one_sentence(result, signer, "no trusted key")

    # Another key is trusted: refused, and the signer is named.
    shop.run("keygen", "-o", "other.key", "--no-passphrase", expect=0)
    findings, result, _ = states(key="other.pub", expect_code=1)
    expect(set(claims(findings).values()) == {"refused"}, "a claim holds for another key")
    one_sentence(result, signer)

    # Without the firmware.
    copy = shop.path("copy")
    shutil.copytree(shop.path(shop.folder), copy)
    os.rename(os.path.join(copy, "firmware.elf"), shop.path("image.elf"))
    findings, _, _ = states(folder="copy", expect_code=0)
    expect(findings["returns"]["state"] == "signed, not re-checked", str(findings["returns"]))
    expect(findings["test"]["state"] == "signed, not re-checked", str(findings["test"]))
    findings, _, _ = states("--firmware", "image.elf", folder="copy", expect_code=0)
    expect(findings["returns"]["state"] == "holds", str(findings["returns"]))
    findings, _, _ = states("--firmware", "build/thermostat.elf", folder="copy", expect_code=1)
    expect(findings["returns"]["state"] == "refused", str(findings["returns"]))
    findings, _, _ = states("--original", "image.elf", expect_code=1)
    expect(findings["comparison"]["state"] == "refused", "another original was taken")
    # It says nothing about the rest: what stands on the image alone still holds.
    plain = claims(states(expect_code=0)[0])
    expect(claims(findings) == {**plain, "original": "refused"}, f"another original: {claims(findings)}")
    expect("is not the one that the record names" in findings["original"]["reason"], str(findings["original"]))

    # A folder above a release: the release is named.
    for folder in ("out/thermostat", "out/thermostat/", "out"):
        one_sentence(shop.verify(folder=folder, expect=1), f"{folder}: is not a release", "give " + shop.folder)
    os.makedirs(shop.path("two/0.9.0/statements"))
    os.makedirs(shop.path("two/0.10.0/statements"))
    one_sentence(shop.verify(folder="two", expect=1), "holds 2", "such as two/0.10.0")

    # Past its date, and before it.
    for day, word in (("2040-01-01", "valid until"), ("2020-01-01", "future")):
        findings, result, _ = states("--at", day, expect_code=1)
        expect(set(claims(findings).values()) == {"unknown"}, f"{day}: {claims(findings)}")
        one_sentence(result, word)

    # Files besides, and files that are gone.
    def tampered(change):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(shop.path(shop.folder), copy)
        change()
        return shop.verify("--json", folder="copy", expect=1)

    def write(name, text):
        os.makedirs(os.path.dirname(os.path.join(copy, name)), exist_ok=True)
        with open(os.path.join(copy, name), "w", encoding="utf-8") as file:
            file.write(text)

    one_sentence(tampered(lambda: write("readme.txt", "hello")), "readme.txt")
    one_sentence(tampered(lambda: write("statements/more.json", "{}")), "statements/more.json")
    one_sentence(tampered(lambda: write("a/b/c", "x")))
    one_sentence(tampered(lambda: os.symlink("record.json", os.path.join(copy, "link"))),
                 "not a plain file")
    for name in shop.tree():
        if name != "firmware.elf":
            one_sentence(tampered(lambda name=name: os.unlink(os.path.join(copy, name))))

    # One byte more at the end of any file: every form is one form.
    def lengthen(name):
        with open(os.path.join(copy, name), "ab") as file:
            file.write(b"\n")

    for name in shop.tree():
        one_sentence(tampered(lambda name=name: lengthen(name)))

    # A proof of another statement.
    def swap(one, two):
        one, two = os.path.join(copy, one), os.path.join(copy, two)
        os.rename(one, one + "x")
        os.rename(two, one)
        os.rename(one + "x", two)

    one_sentence(tampered(lambda: swap("proofs/build.tlog-proof", "proofs/test.tlog-proof")))
    one_sentence(tampered(lambda: swap("proofs/build.tlog-proof", "proofs/release.tlog-proof")))
    one_sentence(tampered(lambda: swap("statements/build.json", "statements/release.json")))

    # An attacker ships the maker's product, changed, under his own key.
    shop.change("ends: 2031-12", "ends: 2039-12")
    shop.ship("--key", "other.key", "--out", "forged")
    shop.verify(folder="forged/thermostat/1.0.0", key="other.pub")
    findings, result, report = states(folder="forged/thermostat/1.0.0", expect_code=1)
    expect(set(claims(findings).values()) == {"refused"}, "a forged claim holds")
    expect(report["signer"] != signer and report["signer"] in result.stderr,
           "the forger is not named")

    # The maker's own files with the attacker's statements among them.
    forged = shop.path("forged/thermostat/1.0.0")
    for name in shop.tree("forged/thermostat/1.0.0"):
        one_sentence(tampered(lambda name=name: shutil.copy(os.path.join(forged, name),
                                                            os.path.join(copy, name)))) \
            if shop.tree("forged/thermostat/1.0.0")[name] != shop.tree()[name] else None
