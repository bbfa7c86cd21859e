#!/bin/sh
# Run one fuzz harness: run.sh PROGRAM SEEDS. First every seed, then new inputs for
# PROOFMARK_FUZZ_SECONDS (3 when unset) from a printed random seed. New inputs go to a
# directory that is thrown away; a crash is kept beside the program and named.
set -eu
program=$1
seeds=$2
seconds=${PROOFMARK_FUZZ_SECONDS:-3}
seed=${PROOFMARK_FUZZ_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -d "$seeds" ]; then "$program" -runs=0 "$seeds"; fi
echo "fuzz: seed $seed, $seconds s"
"$program" -seed="$seed" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
    -artifact_prefix="$program-" -print_final_stats=1 "$work" $([ -d "$seeds" ] && echo "$seeds") >"$work.log" 2>&1 ||
    { tail -40 "$work.log"; rm -f "$work.log"; exit 1; }
grep -E 'number_of_executed_units|^Done' "$work.log"
rm -f "$work.log"
