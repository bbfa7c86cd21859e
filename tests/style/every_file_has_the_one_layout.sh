#!/bin/sh
# Every C file of the project is laid out as .clang-format says.
cd "$(dirname "$0")/../.." || exit 1
files=$(git ls-files '*.c' '*.h' 2>/dev/null) || files=
[ -n "$files" ] || files=$(find . -name '*.[ch]' -not -path './build*' -not -path './out/*')
[ -n "$files" ] || { echo "no C files found"; exit 1; }
# shellcheck disable=SC2086 # a list of names without spaces
clang-format --dry-run --Werror $files && echo "$(echo "$files" | wc -l) files"
