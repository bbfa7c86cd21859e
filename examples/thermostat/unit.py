"""A unit of the thermostat that updates itself, in QEMU with its flash in a file, and the server that
it fetches from."""
import atexit
import functools
import http.server
import os
import re
import subprocess
import threading
import time

ROOT_DOCUMENT_AT, SLOT_A_AT, FLASH_BYTES = 0x3c00, 0x10000, 0x110000  # docs/boot.md


class Failed(Exception):
    """What should hold does not."""


def expect(holds, sentence):
    if not holds:
        raise Failed(sentence)


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


class Unit:
    """A folder with the unit's flash, and the emulator while it is switched on."""

    def __init__(self, stage, root_document, factory_image, folder):
        """As it leaves the factory: the boot stage, whom it believes, and an image in slot A."""
        self.stage, self.folder, self.process, self.said = stage, folder, None, ""
        atexit.register(self.cut)  # no emulator outlives a test that fails
        os.makedirs(folder, exist_ok=True)
        flash = bytearray(b"\xff" * FLASH_BYTES)
        for at, path in ((ROOT_DOCUMENT_AT, root_document), (SLOT_A_AT, factory_image)):
            with open(path, "rb") as file:
                data = file.read()
            flash[at:at + len(data)] = data
        with open(os.path.join(folder, "flash.bin"), "wb") as file:
            file.write(flash)

    def switch_on(self):
        self.said, self.began = "", time.monotonic()
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "stdio",
             "-semihosting-config", "enable=on,target=native", "-nic", "user,model=lan9118",
             "-kernel", os.path.abspath(self.stage)], cwd=self.folder, stdin=subprocess.PIPE,
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
        if not self.process:
            return
        self.process.kill()
        self.process.wait()
