#!/usr/bin/env python3
"""Envelopes and channel documents, read and verified by the npm packages cbor and @auth0/cose.

    other_implementations_read_what_is_written.py WRITE_EXAMPLES READER MODULES
"""
import subprocess
import sys
import tempfile

write_examples, reader, modules = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([write_examples, folder], check=True, timeout=60)
    done = subprocess.run(["node", reader, modules, folder], timeout=60, text=True,
                          stdout=subprocess.PIPE)
    print(done.stdout, end="")
    if done.returncode != 0 or "checks by other implementations hold" not in done.stdout:
        sys.exit("the other implementations disagree; see above")
