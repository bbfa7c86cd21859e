#!/usr/bin/env python3
"""random_seed() never hands out a key that is not random: when the host's source cannot be
opened, the device stops before its first line with exit code 4.

  device_stops_without_a_random_source.py NO_RANDOM_SOURCE.so [PROOFMARK]

The build with the stack protector calls random_seed() as well, so this holds without
hardening; with PROOFMARK the image with sealed return addresses is looked at too."""
import sys
import tempfile

from thermostat import build, console, expect, harden

EXIT_NO_RANDOM_SOURCE = 4


with tempfile.TemporaryDirectory() as directory:
    images = [build(directory, "protector", "PROTECTOR=1")]
    for proofmark in sys.argv[2:]:
        images.append(harden(proofmark, build(directory, "product"), "exploit", "01"))
    for image in images:
        done = console(image, "quit\n")
        expect(done.returncode == 0 and b"bye" in done.stdout, "with a source it runs")
        done = console(image, "quit\n", LD_PRELOAD=sys.argv[1])
        expect(done.returncode == EXIT_NO_RANDOM_SOURCE, "without one it stops")
        expect(done.stdout == b"", "and says nothing before")
