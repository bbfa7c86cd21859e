#!/usr/bin/env python3
"""Harden the corpus and see that nothing but the protection changed.

  run.py check PROOFMARK     the real programs, and a seeded sample of the torture programs
  run.py all PROOFMARK       the real programs, and every torture program at every level
  run.py list                write anew which torture programs are of no use as they are

Options: --seed N (default: PROOFMARK_SEED, or 1; printed by every run), --layouts N (another seed for the real
programs' layouts: their sizes are figures), --sample N, --json FILE (every case, for the bench), --only WORD.
The last line is "N passed, N failed".
"""
import argparse
import dataclasses
import json
import os
import random
import subprocess
import sys

import corpus
import torture


def seed_text(generator):
    return f"{generator.getrandbits(64):016x}"


def run_programs(options, generator):
    corpus.build_programs()
    images = [elf for elf in corpus.program_images() if options.only in elf]
    plugin = corpus.PLUGIN
    originals = corpus.each(lambda elf: corpus.emulate(elf, plugin), [(elf,) for elf in images])
    bad = [f"{elf}: {run.told()}" for elf, run in zip(images, originals) if run.code != 0]
    if bad:
        raise SystemExit("programs of the corpus fail as they are:\n" + "\n".join(bad))
    work = [(options.proofmark, elf, profile, seed_text(generator), run, plugin, True, options.check)
            for elf, run in zip(images, originals) for profile in corpus.PROFILES]
    cases = corpus.each(corpus.judge, work)
    for case in cases:
        corpus.drop_output(case)
    return cases


def torture_choice(options, generator):
    """(name, level) of the torture programs to run."""
    wanted = [(name, level) for name in torture.names() for level in torture.LEVELS
              if options.only in f"{name}-{level}"]
    if options.mode == "all":
        return wanted
    unusable = torture.unusable()
    usable = [pair for pair in wanted if pair not in unusable]
    return generator.sample(usable, min(options.sample, len(usable)))


def run_torture(options, generator):
    """(cases, problems): a program that is of no use and not on the list is a problem."""
    chosen = torture_choice(options, generator)
    torture.board()
    work = [(options.proofmark, name, level, corpus.PROFILES, seed_text(generator), options.check)
            for name, level in chosen]
    unusable = torture.unusable()
    cases, problems, left_out = [], [], {}
    for pair, (found, reason) in zip(chosen, corpus.each(torture.case, work)):
        cases += found
        if reason:
            left_out[pair] = reason
        if unusable.get(pair) != reason:
            problems.append(f"{pair[0]} -{pair[1]}: {reason or 'passes'}, "
                            f"but {torture.UNUSABLE} says: {unusable.get(pair, 'passes')}")
    print(f"torture: {len(chosen)} programs chosen, {len(left_out)} of no use as they are "
          f"(listed in {torture.UNUSABLE}), {len(cases)} cases")
    return cases, problems, left_out


def write_list():
    """Try every torture program as it is; write down which are of no use, and why."""
    torture.board()
    pairs = [(name, level) for name in torture.names() for level in torture.LEVELS]
    results = corpus.each(torture.original_run, pairs)
    rows = [(name, level, reason) for (name, level), (_, _, reason) in zip(pairs, results) if reason]
    with open(torture.UNUSABLE, "w", encoding="utf-8") as out:
        out.write("# gcc's torture programs that are of no use as a test on this board, as they come:\n"
                  "# name, level, reason. Written by tests/corpus/run.py list; every run checks it.\n")
        for row in rows:
            out.write("\t".join(row) + "\n")
    print(f"{len(pairs)} tried, {len(rows)} of no use")


def report(cases, problems):
    for case in cases:
        if case.verdict != "same":
            print(f"{case.verdict}: {case.image} {case.profile}: {case.detail}\n  kept: {case.output}")
    for problem in problems:
        print(f"not as listed: {problem}")
    for profile in corpus.PROFILES:
        mine = [case for case in cases if case.profile == profile]
        total = sum(case.totals.get("functions_total", 0) for case in mine)
        taken = sum(case.totals.get("functions_accepted", 0) for case in mine)
        same = sum(case.verdict == "same" for case in mine)
        share = f"{100 * taken / total:.2f} %" if total else "none"
        print(f"{profile}: {same} of {len(mine)} behave the same; functions accepted {taken} of {total}, {share}")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("check", "all", "list"))
    parser.add_argument("proofmark", nargs="?")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PROOFMARK_SEED", "1")))
    parser.add_argument("--layouts", type=int)
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--json")
    parser.add_argument("--only", default="")
    parser.add_argument("--no-check", dest="check", action="store_false",
                        help="do not run `proofmark check` on the outputs")
    parser.add_argument("--no-torture", dest="torture", action="store_false")
    options = parser.parse_args(arguments)
    options.layouts = options.seed if options.layouts is None else options.layouts
    if options.mode != "list" and not options.proofmark:
        parser.error("which proofmark?")
    if options.proofmark:
        options.proofmark = os.path.abspath(options.proofmark)
    return options


def main():
    options = parse(sys.argv[1:])
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    if options.mode == "list":
        write_list()
        return 0
    seed = options.seed
    print(f"corpus: seed {seed}")
    cases, problems, left_out = run_programs(options, random.Random(options.layouts)), [], {}
    if options.torture:
        found, problems, left_out = run_torture(options, random.Random(seed))
        cases += found
    report(cases, problems)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"seed": seed, "cases": [dataclasses.asdict(case) for case in cases],
                       "left_out": {f"{name} {level}": why for (name, level), why in left_out.items()},
                       "problems": problems}, out, indent=1)
    failed = sum(case.verdict != "same" for case in cases) + len(problems)
    print(f"{len(cases) + len(problems) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"corpus: {error}")
