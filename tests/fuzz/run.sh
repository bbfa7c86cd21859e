#!/bin/sh
# Run one fuzz harness: run.sh PROGRAM SEEDS RUNS. First every seed, then RUNS inputs from a
# printed seed, PROOFMARK_SEED (1 when unset): the same ones each time, however busy the machine
# is. With PROOFMARK_FUZZ_SECONDS as many as there is time for. New inputs go to a directory that
# is thrown away; a crash is kept beside the program and named.
set -eu
program=$1
seeds=$2
limit=-runs=$3
if [ -n "${PROOFMARK_FUZZ_SECONDS:-}" ]; then limit=-max_total_time=$PROOFMARK_FUZZ_SECONDS; fi
seed=$((${PROOFMARK_SEED:-1} % 4294967295 + 1)) # 0 would have the fuzzer draw one
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -d "$seeds" ]; then "$program" -runs=0 "$seeds"; fi
echo "fuzz: seed $seed, $limit"
"$program" -seed="$seed" "$limit" -timeout=10 -rss_limit_mb=4096 \
    -artifact_prefix="$program-" -print_final_stats=1 "$work" $([ -d "$seeds" ] && echo "$seeds") >"$work.log" 2>&1 ||
    { tail -40 "$work.log"; rm -f "$work.log"; exit 1; }
grep -E 'number_of_executed_units|^Done' "$work.log"
rm -f "$work.log"
