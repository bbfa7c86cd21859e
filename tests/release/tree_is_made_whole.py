#!/usr/bin/env python3
"""From keys to a channel: what `proofmark release` writes is read back here by other code, by the
bytes that format/ documents: seals and root documents verified with Python and OpenSSL's program,
payloads run in the emulator, patches and manifests in their place, keys moved from hand to hand.

    tree_is_made_whole.py PROOFMARK
"""
import base64
import hashlib
import json
import os
import stat
import struct
import sys
import uuid

from maker import Maker, openssl
from slots import SLOT_A, SLOT_B, SLOT_BYTES, emulate

SEAL, SIGNED, ROOT = 192, 128, 788


def point_of(maker, path):
    """x || y of a public file, from the end of its DER (RFC 5480)."""
    return openssl("pkey", "-pubin", "-in", maker.path(path), "-outform", "DER")[-64:]


def der_integer(value):
    raw = value.lstrip(b"\0")
    raw = (b"\0" if raw[0] & 0x80 else b"") + raw
    return b"\x02" + bytes([len(raw)]) + raw


def holds(maker, public, signed, signature):
    """OpenSSL's program verifies r || s over the bytes."""
    body = der_integer(signature[:32]) + der_integer(signature[32:])
    with open(maker.path("sig.der"), "wb") as file:
        file.write(b"\x30" + bytes([len(body)]) + body)
    with open(maker.path("signed.bin"), "wb") as file:
        file.write(signed)
    return b"Verified OK" in openssl("dgst", "-sha256", "-verify", maker.path(public), "-signature",
                                     maker.path("sig.der"), maker.path("signed.bin"))


def test_keys(maker):
    out = maker.done("keygen", "root", "-o", "locked", "--passphrase-fd", "0", text="correct horse\nbattery staple\nthird one!\n")
    maker.expect(out.count("encrypted") == 3, out)
    for number in (1, 2, 3):
        mode = stat.S_IMODE(os.stat(maker.path(f"locked/root-{number}.key")).st_mode)
        maker.expect(mode == 0o600, f"mode {mode:o}")
        maker.expect(b"ENCRYPTED PRIVATE KEY" in maker.bytes_of(f"locked/root-{number}.key"), "not encrypted")
    openssl("pkey", "-in", maker.path("locked/root-2.key"), "-passin", "pass:battery staple")
    made = json.loads(maker.done("keygen", "release", "--json", "--name", "r", "-o", "locked", "--no-passphrase"))
    maker.expect(made[0]["id"] == hashlib.sha256(point_of(maker, "locked/r.pub")).hexdigest(), f"{made}")
    maker.refused("exists already and is kept", "keygen", "root", "-o", "locked", "--no-passphrase")
    maker.refused("shorter than 8 bytes", "keygen", "release", "-o", "x", "--passphrase-fd", "0", text="short\n")
    maker.refused("it takes root or release", "keygen", "leaf", code=2)


def test_seal(maker, version, slot, address, sequence):
    payload = maker.bytes_of("release", version, f"slot-{slot}.bin")
    image, seal = payload[:-SEAL], payload[-SEAL:]
    magic, at, size, number, major, minor, patch, zero = struct.unpack_from("<8sIIQBBHI", seal)
    vendor = uuid.uuid5(uuid.NAMESPACE_DNS, "lamp.example")
    told = (magic, at, size, number, f"{major}.{minor}.{patch}", zero)
    maker.expect(told == (b"PMSEAL\0\1", address, len(image), sequence, version, 0), f"{told}")
    maker.expect(seal[32:64] == hashlib.sha256(image).digest(), "the seal's digest")
    maker.expect(seal[64:80] == vendor.bytes and seal[80:96] == uuid.uuid5(vendor, "lamp-1").bytes, "its identifiers")
    maker.expect(seal[96:128] == hashlib.sha256(point_of(maker, "keys/one.pub")).digest(), "its key id")
    maker.expect(holds(maker, "keys/one.pub", seal[:SIGNED], seal[SIGNED:]), "its signature")
    return payload


def run_payload(maker, version, slot, address):
    """The bytes as served, loaded where they belong, and started there."""
    ran = emulate(maker.stage(address), options=["-device", f"loader,file={maker.path('release')}/{version}/slot-{slot}.bin,addr={address:#x},force-raw=on"])
    maker.expect(ran.code == 0 and f"lamp {version} 520".encode() in ran.output, f"{version} {slot}: {ran.told()}")


def test_versions(maker):
    maker.keys()
    maker.build_version("1.0.0", "--factory", "factory.bin")
    maker.expect(maker.files() == ["1.0.0/envelope.suit", "1.0.0/slot-a.bin", "1.0.0/slot-b.bin", "root/1.bin"], f"{maker.files()}")
    for slot, address in (("a", SLOT_A), ("b", SLOT_B)):
        payload = test_seal(maker, "1.0.0", slot, address, 1)
        run_payload(maker, "1.0.0", slot, address)
        maker.expect(hashlib.sha256(payload).digest() in maker.bytes_of("release/1.0.0/envelope.suit"), "the manifest lacks the payload's digest")
    payload, factory = maker.bytes_of("release/1.0.0/slot-a.bin"), maker.bytes_of("factory.bin")
    maker.expect(factory == payload[:-SEAL] + b"\xff" * (SLOT_BYTES - len(payload)) + payload[-SEAL:], "the factory's slot")
    first = maker.bytes_of("release/root/1.bin")
    maker.expect(len(first) == ROOT and first[:16] == b"PMROOT\0\1" + struct.pack("<II", 1, 1), "root document 1")
    for number in (1, 2, 3):
        maker.expect(first[16 + 64 * (number - 1):][:64] == point_of(maker, f"keys/root-{number}.pub"), "a root key")
    maker.expect(first[208:272] == point_of(maker, "keys/one.pub"), "the release key")
    told = json.loads(maker.build_version("1.1.0", "--json"))
    maker.expect(told["sequence"] == 2 and told["version"] == "1.1.0", f"{told}")
    test_seal(maker, "1.1.0", "a", SLOT_A, 2)


def test_repeats(maker):
    """The same input gives the same bytes, but for what a random nonce makes: the signatures."""
    before = [maker.bytes_of(f"release/1.1.0/slot-{slot}.bin") for slot in "ab"]
    maker.build_version("1.1.0", "--force", "--sequence", "2")
    after = [maker.bytes_of(f"release/1.1.0/slot-{slot}.bin") for slot in "ab"]
    maker.expect([p[:-64] for p in before] == [p[:-64] for p in after], "the payloads differ")


def test_delta(maker):
    told = json.loads(maker.done("delta", "--from", "1.0.0", "--key", "keys/one.key", "--json", "1.1.0"))
    maker.expect(0 < told["delta_a_bytes"] < told["image_bytes"] / 10, f"{told}")
    envelope = maker.bytes_of("release/1.1.0/envelope.suit")
    for slot, other, new in (("a", "b", SLOT_A), ("b", "a", SLOT_B)):
        name = f"1.1.0/delta-{slot}-1.0.0.pmp"
        patch, base = maker.bytes_of("release", name), maker.bytes_of("release/1.0.0", f"slot-{other}.bin")[:-SEAL]
        magic, _, old_bytes, at, new_bytes = struct.unpack_from("<4sIIII", patch)
        maker.expect((magic, old_bytes, at) == (b"PMP\1", len(base), new), f"{name}: {patch[:20]}")
        maker.expect(new_bytes == len(maker.bytes_of("release/1.1.0", f"slot-{slot}.bin")), f"{name}: new bytes")
        maker.expect(patch[20:52] == hashlib.sha256(base).digest(), f"{name}: its base")
        maker.expect(name.encode() in envelope and hashlib.sha256(base).digest() in envelope, f"{name}: not in the manifest")
    maker.refused("exists already", "delta", "--from", "1.0.0", "--key", "keys/one.key", "1.1.0")
    maker.refused("is not higher than", "delta", "--from", "1.1.0", "--key", "keys/one.key", "1.0.0")
    maker.refused("no release key of root document 1", "delta", "--from", "1.0.0", "--key", "keys/two.key", "1.1.0")
    maker.refused("cannot be opened", "delta", "--from", "1.0.0", "--key", "keys/none.key", "1.1.0")
    maker.refused("slot-a.bin", "delta", "--from", "0.9.0", "--key", "keys/one.key", "1.1.0")


def test_channel(maker):
    told = json.loads(maker.done("channel", "--key", "keys/one.key", "--json", "1.0.0"))
    maker.expect((told["serial"], told["entries"], told["root_version"]) == (1, 1, 1), f"{told}")
    told = json.loads(maker.done("channel", "--key", "keys/one.key", "--rollout", "100", "--json", "1.1.0"))
    maker.expect((told["serial"], told["entries"]) == (2, 2), f"{told}")
    message = maker.bytes_of("release/channel.cose")
    for version in ("1.0.0", "1.1.0"):
        digest = hashlib.sha256(maker.bytes_of("release", version, "envelope.suit")).digest()
        maker.expect(digest in message and f"{version}/envelope.suit".encode() in message, f"{version} is not named")
    told = json.loads(maker.done("channel", "--key", "keys/one.key", "--only", "--json", "1.1.0"))
    maker.expect((told["serial"], told["entries"]) == (3, 1), f"{told}")
    maker.refused("before that of the document in place", "channel", "--key", "keys/one.key", "--issued", "1000", "1.1.0")
    maker.refused("no release key of root document 1", "channel", "--key", "keys/two.key", "1.1.0")
    maker.refused("not a number from 0 to 1000", "channel", "--key", "keys/one.key", "--rollout", "1001", "1.1.0", code=2)
    maker.refused("expire in the past", "channel", "--key", "keys/one.key", "--expires", "0", "1.1.0")


def test_roots(maker):
    two = hashlib.sha256(point_of(maker, "keys/two.pub")).hexdigest()
    one = hashlib.sha256(point_of(maker, "keys/one.pub")).hexdigest()
    maker.refused("the only release key", "revoke", "--root-key", "keys/root-1.key", one)
    maker.refused("no release key with this id", "revoke", two)
    maker.refused("is no root key of version", "revoke", "--release", "keys/two.pub", "--root-key", "keys/two.key", one)
    told = json.loads(maker.done("rotate", "--release", "keys/two.pub", "--root-key", "keys/root-3.key", "--json"))
    maker.expect(told == {"new_missing": 0, "old_missing": 1, "version": 2}, f"{told}")
    maker.expect("root/2.pending" in maker.files() and "root/2.bin" not in maker.files(), f"{maker.files()}")
    maker.refused("waits for signatures", "revoke", one)
    maker.refused("is not needed", "sign", "--root-key", "keys/root-3.key", "release/root/2.pending")
    maker.refused("is no root key", "sign", "--root-key", "keys/one.key", "release/root/2.pending")
    maker.done("sign", "--root-key", "keys/root-1.key", "release/root/2.pending")
    second = maker.bytes_of("release/root/2.bin")
    maker.expect(second[528:532] == bytes([0, 2, 255, 255]), f"signers {second[528:532]}")
    for place, number in ((0, 1), (1, 3)):
        maker.expect(holds(maker, f"keys/root-{number}.pub", second[:528], second[532 + 64 * place:][:64]), "root 2's signature")
    maker.done("revoke", "--root-key", "keys/root-1.key", "--root-key", "keys/root-2.key", one)
    third = maker.bytes_of("release/root/3.bin")
    maker.expect(third[208:272] == point_of(maker, "keys/two.pub") and third[12:16] == b"\1\0\0\0", "root document 3")
    maker.refused("no release key of root document 3", "channel", "--key", "keys/one.key", "1.1.0")
    maker.refused("sealed by a key that root document 3 does not hold", "channel", "--key", "keys/two.key", "1.1.0")
    maker.build_version("1.2.0", key="keys/two.key")
    told = json.loads(maker.done("channel", "--key", "keys/two.key", "--only", "--json", "1.2.0"))
    maker.expect(told["root_version"] == 3, f"{told}")
    maker.done("keygen", "root", "-o", "new", "--no-passphrase")
    new = [word for number in (1, 2, 3) for word in ("--new-root", f"new/root-{number}.pub")]
    maker.refused("three --new-root are needed", "rotate", *new[:4], code=2)
    maker.refused("a second time", "rotate", *new[:4], "--new-root", "new/root-1.pub")
    told = json.loads(maker.done("rotate", *new, "--root-key", "keys/root-1.key", "--root-key", "keys/root-2.key", "--json"))
    maker.expect(told == {"new_missing": 2, "old_missing": 0, "version": 4}, f"{told}")
    maker.done("sign", "--root-key", "new/root-3.key", "--root-key", "new/root-2.key", "release/root/4.pending")
    fourth = maker.bytes_of("release/root/4.bin")
    maker.expect(fourth[528:532] == bytes([0, 1, 1, 2]), f"signers {fourth[528:532]}")
    maker.expect(holds(maker, "new/root-3.pub", fourth[:528], fourth[532 + 192:]), "root 4's last signature")
    damaged = bytearray(third)
    damaged[600] ^= 1
    with open(maker.path("release/root/3.bin"), "wb") as file:
        file.write(damaged)
    maker.refused("does not follow root document 2", "rotate", "--release", "keys/one.pub")
    with open(maker.path("release/root/3.bin"), "wb") as file:
        file.write(third)


def test_signing_elsewhere(maker):
    """The key never leaves its place: digests go there, signatures come back."""
    build = ["build", "--elf", maker.image("1.3.0"), "--version", "1.3.0", "--key", "keys/two.pub", "--signatures", "sigs", "product.yaml"]
    for wanted in (2, 1):
        maker.refused(f"{wanted} signatures are missing", *build)
        maker.expect("1.3.0/envelope.suit" not in maker.files(), "written without signatures")
        waiting = [name for name in maker.files("sigs") if name.endswith(".digest") and name[:-7] + ".sig" not in maker.files("sigs")]
        maker.expect(len(waiting) == wanted, f"{waiting}")
        for name in waiting:
            maker.done("sign", "--root-key", "keys/two.key", f"sigs/{name}")
    maker.done(*build)
    payload = maker.bytes_of("release/1.3.0/slot-b.bin")
    maker.expect(holds(maker, "keys/two.pub", payload[-SEAL:-64], payload[-64:]), "the seal signed elsewhere")
    with open(maker.path(f"sigs/{waiting[0][:-7]}.sig"), "r+b") as file:
        file.write(b"\1")
    maker.refused("is no signature of key", *build[:-1], "--force", "product.yaml")


def test_statement(maker):
    """The maker's statement names both slots' digests, and its signature holds (RFC 8032, DSSE)."""
    ran = maker.tool("keygen", "-o", maker.path("maker.key"), "--no-passphrase")
    maker.expect(ran.returncode == 0, ran.stderr)
    maker.build_version("1.3.1", "--maker-key", "maker.key", key="keys/two.key")
    envelope = json.loads(maker.bytes_of("release/1.3.1/statement.json"))
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    with open(maker.path("pae"), "wb") as file:
        file.write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    with open(maker.path("pae.sig"), "wb") as file:
        file.write(base64.b64decode(envelope["signatures"][0]["sig"]))
    told = openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", maker.path("maker.pub"), "-in", maker.path("pae"),
                   "-sigfile", maker.path("pae.sig"))
    maker.expect(b"Verified Successfully" in told, f"{told}")
    statement = json.loads(payload)
    subjects = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    for slot in "ab":
        whole = maker.bytes_of(f"release/1.3.1/slot-{slot}.bin")
        maker.expect(subjects[f"slot-{slot}.bin"] == hashlib.sha256(whole).hexdigest(), f"{subjects}")
        maker.expect(subjects[f"slot-{slot}.image"] == hashlib.sha256(whole[:-SEAL]).hexdigest() == whole[-160:-128].hex(), f"{subjects}")
    slots = statement["predicate"]["slots"]
    maker.expect([slot["address"] for slot in slots] == [SLOT_A, SLOT_B], f"{slots}")
    maker.expect(all(slot["figures"]["returns"]["sealed"] > 0 and not slot["figures"]["findings"] for slot in slots), f"{slots}")


def test_refusals(maker):
    image = maker.image("1.3.0")
    plain = maker.build("plain", "int main(void) { return 0; }", link=["-Wl,--strip-debug"])
    base = ["build", "--key", "keys/two.key", "--version"]
    maker.refused("exists already and is kept", *base, "1.2.0", "--elf", image, "product.yaml")
    maker.refused("is not higher than 1.3.", *base, "1.2.9", "--elf", image, "product.yaml")
    maker.refused("sequence number 3 is not higher than", *base, "1.4.0", "--sequence", "3", "--elf", image, "product.yaml")
    maker.refused("not hardened", *base, "1.4.0", "--elf", plain, "product.yaml")
    maker.refused("no MAJOR.MINOR.PATCH", *base, "1.4", "--elf", image, "product.yaml")
    maker.refused("no release key of root document", "build", "--key", "keys/one.key", "--version", "1.4.0", "--elf", image, "product.yaml")
    maker.refused("has no root document yet", *base, "1.0.0", "--tree", "other", "--elf", image, "product.yaml")
    text = maker.bytes_of("product.yaml").decode()
    for old, new, sentence in (
            ("size: 0x80000}\n  slot_b", "size: 0x2000}\n  slot_b", "two slots of one size"),
            ("0x80000", "0x4000", "the slot is too small"),
            ("class: lamp-1", "class: lamp-2", "of another vendor or class"),
            ("vendor: lamp.example", "vendor: Lamp Works", "neither a domain name"),
            ("page: 4096", "page: 4000", "release.page: expected a power of two"),
            ("  page: 4096\n", "", "release.page is missing"),
            (text[text.index("release:"):], "", "release is missing")):
        maker.write("wrong.yaml", text.replace(old, new))
        maker.refused(sentence, *base, "1.4.0", "--elf", image, "wrong.yaml")
    with open(maker.path("release/1.3.0/slot-a.bin"), "r+b") as file:
        file.seek(100)
        file.write(b"x")
    maker.refused("is not what its seal is of", "channel", "--key", "keys/two.key", "1.3.0")
    maker.refused("not the name of a version", "channel", "--key", "keys/two.key", "../release/1.2.0")
    maker.expect("1.4.0" not in os.listdir(maker.path("release")), "a refused version was written")


def main():
    maker = Maker(sys.argv[1])
    for test in (test_keys, test_versions, test_repeats, test_delta, test_channel, test_roots,
                 test_signing_elsewhere, test_statement, test_refusals):
        test(maker)
    return maker.finish()


if __name__ == "__main__":
    sys.exit(main())
