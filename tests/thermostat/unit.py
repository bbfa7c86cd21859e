"""The thermostat that updates itself: three versions built, hardened and released for both slots, a
server on the loopback, and a unit in QEMU whose flash is a file."""
import functools
import http.server
import os
import re
import shutil
import subprocess
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
EXAMPLE = os.path.join(ROOT, "examples", "thermostat")
WINDOW = ("--flash-window", "flash_open", "--flash-window", "flash_close")
SLOTS = {"a": "0x10000:0x80000", "b": "0x90000:0x80000"}
VERSIONS = {1: "1.0.0", 2: "1.1.0", 3: "1.2.0"}


class Failed(Exception):
    """What should hold does not."""


def expect(holds, sentence):
    if not holds:
        raise Failed(sentence)


def quietly(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    expect(done.returncode == 0, f"{' '.join(command)}: {done.stdout}")
    return done.stdout


class Server:
    """Static files with Range, which Python's own server leaves out."""

    def __init__(self, folder):
        handler = functools.partial(RangeHandler, directory=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.sent = {}
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def sent(self, path):
        """Bytes of that file that went over the wire."""
        return self.server.sent.get(path, 0)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.translate_path(self.path)
        if not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, "rb") as file:
            data = file.read()
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(wanted[1]) if wanted else 0
        if wanted and first >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(data) - first))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        try:
            self.wfile.write(data[first:])
        except (BrokenPipeError, ConnectionResetError):
            return
        self.server.sent[self.path] = self.server.sent.get(self.path, 0) + len(data) - first


class Product:
    """Folder with the boot stage, the releases, and the server's tree."""

    def __init__(self, folder, proofmark, make_release, profile="exploit"):
        self.folder, self.proofmark = folder, proofmark
        self.tree = os.path.join(folder, "tree")
        os.makedirs(self.tree)
        self.server = Server(self.tree)
        quietly("make", "-s", "-C", os.path.join(ROOT, "device", "boot"), f"OUT={folder}/stage")
        self.stage = os.path.join(folder, "stage", "stage.elf")
        images = []
        for number in VERSIONS:
            elf = self.build(number)
            if profile:
                elf = self.harden(elf)
            images += [self.lay_out(elf, slot) for slot in SLOTS]
        self.sizes = quietly(make_release, folder, *images)

    def build(self, number):
        out = os.path.join(self.folder, f"v{number}")
        sick = ["SICK=1"] if number == 3 else []
        # Versions differ in two objects; the rest is compiled once.
        before = os.path.join(self.folder, f"v{number - 1}")
        if os.path.isdir(before):
            shutil.copytree(before, out, ignore=shutil.ignore_patterns("thermostat*", "updater.o", "sensor.o"))
        quietly("make", "-s", "-C", EXAMPLE, f"O={out}", "UPDATE=1", f"VERSION={VERSIONS[number]}",
                f"SERVER_PORT={self.server.port}", *sick)
        return os.path.join(out, "thermostat.elf")

    def harden(self, elf):
        out = elf.replace(".elf", "-hardened.elf")
        quietly(self.proofmark, "harden", "--seed", "7468", "--key-function", "random_seed",
                "--stack-limit", "__StackLimit", *WINDOW, "-o", out, elf)
        quietly(self.proofmark, "check", *WINDOW, "--original", elf, out)
        return out

    def lay_out(self, elf, slot):
        out = elf.replace(".elf", f"-{slot}")
        quietly(self.proofmark, "release", "layout", "--slot", SLOTS[slot], "-o", f"{out}.elf",
                "--image", f"{out}.bin", elf)
        return f"{out}.bin"

    def offer(self, number):
        """Atomically, as a server's tree is changed."""
        new = os.path.join(self.tree, "channel.new")
        shutil.copy(os.path.join(self.folder, f"channel-{number}.cose"), new)
        os.rename(new, os.path.join(self.tree, "channel.cose"))

    def close(self):
        self.server.close()


class Unit:
    """One unit: a folder with its flash, and the emulator while it is switched on."""

    def __init__(self, product, folder):
        self.product, self.folder, self.process, self.said = product, folder, None, ""
        os.makedirs(folder, exist_ok=True)
        shutil.copy(os.path.join(product.folder, "flash.bin"), folder)

    def switch_on(self):
        self.said, self.began = "", time.monotonic()
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "stdio",
             "-semihosting-config", "enable=on,target=native", "-nic", "user,model=lan9118",
             "-kernel", self.product.stage], cwd=self.folder, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process):
        while part := process.stdout.read1(4096):
            self.said += part.decode(errors="replace").replace("\r", "")

    def enter(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def wait_for(self, text, seconds=60, start=0):
        """Until the console has said so behind `start`; where that ends."""
        end = time.monotonic() + seconds
        while text not in self.said[start:]:
            ended = self.process.poll() is not None
            expect(time.monotonic() < end and not ended,
                   f"the unit never says {text!r}{f', exit code {self.process.poll()}' if ended else ''}: "
                   f"{self.said[-1500:]}")
            time.sleep(0.01)
        return start + self.said[start:].index(text) + len(text)

    def cut(self):
        """The power goes."""
        self.process.kill()
        self.process.wait()
