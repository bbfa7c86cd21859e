#!/usr/bin/env python3
"""proofmark keygen: modes, encryption that openssl reads, existing keys kept, the prompt.

usage: keygen_keeps_keys_private.py KEYGEN
"""
import json
import os
import pty
import resource
import select
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import time

KEYGEN = os.path.abspath(sys.argv[1])


def run(*arguments, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([KEYGEN, *arguments], capture_output=True, text=True, check=False, **more)


def run_with(passphrase, *arguments):
    return run("--passphrase-fd", "0", *arguments, stdin=None, input=passphrase)


def openssl_public(path, passphrase):
    return subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-passin", "pass:" + passphrase],
                          capture_output=True, text=True, check=False)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def refused(done, words, code=1):
    assert done.returncode == code, done
    assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == "", done.stdout


def test_pair():
    done = run_with("correct horse battery\n", "--json")
    assert done.returncode == 0, done
    facts = json.loads(done.stdout)
    assert facts["private"] == "maker.key" and facts["public"] == "maker.pub" and facts["encrypted"]
    assert stat.S_IMODE(os.stat("maker.key").st_mode) == 0o600
    assert stat.S_IMODE(os.stat("maker.pub").st_mode) == 0o644
    assert "ENCRYPTED" in read("maker.key")
    theirs = openssl_public("maker.key", "correct horse battery")
    assert theirs.stdout == read("maker.pub"), theirs
    assert openssl_public("maker.key", "correct horse batterz").returncode != 0
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", "maker.pub", "-outform", "DER"],
                         capture_output=True, check=True).stdout
    hashed = subprocess.run(["openssl", "sha256", "-r"], input=der, capture_output=True, check=True)
    assert hashed.stdout.split()[0].decode() == facts["id"]


def test_existing_is_kept():
    before = read("maker.key"), read("maker.pub")
    refused(run("--no-passphrase"), "maker.key: exists already and is kept")
    refused(run("-o", "new.key", "--public", "maker.pub", "--no-passphrase"), "maker.pub: exists")
    assert (read("maker.key"), read("maker.pub")) == before and not os.path.exists("new.key")
    done = run("--no-passphrase", "--force")
    assert done.returncode == 0 and "NOT encrypted" in done.stdout, done
    assert read("maker.key") != before[0] and "ENCRYPTED" not in read("maker.key")
    assert stat.S_IMODE(os.stat("maker.key").st_mode) == 0o600
    assert openssl_public("maker.key", "").stdout == read("maker.pub")


def test_nothing_half_written():
    def full_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = run("-o", "full.key", "--no-passphrase", preexec_fn=full_disk)
    refused(done, "full.key: cannot be written")
    refused(run("-o", "half.key", "--public", "absent/half.pub", "--no-passphrase"), "absent/half.pub")
    refused(run("-o", "absent/a.key", "--no-passphrase"), "absent/a.key")
    refused(run_with("", "-o", "none.key"), "the passphrase is empty")
    refused(run_with("short\n", "-o", "none.key"), "shorter than 8 bytes")
    refused(run_with("a\0bcdefghij\n", "-o", "none.key"), "zero byte")
    refused(run_with("x" * 2000, "-o", "none.key"), "longer than")
    refused(run("-o", "none.key", "--passphrase-fd", "77"), "descriptor 77")
    refused(run("-o", "none.key", start_new_session=True), "no terminal")
    assert sorted(os.listdir(".")) == ["maker.key", "maker.pub"], os.listdir(".")


def test_wrong_use():
    for arguments in (["--nonsense"], ["argument"], ["-o"], ["--passphrase-fd", "x"],
                      ["--passphrase-fd", "-1"], ["--passphrase-fd", "0", "--no-passphrase"],
                      ["-o", "same.pub", "--public", "same.pub"]):
        refused(run(*arguments), "--help", code=2)
    done = run("--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: proofmark keygen")


class Terminal:
    """The verb on a terminal of its own."""

    def __init__(self, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(KEYGEN, [KEYGEN, *arguments])
        self.seen = ""

    def until(self, words):
        deadline = time.monotonic() + 60
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.fd, 4096).decode()
                except OSError:
                    break
        assert words in self.seen, self.seen

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_prompt():
    terminal = Terminal("-o", "typed.key")
    terminal.until("Passphrase for typed.key: ")
    assert not terminal.echoes()
    terminal.type("typed by hand\n")
    terminal.until("The same again: ")
    terminal.type("typed by hand\n")
    terminal.until("key id")
    assert "typed by hand" not in terminal.seen
    assert terminal.wait() == 0
    assert openssl_public("typed.key", "typed by hand").stdout == read("typed.pub")

    terminal = Terminal("-o", "differs.key")
    terminal.until("Passphrase")
    terminal.type("typed by hand\n")
    terminal.until("again")
    terminal.type("typed by foot\n")
    terminal.until("differ")
    assert terminal.wait() == 1 and not os.path.exists("differs.key")


def test_signal_at_the_prompt():
    for number in (signal.SIGINT, signal.SIGTERM):
        terminal = Terminal("-o", "interrupted.key")
        terminal.until("Passphrase")
        assert not terminal.echoes()
        os.kill(terminal.pid, number)
        deadline = time.monotonic() + 60
        while not terminal.echoes():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert terminal.wait() == -number
        assert not os.path.exists("interrupted.key")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for test in (test_pair, test_existing_is_kept, test_nothing_half_written, test_wrong_use,
                     test_prompt, test_signal_at_the_prompt):
            test()
            print(test.__name__, "ok")
        os.chdir("/")


main()
