# A short front for Meson and Ninja. `make` builds build/proofmark; the other targets first
# install what they need (tools/setup, packages of Debian 12).
.PHONY: all demo check bench clean
all:
	@tools/setup --missing build || { echo "run tools/setup build first (or: make check)" >&2; exit 1; }
	@test -e build/build.ninja || meson setup build -Doptimization=3 -Db_lto=true >/dev/null
	@ninja -C build proofmark
demo:
	@tools/setup demo && $(MAKE) --no-print-directory all && tools/demo
check:
	@tools/setup check && $(MAKE) --no-print-directory all && tools/check
bench:
	@tools/setup check && $(MAKE) --no-print-directory all && python3 bench/run.py
clean:
	rm -rf build build-check build-bench build-corpus out
