#!/usr/bin/env python3
"""`make bench`: measure everything that has a figure, print one table, write
docs/results.md, and exit 1 when a bound in bench/bounds is missed.

  bench/run.py [PART...]     default: all; see PARTS at the end
  bench/run.py results       write docs/results.md from the parts that have been run

What tests draw is drawn by a seed of this run's own; PROOFMARK_SEED, if set, repeats one.

Sizes and instruction counts repeat to the unit. Times are the median of several runs on
this machine, start-up included. What a PART finds is kept, and docs/results.md is written
when every part has been run, or when asked for; it names the commit that each one measured
and the parts that were not run.
"""
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "tests/corpus"))
import corpus  # noqa: E402 (its folder was put on the path just now)
import figures  # noqa: E402
from build import BIG  # noqa: E402
import pairs  # noqa: E402
import parts  # noqa: E402

PROOFMARK = "build/proofmark"
RESULTS = "docs/results.md"
PATCH_TOOL = "build-bench/tests/device/patch_tool"
RUNS = 9
# Fewer torture programs, drawn by the seed, where the whole matrix takes too long; told in the results.
TORTURE_SAMPLE = os.environ.get("PROOFMARK_TORTURE_SAMPLE", "")
FUZZ_SECONDS = os.environ.get("PROOFMARK_FUZZ_SECONDS", "60")
# What `make check` draws from a fixed seed is drawn anew here. Every test program of a part has this one.
SEED = os.environ.setdefault("PROOFMARK_SEED", str(secrets.randbits(32)))
SETTINGS = ("PROOFMARK_SEED", "PROOFMARK_TORTURE_SAMPLE", "PROOFMARK_FUZZ_SECONDS")


def short(image):
    return os.path.basename(image).removesuffix(".elf")


# --- corpus: behaviour, and cost in flash and instructions


def protector_costs():
    """image -> (flash ratio, instruction ratio) of GCC's -fstack-protector-strong."""
    costs = {}
    for guarded in corpus.program_images(protector=True):
        plain = guarded.replace("-ssp.elf", ".elf")
        runs = corpus.each(corpus.emulate, [(plain, corpus.PLUGIN), (guarded, corpus.PLUGIN)])
        costs[plain] = (corpus.flash_bytes(guarded) / corpus.flash_bytes(plain),
                        runs[1].instructions / runs[0].instructions)
    return costs


def corpus_part(results):
    path = f"{corpus.OUT}/bench.json"
    if os.path.exists(path):
        os.remove(path)
    which = ["check", PROOFMARK, "--sample", TORTURE_SAMPLE] if TORTURE_SAMPLE else ["all", PROOFMARK]
    subprocess.run([sys.executable, "tests/corpus/run.py", *which, "--seed", SEED, "--layouts", "1",
                    "--json", path], check=False)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    cases = result["cases"]
    behaviour(results, cases, result)
    costs(results, [case for case in cases if "/programs/" in case["image"]])


def sealed_share(cases):
    guarded = [case["totals"] for case in cases if case["profile"] == "exploit"]
    return figures.percent(
        sum(total.get("return_sites_protected", 0) for total in guarded),
        sum(total.get("return_sites", 0) - total.get("return_sites_exempt", 0) for total in guarded))


def behaviour(results, cases, result):
    rows = []
    for place, name in (("/programs/", "real programs"), ("/torture/", "gcc's torture programs")):
        for profile in corpus.PROFILES:
            mine = [case for case in cases if place in case["image"] and case["profile"] == profile]
            same = sum(case["verdict"] == "same" for case in mine)
            refused = sum(case["verdict"] == "refused" for case in mine)
            rows.append((name, profile, len(mine), same, refused, len(mine) - same - refused))
    totals = [case["totals"] for case in cases]
    functions = sum(total.get("functions_total", 0) for total in totals)
    accepted = sum(total.get("functions_accepted", 0) for total in totals)
    same = figures.percent(sum(row[3] for row in rows), len(cases))
    results.figures["behaviour_same"] = same
    results.figures["functions_accepted"] = figures.percent(accepted, functions)
    results.figures["return_sites_sealed"] = sealed_share(
        [case for case in cases if not corpus.unwinds(case["image"])])
    results.figures["return_sites_sealed_programs"] = sealed_share(
        [case for case in cases if "/programs/" in case["image"] and not corpus.unwinds(case["image"])])
    results.figures["return_sites_sealed_unwound"] = sealed_share(
        [case for case in cases if corpus.unwinds(case["image"])])
    drawn = f" This run drew {TORTURE_SAMPLE} torture programs, not all." if TORTURE_SAMPLE else ""
    results.sections.append("## Behaviour\n\nEvery image is hardened and run under QEMU beside its original; "
                    f"output and exit code must be the same, and `check --original` must hold.{drawn}\n\n" +
                    figures.table(["programs", "profile", "cases", "same", "refused", "different"], rows) +
                    f"\n\nFunctions accepted: {accepted:,} of {functions:,}; those of the program with C++ "
                    "exceptions whose frames its unwinder reads stay as they are. "
                    f"Torture programs of no use on this board as they come: {len(result['left_out'])} "
                    "(each with its reason in tests/corpus/torture-unusable.tsv).")


def costs(results, cases):
    protector = protector_costs()
    rows, flash, instructions = [], [], []
    for case in cases:
        if case["profile"] != "exploit" or not case["flash"][0]:
            continue
        image, totals = case["image"], case["totals"]
        larger, ratio = case["flash"][1] / case["flash"][0], "not counted"
        in_means = not corpus.unwinds(image)
        flash += [larger] if in_means else []
        if corpus.counted(image) and case["instructions"][1]:
            longer = case["instructions"][1] / case["instructions"][0]
            instructions += [longer] if in_means else []
            ratio = f"{longer:.4f}"
        guard = protector.get(image)
        rows.append((short(image), f"{case['flash'][0]:,}", f"{larger:.4f}", ratio,
                     f"{totals.get('functions_accepted', 0)} / {totals.get('functions_total', 0)}",
                     f"{totals.get('return_sites_protected', 0)} / {totals.get('return_sites', 0)}",
                     f"{totals.get('indirect_calls_protected', 0)} / {totals.get('indirect_calls', 0)}",
                     f"{guard[0]:.4f}" if guard else "", f"{guard[1]:.4f}" if guard else ""))
        results.rows.append((f"{short(image)}: flash", f"{larger:.4f}", rows[-1][-2]))
        results.rows.append((f"{short(image)}: executed instructions", ratio, rows[-1][-1]))
    results.figures["flash_ratio"] = figures.geometric_mean(flash)
    results.figures["instructions_ratio"] = figures.geometric_mean(instructions)
    guards = list(protector.values())
    rows.append(("geometric mean", "", figures.shown(results.figures["flash_ratio"], "x"),
                 figures.shown(results.figures["instructions_ratio"], "x"), "", "", "",
                 figures.shown(figures.geometric_mean(guard[0] for guard in guards), "x"),
                 figures.shown(figures.geometric_mean(guard[1] for guard in guards), "x")))
    results.sections.append("## What `exploit` costs\n\nFlash is the file size of all loaded segments; instructions are "
                    "counted exactly. The last two columns are the same sources built with GCC's "
                    "-fstack-protector-strong, which leaves the C library unguarded. The means are "
                    "without the program with C++ exceptions, of which less is protected.\n\n" +
                    figures.table(["program", "flash bytes", "flash", "instructions", "functions", "returns",
                                   "indirect calls", "SSP flash", "SSP instr."], rows))


# --- speed: time and memory on images of a MiB and more


def measure(command, runs=RUNS):
    """(median milliseconds, peak MiB) of a command that must succeed."""
    times, peak = [], 0
    for _ in range(runs):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        message = process.stderr.read().decode("utf-8", "replace")
        _, status, usage = os.wait4(process.pid, 0)
        times.append((time.perf_counter() - start) * 1000)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode != 0:
            print(f"bench: {' '.join(command)}: exit {process.returncode}: {message.strip()[-300:]}")
            return None, None
        peak = max(peak, usage.ru_maxrss / 1024)
    return statistics.median(times), peak


def speed_of(results, image):
    """Rows of the table of speeds: harden and check of one image, which must behave the same."""
    out = image.replace("/programs/", "/").replace(".elf", ".out.elf")
    for path in (out, out + ".json"):
        if os.path.exists(path):
            os.remove(path)
    code, message, _ = corpus.harden(PROOFMARK, image, "exploit", "01", out)
    if code != 0:
        print(f"bench: harden of {image}: exit {code}: {message[-300:]}")
        return {}, []
    harden = [PROOFMARK, "harden", "--profile", "exploit", "--seed", "01", "--force", "-o", out, image]
    check = [PROOFMARK, "check", "--original", image, out]
    measured, rows = {}, []
    for name, command in (("harden", harden), ("check", check)):
        milliseconds, peak = measure(command)
        measured[f"{name}_time"], measured[f"{name}_memory"] = milliseconds, peak
        rows.append((os.path.basename(image)[:-4], f"{corpus.flash_bytes(image):,}", name,
                     figures.shown(milliseconds, "ms"), figures.shown(peak, "MiB")))
    same = corpus.emulate(out).same(corpus.emulate(image))
    results.figures["big_same"] = results.figures.get("big_same", 0) + same
    if not same:
        rows = [(*row[:2], row[2] + " (BEHAVES DIFFERENTLY)", *row[3:]) for row in rows]
    return measured, rows


def speed_part(results):
    """The bounds are for the first image, of a MiB; the other is larger."""
    images = [f"{corpus.OUT}/programs/{name}.elf" for name in BIG.values()]
    corpus.build_programs(tuple(images))
    rows = []
    for image in images:
        measured, more = speed_of(results, image)
        rows += more
        if image == images[0]:
            results.figures.update(measured)
    results.sections.append(f"## Speed\n\nMedian of {RUNS} runs, start-up included. The bounds are for the first image, "
                    "the one of a MiB. Hardened, both behave the same where the table does not say otherwise.\n\n" +
                    figures.table(["image", "flash bytes", "command", "ms", "peak MiB"], rows))


# --- benchmarks that test programs bring along; fuzzing


def set_up(directory, compiler, *options):
    if not os.path.exists(f"{directory}/build.ninja"):
        subprocess.run(["meson", "setup", directory, "-Dtests=true", *options], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "CC": compiler})


def meson_results(directory, log, *arguments):
    """Lines of Meson's log of one run."""
    path = f"{directory}/meson-logs/{log}"
    if os.path.exists(path):
        os.remove(path)
    subprocess.run(["meson", "test", "-C", directory, *arguments], check=False, stdout=subprocess.DEVNULL)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def long_part(results, title, suite):
    """Meson benchmarks of one suite. One may print lines "figure NAME VALUE"; a bound may name it."""
    set_up("build-bench", "gcc")
    rows, failed = [], 0
    for entry in meson_results("build-bench", "testlog.json", "--benchmark", "--suite", suite):
        text = entry.get("stdout", "")
        for name, value in re.findall(r"^figure (\w+) ([-0-9.]+)", text, re.M):
            results.figures[name] = float(value)
        compared = re.search(r"(\d+) instructions compared, (\d+) differences without an explanation", text)
        if compared:
            results.figures["decoder_encodings"] = int(compared.group(1))
            results.figures["decoder_differences"] = int(compared.group(2))
        last = (text.strip().splitlines() or [""])[-1]
        rows.append((entry["name"], entry["result"], f"{entry['duration']:.0f}", last.replace("|", "/")[:100]))
        failed += entry["result"] != "OK"
    results.figures[f"{results.name}_failed"] = failed if rows else None
    results.sections.append(f"## {title}\n\n" + figures.table(["run", "result", "s", "its last line"], rows))


def fuzz_part(results):
    set_up("build-check", "clang", "-Db_sanitize=address,undefined", "-Db_lundef=false")
    os.environ["PROOFMARK_FUZZ_SECONDS"] = FUZZ_SECONDS
    rows = []
    for entry in meson_results("build-check", "testlog.json", "--suite", "fuzz"):
        inputs = re.search(r"number_of_executed_units:\s*(\d+)", entry.get("stdout", ""))
        rows.append((entry["name"], entry["result"], f"{int(inputs.group(1)):,}" if inputs else ""))
    results.figures["fuzz_crashes"] = sum(row[1] != "OK" for row in rows) if rows else None
    results.sections.append(f"## Fuzzing\n\nEach harness for {FUZZ_SECONDS} seconds, with address and undefined-behaviour "
                    "sanitizers.\n\n" + figures.table(["harness", "result", "inputs"], rows))


# --- delta: patches against other tools, on pairs that were fixed before the first one was made


def delta_sizes(before, after, addresses):
    """Sizes of the patches of each tool; ours for 12 KiB and 1.5 KiB of decoder memory."""
    out = f"{pairs.OUT}/patch"
    commands = ([PATCH_TOOL, "encode", before, str(addresses[0]), after, str(addresses[1]), "12288", out],
                [PATCH_TOOL, "encode", before, str(addresses[0]), after, str(addresses[1]), "1536", out],
                ["bsdiff", before, after, out], ["xdelta3", "-e", "-9", "-f", "-s", before, after, out],
                ["zstd", "-q", "-f", "--patch-from", before, "-19", "--ultra", after, "-o", out])
    sizes = []
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False, timeout=300)
        sizes.append(os.path.getsize(out) if done.returncode == 0 else None)
    return sizes


def delta_part(results):
    set_up("build-bench", "gcc")
    subprocess.run(["ninja", "-C", "build-bench", "tests/device/patch_tool"], check=True, stdout=subprocess.DEVNULL)
    rows, worst = [], {True: [], False: []}
    for name, (before, after, rebuild, *addresses) in pairs.make(list(pairs.PAIRS)).items():
        sizes = delta_sizes(before, after, addresses)
        ratio = sizes[0] / sizes[2] if sizes[0] else None
        worst[rebuild].append(ratio)
        rows.append((name, "rebuild" if rebuild else "", f"{os.path.getsize(after):,}",
                     *(f"{size:,}" if size else "failed" for size in sizes), f"{ratio:.3f}" if ratio else ""))
    every = worst[True] + worst[False]
    results.figures["delta_ratio"] = max(every) if None not in every else None
    results.figures["delta_rebuild_ratio"] = max(worst[True]) if None not in worst[True] else None
    results.sections.append("## Patches\n\nBytes, headers included; each of ours was decoded by the device's decoder and "
                            "compared. A rebuild has one string changed.\n\n" +
                            figures.table(["pair", "", "new image", "12 KiB", "1.5 KiB", "bsdiff", "xdelta3 -9",
                                           "zstd -19", "12 KiB / bsdiff"], rows))


# --- all together


def tool_versions():
    lines = []
    for command in (["arm-none-eabi-gcc", "--version"], ["qemu-system-arm", "--version"], ["gcc", "--version"]):
        lines.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0])
    for package in sorted(os.listdir("build-sources")):
        with open(f"build-sources/{package}/.complete", encoding="utf-8") as file:
            lines.append(f"{package} {file.read().strip()}")
    return "Made with " + "; ".join(lines) + "."


def long(title, suite):
    return lambda results: long_part(results, title, suite)


# Short ones first. Hours: corpus, cuts, skips.
PARTS = {"speed": speed_part, "delta": delta_part,
         "tidy": long("clang-tidy", "style"), "attack": long("The attack", "attack"),
         "decoder": long("The decoder", "thumb"), "flips": long("Flipped bits of a release", "verify"),
         "fuzz": fuzz_part, "corpus": corpus_part,
         "kills": long("Updates killed", "thermostat"), "cuts": long("Power cuts", "cuts"),
         "skips": long("Instructions left out of a boot", "skips")}


def missing(found):
    return [name for name in PARTS if name not in [part.name for part in found]]


def write_results(found, bounds):
    measured = [(part.name, f"`{part.command}`", part.commit, f"{part.seconds:,}") for part in found]
    measured += [(name, "not run", "", "") for name in missing(found)]
    sections = [section for part in found for section in part.sections]
    text = "\n\n".join(["# Results\n\nWritten by `make bench`, or by its parts one by one; the bounds are in "
                        "bench/bounds.", "## Bounds\n\n" + bounds, *sections, "## What was run\n\n" +
                        figures.table(["part", "command", "at commit", "seconds"], measured), tool_versions()])
    with open(RESULTS, "w", encoding="utf-8") as out:
        out.write(text + "\n")


def main():
    write = sys.argv[1:] == ["results"]
    chosen = [] if write else sys.argv[1:] or list(PARTS)
    if not set(chosen) <= set(PARTS):
        print(__doc__, "\nparts:", *PARTS, file=sys.stderr)
        return 2
    os.chdir(ROOT)
    for name in chosen:
        set_in = [f"{variable}={os.environ[variable]} " for variable in SETTINGS if os.environ.get(variable)]
        parts.run(name, "".join(set_in) + f"python3 bench/run.py {name}", PARTS[name])
    found = parts.kept(PARTS)
    measured = {name: value for part in found for name, value in part.figures.items()}
    rows, missed = figures.verdicts(measured, figures.read_bounds())
    if write or not missing(found):
        write_results(found, figures.table(["figure", "measured", "bound", ""], rows))
    if missing(found):
        print("bench: not run:", *missing(found))
    print(figures.table(["what", "measured", "with -fstack-protector-strong", "bound", ""],
                        [(*row, "", "") for part in found for row in part.rows] +
                        [(what, value, "", bound, verdict) for what, value, bound, verdict in rows]))
    print(f"bench: {len(rows) - missed} bounds met, {missed} MISSED")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
