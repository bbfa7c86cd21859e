#!/usr/bin/env python3
"""`tools/setup` says what it installs, installs that alone, as root or through sudo, and does and
says nothing when all is there. apt-get, dpkg-query, sudo and id are stand-ins that note what they
were asked; no package of this machine is looked at.

    setup_installs_what_is_missing.py SETUP
"""
import os
import shutil
import subprocess
import sys
import tempfile

SETUP = os.path.abspath(sys.argv[1])
PACKAGES = """\
# kind     package     for     why
package    compiler    build   builds
package    emulator    demo    runs
package    linter      check   looks
command    fetcher     check   fetches
source     library     demo    is built across
"""
# What the script may use of this machine; anything else has to be a stand-in.
REAL = ("sh", "awk", "cat", "chmod", "cmp", "cp", "dirname", "env", "grep", "ls", "mkdir", "mktemp", "mv",
        "rm", "sed", "tail", "tar", "tr")
DPKG_QUERY = r"""for name; do :; done
grep -qx "$name" "$STATE/installed" && printf installed
"""
APT_GET = r"""echo "$SUDO_MARK"apt-get "$@" >> "$STATE/asked"
for word; do
    case $word in
    update|install|source) verb=$word; break ;;
    esac
done
[ ! -e "$STATE/$verb-fails" ] || { echo "E: no network" >&2; exit 100; }
case $verb in
install)
    after=no
    for word; do
        case $word in
        install) after=yes ;;
        -*) ;;
        *) if [ $after = yes ]; then
               echo "$word" >> "$STATE/installed"
               [ "$word" != fetcher ] || { printf '#!/bin/sh\n' > "$STATE/bin/fetcher"; chmod +x "$STATE/bin/fetcher"; }
           fi ;;
        esac
    done ;;
source)
    for name; do :; done
    mkdir "$name-1.2"; echo "int x;" > "$name-1.2/x.c"; printf 'Format: 3.0\nVersion: 1.2-3\n' > "$name.dsc" ;;
esac
"""
SUDO = 'SUDO_MARK="sudo " exec "$@"\n'
failures = []
passed = 0


def expect(condition, told):
    global passed
    passed += bool(condition)
    if not condition:
        failures.append(told)
        print(f"FAILED: {told}", flush=True)


class Machine:
    """A project's folder with this script, and a machine where `installed` is there."""

    def __init__(self, installed=(), root=True, sudo=False):
        self.folder = tempfile.TemporaryDirectory()
        self.uid = 0 if root else 1000
        for folder in ("bin", "tools"):
            os.mkdir(self.path(folder))
        shutil.copy(SETUP, self.path("tools/setup"))
        self.write("tools/packages", PACKAGES)
        self.write("installed", "".join(f"{name}\n" for name in installed))
        for name in REAL:
            os.symlink(shutil.which(name), self.path(f"bin/{name}"))
        self.stand_in("dpkg-query", DPKG_QUERY)
        self.stand_in("apt-get", APT_GET)
        self.stand_in("id", f"echo {self.uid}\n")
        if sudo:
            self.stand_in("sudo", SUDO)
        if "fetcher" in installed:
            self.stand_in("fetcher", "")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def stand_in(self, name, text):
        self.write(f"bin/{name}", "#!/bin/sh\n" + text)
        os.chmod(self.path(f"bin/{name}"), 0o755)

    def setup(self, *arguments):
        """(exit code, standard output, standard error, what apt-get was asked)"""
        self.write("asked", "")
        done = subprocess.run([self.path("tools/setup"), *arguments], capture_output=True, text=True, check=False,
                              env={"PATH": self.path("bin"), "STATE": self.folder.name,
                                   "PROOFMARK_SOURCES": self.path("sources")})
        with open(self.path("asked"), encoding="utf-8") as file:
            return done.returncode, done.stdout, done.stderr, file.read().splitlines()


def installs(asked):
    """(whether through sudo, the packages) of each install."""
    found = []
    for line in asked:
        words = line.split()
        if "install" in words:
            names = [word for word in words[words.index("install") + 1:] if not word.startswith("-")]
            found.append((words[0] == "sudo", names))
    return found


def nothing_is_missing():
    with Machine(["compiler"], root=False) as machine:  # nor is root needed
        expect(machine.setup("build") == (0, "", "", []), "build: all is there")
        expect(machine.setup("--missing", "build") == (0, "", "", []), "--missing build: all is there")


def only_what_is_missing():
    for root in (True, False):
        with Machine(["compiler"], root=root, sudo=not root) as machine:
            code, out, err, asked = machine.setup("--missing", "check")
            expect((code, out, asked) == (1, "missing: emulator linter fetcher library\n", []), f"--missing: {out} {err} {asked}")
            code, out, _, _ = machine.setup("--missing", "demo")
            expect((code, out) == (1, "missing: emulator library\n"), f"--missing demo: {out}")
            code, out, err, asked = machine.setup("demo")
            expect(code == 0 and "setup: installing from Debian: emulator\n" in out, f"demo: {code} {out} {err}")
            expect("setup: fetching Debian sources: library\n" in out and "unpacked library 1.2-3" in out, f"demo: {out}")
            expect(installs(asked) == [(not root, ["emulator"])], f"demo: {asked}")
            with open(machine.path("sources/library/.complete"), encoding="utf-8") as file:
                expect(file.read() == "1.2-3\n", "the source's version is not kept")
            expect(os.path.exists(machine.path("sources/library/library-1.2/x.c")), "the source is not there")
            expect(machine.setup("demo") == (0, "", "", []), "demo, again")
            code, out, err, asked = machine.setup()  # check, when nothing is said
            expect(code == 0 and installs(asked) == [(not root, ["linter", "fetcher"])], f"check: {code} {asked} {err}")
            expect(out == "setup: installing from Debian: linter fetcher\n", f"check: {out}")
            expect(machine.setup("check") == (0, "", "", []), "check, again")


def refusals():
    with Machine(root=False) as machine:
        code, _, err, asked = machine.setup("build")
        expect(code == 1 and "needs root" in err and "sudo" in err and not asked, f"no root, no sudo: {code} {err} {asked}")
    for verb in ("update", "install"):
        with Machine() as machine:
            machine.write(f"{verb}-fails", "")
            code, _, err, asked = machine.setup("build")
            expect(code == 1 and f"apt-get {verb} failed" in err and asked, f"{verb} fails: {code} {err} {asked}")
    with Machine(["compiler", "emulator"]) as machine:
        machine.write("source-fails", "")
        code, _, err, _ = machine.setup("demo")
        expect(code == 1 and "cannot fetch the source package library" in err, f"source fails: {code} {err}")
        expect(machine.setup("--missing", "demo")[:2] == (1, "missing: library\n"), "half a source counts")
        os.unlink(machine.path("source-fails"))
        expect(machine.setup("demo")[0] == 0 and machine.setup("demo") == (0, "", "", []), "the source, again")
    with Machine() as machine:
        os.unlink(machine.path("bin/apt-get"))
        code, _, err, _ = machine.setup("build")
        expect(code == 1 and "apt-get" in err and "compiler" in err, f"no apt-get: {code} {err}")
        code, _, err, asked = machine.setup("everything")
        expect(code == 2 and "usage" in err and not asked, f"wrong use: {code} {err}")


nothing_is_missing()
only_what_is_missing()
refusals()
print(f"{passed} passed, {len(failures)} failed")
sys.exit(1 if failures or not passed else 0)
