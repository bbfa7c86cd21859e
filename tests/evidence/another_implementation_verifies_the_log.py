#!/usr/bin/env python3
"""Another implementation verifies what ours wrote, from the specifications alone.

Python's json, base64 and hashlib, and the openssl program for Ed25519, take the envelopes,
proofs and checkpoints of a freshly made log apart (DSSE v1, in-toto Statement v1, RFC 9162,
C2SP signed-note, tlog-checkpoint, tlog-proof). A changed copy must fail here too, so that
this test can fail.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile


def sha256(data):
    return hashlib.sha256(data).digest()


def signature_holds(public_pem, message, signature, folder):
    """Ed25519 by the openssl program."""
    paths = [os.path.join(folder, name) for name in ("message", "signature")]
    for path, data in zip(paths, (message, signature)):
        with open(path, "wb") as file:
            file.write(data)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public_pem, "-rawin",
         "-in", paths[0], "-sigfile", paths[1]], capture_output=True, check=False)
    return done.returncode == 0


def spki(public_pem):
    return subprocess.run(["openssl", "pkey", "-pubin", "-in", public_pem, "-outform", "DER"],
                          capture_output=True, check=True).stdout


def check_envelope(raw, key_id, public_pem, folder):
    """Returns the payload type once the envelope's signature holds."""
    envelope = json.loads(raw)
    payload = base64.b64decode(envelope["payload"], validate=True)
    kind = envelope["payloadType"].encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    (signature,) = envelope["signatures"]
    assert signature["keyid"] == key_id.hex()
    assert signature_holds(public_pem, pae, base64.b64decode(signature["sig"]), folder)
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"][0]["digest"]["sha256"] == sha256(b"the image").hex()
    # RFC 8785 on our subset of JSON is what Python calls sorted and compact.
    again = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again.encode() == payload
    again = json.dumps(envelope, separators=(",", ":"))
    assert again.encode() == raw
    return kind


def leaf(raw, kind, key_id):
    return b"PMLEAF\0\1" + sha256(raw) + key_id + kind.ljust(120, b"\0")


def tree(leaves):
    """MTH of RFC 9162, section 2.1.1."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + tree(leaves[:k]) + tree(leaves[k:]))


def inclusion(leaves, index):
    """PATH of RFC 9162, section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return inclusion(leaves[:k], index) + [tree(leaves[k:])]
    return inclusion(leaves[k:], index - k) + [tree(leaves[:k])]


def consistency(leaves, old, whole=True):
    """SUBPROOF of RFC 9162, section 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [tree(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if old <= k:
        return consistency(leaves[:k], old, whole) + [tree(leaves[k:])]
    return consistency(leaves[k:], old - k, False) + [tree(leaves[:k])]


def check_checkpoint(note, public_pem, raw_key, leaves, folder):
    text, signatures = note.rsplit(b"\n\n", 1)
    text += b"\n"
    origin, size, root, end = text.split(b"\n")
    assert end == b"" and int(size) == len(leaves)
    assert base64.b64decode(root, validate=True) == tree(leaves)
    dash, name, blob = signatures.rstrip(b"\n").split(b" ")
    assert dash == "\u2014".encode() and name == origin
    blob = base64.b64decode(blob, validate=True)
    assert blob[:4] == sha256(name + b"\n\1" + raw_key)[:4]
    assert signature_holds(public_pem, text, blob[4:], folder)


def check_proof(proof, first, hashes, note):
    lines = first + [base64.b64encode(one) for one in hashes] + [b"", note]
    assert proof == b"\n".join(lines)


def check_all(folder, count):
    def read(name):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()

    public_pem = os.path.join(folder, "maker.pub")
    der = spki(public_pem)
    key_id, raw_key = sha256(der), der[-32:]
    leaves = []
    for i in range(count):
        raw = read(f"{i}.json")
        leaves.append(leaf(raw, check_envelope(raw, key_id, public_pem, folder), key_id))
        check_checkpoint(read(f"checkpoint-{i + 1}"), public_pem, raw_key, leaves, folder)
        assert read(f"log/envelopes/{sha256(raw).hex()}.json") == raw
    assert read("log/leaves") == b"".join(leaves)
    note = read(f"checkpoint-{count}")
    assert read("log/checkpoint") == note
    for i in range(count):
        check_proof(read(f"{i}.tlog-proof"), [b"c2sp.org/tlog-proof@v1", b"index %d" % i],
                    inclusion(leaves, i), note)
        if i > 0:
            check_proof(read(f"old-{i}.consistency"), [b"old %d" % i], consistency(leaves, i), note)


def main():
    count = 11
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder, str(count)], check=True)
        check_all(folder, count)
        for name in ("3.json", "checkpoint-5", "7.tlog-proof", "old-6.consistency", "log/leaves"):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                good = file.read()
            with open(path, "wb") as file:
                file.write(good[:60] + bytes([good[60] ^ 1]) + good[61:])
            try:
                check_all(folder, count)
            except (AssertionError, ValueError, OSError):
                pass
            else:
                raise SystemExit(f"a changed {name} was accepted")
            with open(path, "wb") as file:
                file.write(good)
        check_all(folder, count)


main()
