#!/usr/bin/env python3
"""Whatever happens while `proofmark harden` writes, its output is whole or not there, and
what stood there before is kept unless --force is given.

    output_is_whole_or_absent.py PROOFMARK
"""
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../firmware"))
from board import Board  # noqa: E402

PROGRAM = """
#include <stdio.h>
int main(void) { return puts("hello") < 0; }
"""
NOBODY = 65534


def one_sentence(done, words):
    told = done.stderr.strip()
    return done.returncode == 1 and told.count("\n") == 0 and all(word in told for word in words)


def keeps_what_is_there(board, elf):
    for which in ("-o", "--report"):
        folder = board.path(f"kept{which}")
        os.mkdir(folder)
        paths = {"-o": f"{folder}/out.elf", "--report": f"{folder}/report.json"}
        with open(paths[which], "w", encoding="utf-8") as file:
            file.write("precious")
        arguments = [part for pair in paths.items() for part in pair]
        done = board.tool("harden", *arguments, elf)
        with open(paths[which], encoding="utf-8") as file:
            kept = file.read() == "precious"
        board.expect(one_sentence(done, [paths[which], "--force"]) and kept, f"existing {which}: {done}")
        board.expect(len(os.listdir(folder)) == 1, f"existing {which}: also wrote {os.listdir(folder)}")
        done = board.tool("harden", *arguments, "--force", elf)
        board.expect(done.returncode == 0 and len(os.listdir(folder)) == 2, f"--force {which}: {done}")
        with open(paths["-o"], "rb") as file:
            board.expect(file.read(4) == b"\x7fELF", f"--force {which}: no ELF came")


def listen(path):
    """What is written to a FIFO, read in a thread; .join() first."""
    def read():
        with open(path, "rb") as file:
            thread.got = file.read()

    thread = threading.Thread(target=read)
    thread.start()
    return thread


def writes_to_streams(board, elf):
    """A FIFO or character device, by a link too, stays what it is and gets the report, with
    --force and without; also when the run fails afterwards."""
    folder = board.path("streams")
    os.mkdir(folder)
    fifo, link, out = f"{folder}/fifo", f"{folder}/link", f"{folder}/out.elf"
    os.mkfifo(fifo)
    os.symlink("fifo", link)
    for path, options in ((fifo, []), (fifo, ["--force"]), (link, ["--force"])):
        reader = listen(path)
        done = board.tool("harden", "--report", path, "-o", out, *options, elf)
        if done.returncode != 0:  # the reader is waiting for a writer
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        reader.join()
        board.expect(done.returncode == 0 and b'"functions"' in reader.got, f"{path} {options}: {done}")
        board.expect(stat.S_ISFIFO(os.lstat(fifo).st_mode) and os.path.islink(link), f"{path} {options}: replaced")
        os.unlink(out)
    os.mkdir(out, 0o555)
    reader = listen(fifo)
    done = board.tool("harden", "--report", fifo, "-o", f"{out}/{'x' * 300}", elf)
    reader.join()
    board.expect(done.returncode == 1 and stat.S_ISFIFO(os.lstat(fifo).st_mode), f"failed behind a FIFO: {done}")
    terminal, device = os.openpty()
    name = os.ttyname(device)
    done = board.tool("keygen", "--no-passphrase", "-o", f"{folder}/a.key", "--public", name)
    got = os.read(terminal, 4096)
    board.expect(done.returncode == 0 and b"PUBLIC KEY" in got, f"a terminal: {done} {got}")
    board.expect(stat.S_ISCHR(os.lstat(name).st_mode), "a terminal: replaced")
    os.close(device)
    os.close(terminal)
    done = board.tool("harden", "--json", "--report", "/dev/stdout", "-o", f"{folder}/piped.elf", elf)
    board.expect(done.returncode == 0 and '"functions"' in done.stdout, f"/dev/stdout: {done}")


def refuses_what_is_no_file(board, elf):
    folder = board.path("others")
    os.mkdir(folder)
    os.mkdir(f"{folder}/folder")
    with open(f"{folder}/file", "w", encoding="utf-8") as file:
        file.write("precious")
    os.symlink("file", f"{folder}/link")
    os.symlink("nothing", f"{folder}/dangling")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/socket")
    before = {name: os.lstat(f"{folder}/{name}") for name in os.listdir(folder)}
    for name, words in (("folder", "not a regular file"), ("socket", "not a regular file"),
                        ("link", "symbolic link"), ("dangling", "symbolic link")):
        for which in (["-o"], ["-o", board.path("unused.elf"), "--report"]):
            done = board.tool("harden", "--force", *which, f"{folder}/{name}", elf)
            board.expect(one_sentence(done, [name, words]), f"{which} {name}: {done}")
        done = board.tool("keygen", "--force", "--no-passphrase", "-o", f"{folder}/{name}")
        board.expect(one_sentence(done, [name, words]), f"keygen {name}: {done}")
    after = {name: os.lstat(f"{folder}/{name}") for name in os.listdir(folder)}
    same = before.keys() == after.keys() and all(
        (before[n].st_ino, before[n].st_mode, before[n].st_size) == (after[n].st_ino, after[n].st_mode, after[n].st_size)
        for n in before)
    board.expect(same, f"changed: {sorted(after)}")
    board.expect(not os.path.exists(board.path("unused.elf")), "one output was written, the other one refused")


def unwritable(board, elf):
    folder = board.path("readonly")
    os.mkdir(folder, 0o555)
    os.chmod(board.directory.name, 0o755)
    out = f"{folder}/out.elf"

    def drop():
        if os.getuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    # root writes anywhere; the tool's own folder may be closed to others, so run a copy
    tool = board.path("proofmark")
    with open(board.proofmark, "rb") as source, open(tool, "wb") as target:
        target.write(source.read())
    os.chmod(tool, 0o755)
    done = subprocess.run([tool, "harden", "-o", out, elf], capture_output=True, text=True, preexec_fn=drop,
                          check=False)
    board.expect(one_sentence(done, [out, "Permission denied"]), f"unwritable directory: {done}")
    board.expect(not os.listdir(folder), f"unwritable directory: {os.listdir(folder)}")
    done = board.tool("harden", "-o", board.path("none/out.elf"), elf)
    board.expect(one_sentence(done, ["none/out.elf", "No such file"]), f"no directory: {done}")


def spares_the_input(board, elf):
    """--force replaces an older output, never the linker's, by whatever path it is named."""
    with open(elf, "rb") as file:
        whole = file.read()
    os.symlink(elf, board.path("link.elf"))
    other = os.path.join(os.path.dirname(elf), ".", os.path.basename(elf))
    for out in ([elf], [other], [board.path("link.elf")], [board.path("x.elf"), "--report", elf]):
        done = board.tool("harden", "--force", "-o", *out, elf)
        board.expect(one_sentence(done, [out[-1], "is the input"]), f"{out}: {done}")
    done = board.tool("harden", "--force", "-o", board.path("x.elf"), "--report", board.path("x.elf"), elf)
    board.expect(one_sentence(done, ["x.elf", "two outputs"]), str(done))
    done = board.tool("init", "--force", "-o", elf, elf)
    board.expect(one_sentence(done, [elf, "is the input"]), str(done))
    with open(elf, "rb") as file:
        board.expect(file.read() == whole, "the input changed")
    board.expect(not os.path.exists(board.path("x.elf")), "an output was written")
    os.unlink(board.path("link.elf"))


def full_disk(board, elf):
    """A file may not grow beyond 4 KiB: as on a full disk, the write fails in the middle."""
    folder = board.path("full")
    os.mkdir(folder)
    for ignored in (True, False):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN if ignored else signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        done = subprocess.run([board.proofmark, "harden", "-o", f"{folder}/out.elf", elf], capture_output=True,
                              text=True, preexec_fn=limit, restore_signals=False, check=False)
        board.expect(one_sentence(done, ["out.elf", "File too large"]), f"full disk: {done}")
        board.expect(not os.listdir(folder), f"full disk: {os.listdir(folder)}")


def terminated(board, elf):
    """SIGTERM after ever longer times, until a run ends before it: never a temporary file,
    and the output is the whole one or the old one."""
    folder = board.path("stopped")
    os.mkdir(folder)
    out = f"{folder}/out.elf"
    board.tool("harden", "-o", out, "--seed", "01", elf)
    with open(out, "rb") as file:
        old = file.read()
    board.tool("harden", "-o", out, "--force", elf)
    with open(out, "rb") as file:
        new = file.read()
    board.expect(old != new, "two seeds gave the same bytes")
    stopped, delay = 0, 0.0
    while True:
        with open(out, "wb") as file:
            file.write(old)
        with subprocess.Popen([board.proofmark, "harden", "-o", out, "--force", elf],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            time.sleep(delay)
            child.send_signal(signal.SIGTERM)
        with open(out, "rb") as file:
            now = file.read()
        right = now == new if child.returncode == 0 else now in (old, new)
        board.expect(right and os.listdir(folder) == ["out.elf"],
                     f"SIGTERM after {delay:.3f} s: exit {child.returncode}, {os.listdir(folder)}")
        stopped += child.returncode == -signal.SIGTERM
        if child.returncode == 0 or delay > 5:
            break
        delay = delay * 1.3 + 0.002
    board.expect(stopped > 0, "no run was stopped")


def main():
    board = Board(sys.argv[1])
    elf = board.build("good", PROGRAM, flags=["-Os"])
    keeps_what_is_there(board, elf)
    writes_to_streams(board, elf)
    refuses_what_is_no_file(board, elf)
    unwritable(board, elf)
    spares_the_input(board, elf)
    full_disk(board, elf)
    terminated(board, elf)
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
