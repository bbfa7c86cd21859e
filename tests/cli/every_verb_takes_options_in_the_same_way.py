#!/usr/bin/env python3
"""Every verb explains its options, refuses a wrong use with exit code 2 and one sentence that
names it, ends its options at `--`, and has a man page with the options of its --help.

    every_verb_takes_options_in_the_same_way.py PROOFMARK MAN_PAGES
"""
import os
import re
import subprocess
import sys
import tempfile

PROOFMARK, MAN_PAGES = map(os.path.abspath, sys.argv[1:3])
VERBS = ("check", "harden", "init", "keygen", "ship", "verify")
# Verbs of a verb: one man page, a section of options for each.
RELEASE = tuple(f"release {verb}" for verb in
                ("keygen", "build", "delta", "channel", "revoke", "rotate", "sign", "layout"))
ROW = re.compile(r"^  (?:-(\w),|   ) --([a-z-]+)(?: (\S+))?(?:  |$)")


def run(*arguments):
    verb, *rest = arguments or ("",)
    return subprocess.run([PROOFMARK, *verb.split(), *rest], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)


def expect(holds, what):
    if not holds:
        sys.exit(f"failed: {what}")


def wrong(verb, sentence, *arguments):
    done = run(verb, *arguments)
    wanted = f"proofmark {verb}: {sentence}; see proofmark {verb} --help\n"
    expect(done.returncode == 2 and not done.stdout and done.stderr == wanted,
           f"{verb} {arguments} wants {wanted!r}: {done}")


def options_of(verb):
    """{name: (letter, value)} from --help."""
    done = run(verb, "--help")
    expect(done.returncode == 0 and not done.stderr, done)
    expect(done.stdout.startswith(f"usage: proofmark {verb} "), done.stdout)
    expect(run(verb, "-h").stdout == done.stdout, f"{verb} -h is not --help")
    lines = done.stdout.splitlines()
    expect(re.fullmatch(r"Exit status: 0 .*, 1 .*, 2 wrong use\.", lines[-1]), lines[-1])
    expect(max(map(len, lines)) <= 100, f"{verb} --help has a line that is too long")
    rows = [ROW.match(line) for line in lines]
    return {m[2]: (m[1], m[3]) for m in rows if m}


def options_of_man(verb):
    page, *section = verb.split()
    with open(os.path.join(MAN_PAGES, f"proofmark-{page}.1"), encoding="utf-8") as file:
        text = file.read().replace("\\-", "-")
    for name in section:
        expect(f".B proofmark release {name}\n" in text.split(".SH DESCRIPTION")[0], f"{verb} is not in the synopsis")
        text = text.split(f'.SH "OPTIONS OF {name.upper()}"\n')[1].split(".SH ")[0]
    found = {}
    for line in re.findall(r"^\.TP\n\.B[RI]? (.*)", text, re.M):
        m = re.match(r'(?:-(\w) ", " )?--([a-z-]+)', line)
        if m:
            found[m[2]] = m[1]
    return found


def test_man_page(verb, options):
    """The synopsis has every option but --help, and all pages have one header and footer."""
    with open(os.path.join(MAN_PAGES, f"proofmark-{verb}.1"), encoding="utf-8") as file:
        text = file.read().replace("\\-", "-")
    synopsis = text.split(".SH SYNOPSIS\n")[1].split(".SH ")[0]
    for name, (letter, _) in options.items():
        named = re.search(rf"--{name}\b", synopsis) or (letter and re.search(rf"(^| )-{letter}\b", synopsis, re.M))
        expect(named or name == "help", f"{verb}: the synopsis lacks --{name}: {synopsis}")
    wanted = f'.TH PROOFMARK-{verb.upper()} 1 "" "{version}" "Proofmark manual"'
    expect(text.startswith(wanted + "\n"), f"{verb}: the page does not begin {wanted}")


def test_verb(verb):
    options = options_of(verb)
    if verb in VERBS:
        test_man_page(verb, options)
    expect(options.get("help") == ("h", None) and len(options) > 2, f"{verb}: {options}")
    told = {name: letter for name, (letter, _) in options.items()}
    expect(told == options_of_man(verb), f"{verb}: {told} but {options_of_man(verb)}")
    wrong(verb, "there is no option --nonsense", "--nonsense")
    wrong(verb, "there is no option --nonsense=1", "--nonsense=1")
    wrong(verb, "there is no option -Z", "-Z")
    wrong(verb, "--help takes no value", "--help=yes")
    for name, (letter, value) in options.items():
        if value:
            wrong(verb, f"--{name} needs a value", f"--{name}")
        else:
            wrong(verb, f"--{name} takes no value", f"--{name}=x")
        if value and letter:
            wrong(verb, f"-{letter} needs a value", f"-{letter}")
    arguments = [run(verb, *list_of).stderr for list_of in (["a", "b"], ["--", "--help", "-h"])]
    expect(arguments[0] == arguments[1] and "it takes " in arguments[0], f"{verb}: {arguments}")


def test_argument_behind_two_dashes():
    """A file may begin with a dash where `--` says so, and options may follow arguments."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for verb in ("check", "init", "verify", "ship"):
            done = run(verb, "--", "--json")
            expect(done.returncode == 1 and done.stderr.startswith(f"proofmark {verb}: --json: "), done)
        done = run("harden", "-o", "out.elf", "--", "-in.elf")
        expect(done.returncode == 1 and "-in.elf" in done.stderr, done)
        done = run("harden", "in.elf", "-oout.elf", "--seed=0g")
        expect(done.returncode == 2 and "not a seed: 0g" in done.stderr, done)


def test_values():
    for text in ("0x10", "0x10:", ":4", "0x10:0", "-1:4", "0x10:4x", " 1:4", "0xffffffff:1",
                 "0x100000000:4", "4:99999999999999999999"):
        wrong("check", f"not a range START:SIZE: {text}", f"--writable={text}", "x")
        wrong("harden", f"not a range START:SIZE: {text}", "--flash", text, "-o", "y", "x")
    for text in ("0", "", "x", "-4", "0x100000000"):
        wrong("check", f"not an address: {text}", f"--stack-limit={text}", "x")
    many = [word for i in range(17) for word in ("--writable", f"{i}:1")]
    wrong("check", "too many writable ranges", *many, "x")
    wrong("harden", "too many writable ranges", *many, "x")
    wrong("verify", "--at takes YYYY-MM-DD", "--at", "2026-13-01", "x")
    for verb in ("keygen", "ship"):
        for text in ("x", "-1", "", "1x", "99999999999999999999"):
            wrong(verb, "--passphrase-fd takes a descriptor's number", "--passphrase-fd", text)


version = run("--version").stdout.strip()
expect("--version" in run("--help").stdout, "--help does not name --version")
for each in VERBS + RELEASE:
    test_verb(each)
test_argument_behind_two_dashes()
test_values()
