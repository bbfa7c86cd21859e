"""Builds real programs of the corpus and hands them to liveness_says_what_is_dead.c: what liveness
calls dead may be anything; and where it is made to call dead what is live, that is noticed."""
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "corpus"))
import corpus  # noqa: E402


def main():
    tool = os.path.abspath(sys.argv[1])
    os.chdir(ROOT)
    images = [f"{corpus.OUT}/programs/{name}-{level}.elf" for name in ("bzip2", "lua", "lz4", "mbedtls", "zlib")
              for level in ("O2", "Os")]
    corpus.build_programs(tuple(images))
    for arguments in (["--samples", "100000"], ["--sabotage"]):
        subprocess.run([tool, *arguments, *images], check=True)


if __name__ == "__main__":
    main()
