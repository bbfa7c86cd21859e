#!/usr/bin/env python3
"""Where code that can run reads the unwind index, what it unwinds stays as it is: cleanups
run, handlers are found and backtraces have the same depth after hardening. Functions that
cannot be unwound, or are never on the stack while libgcc's unwinder reads it, are protected as
ever; and an index that nobody reads costs nothing.

    frames_still_unwind.py PROOFMARK
"""
import sys

from board import Board

# libgcc's unwinder and its C personality: cleanups are landing pads, found by offsets in
# language-specific tables, as C++ handlers are.
UNWINDING = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unwind.h>
static struct _Unwind_Exception thrown;
static _Unwind_Reason_Code stop(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                                struct _Unwind_Exception *what, struct _Unwind_Context *context, void *main_sp) {
    (void)version; (void)class; (void)what; (void)main_sp;
    if (actions & _US_END_OF_STACK) exit(printf("end of stack\n") < 0);
    static int frames;
    if (++frames > 12) exit(3);
    (void)context;
    return _URC_NO_REASON;
}
static void told(int *value) { printf("cleanup %d\n", *value); if (*value == 5) { puts("total 15"); exit(0); } }
static volatile int depth_seen;
static _Unwind_Reason_Code count(struct _Unwind_Context *c, void *n) { (void)c; ++*(int *)n; return _URC_NO_REASON; }
__attribute__((noinline)) static int deep(int n) {
    __attribute__((cleanup(told))) int mine = n;
    if (n == 0) {
        int frames = 0;
        _Unwind_Backtrace(count, &frames);
        printf("backtrace %s\n", frames >= 6 ? "whole" : "BROKEN");
        _Unwind_ForcedUnwind(&thrown, stop, 0);
    }
    return deep(n - 1) + mine + depth_seen;
}
__attribute__((noipa)) static int leaf(int n) { return n * 3; }
__attribute__((noipa)) static int quiet(int n) { return leaf(n) + leaf(n + 1); }
static int start(int n) { return deep(n) + 1; }
static int (*const calls[])(int) = {leaf, start};
__attribute__((noipa)) static int through(int which, int n) { return calls[which](n) + 1; }
MORE
int main(void) { return through(quiet(1) == 9, 5) + 1; }
"""
# Where these are in the image, the unwinder may read any stack: a handler unwinds, which may
# run above every function; code of the firmware's own reads the index; it hands the unwinder
# registers of its choice.
ANY_STACK = {
    "handler": "void SysTick_Handler(void) { int n = 0; _Unwind_Backtrace(count, &n); depth_seen = n; }",
    "reader": "extern const unsigned __exidx_start[]; __attribute__((constructor)) static void read_index(void) "
              "{ depth_seen = *(const volatile unsigned *)__exidx_start == 0; }",
    "entered": "int __gnu_Unwind_Backtrace(_Unwind_Trace_Fn, void *, void *); static unsigned registers[20];\n"
               "__attribute__((constructor)) static void enter(void) "
               "{ if (depth_seen) depth_seen = __gnu_Unwind_Backtrace(count, 0, registers); }",
}

# The same flags, and nothing that unwinds.
TABLES_ONLY = r"""
#include <stdio.h>
__attribute__((noinline)) static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
__attribute__((noinline)) static int twice(int n) { return fib(n) + fib(n + 1); }
int main(void) { printf("fib %d\n", twice(9)); return 0; }
"""

CLASSES = r"""
extern "C" int printf(const char *, ...);
struct Shape { virtual int area() const = 0; };
struct Square : Shape { int s; explicit Square(int n) : s(n) {} int area() const override { return s * s; } };
struct Line : Shape { int area() const override { return printf("line ") - 5; } };
static int built;
struct Counter { Counter() { built += printf("made "); } };
static Counter first, second;
static volatile int side = 5;
static Square square(side);
static Line line;
static const Shape *const shapes[] = {&square, &line, &square};
extern "C" void __cxa_pure_virtual() { for (;;) {} }
struct Method { int base; int add(int n) { return base + n; } virtual int mul(int n) { return base * n; } };
int main() {
    int total = 0;
    for (const Shape *s : shapes) total += s->area();
    Method m;
    m.base = side;
    int (Method::*calls[])(int) = {&Method::add, &Method::mul};
    for (auto call : calls) total += (m.*call)(7);
    printf("built %d total %d\n", built, total);
    return 0;
}
"""


FLAGS = ["-O1", "-fexceptions", "-fno-optimize-sibling-calls"]


def unwinding(board):
    elf = board.build("unwinding", UNWINDING.replace("MORE", ""), FLAGS)
    report = board.same(elf, "backtrace whole\ncleanup 0\ncleanup 1\ncleanup 2")
    if not report:
        return
    for name in ("deep", "start", "through", "main"):
        row = board.function(report, name)
        board.expect(row.get("status") == "untouched" and "unwinder" in row.get("reason", ""), f"{name}: {row}")
    row = board.function(report, "quiet")
    board.expect(row.get("protections", {}).get("returns") == {"sites": 1, "protected": 1},
                 f"a function that is never on the stack while frames are read: {row}")
    puts = board.function(report, "_puts_r")
    board.expect(puts.get("status") == "accepted", f"a function that cannot be unwound: {puts}")


def any_stack(board):
    for name, more in ANY_STACK.items():
        report = board.same(board.build(name, UNWINDING.replace("MORE", more), FLAGS), "cleanup 2", seeds=("00",))
        row = board.function(report, "quiet") if report else {}
        board.expect("unwinder" in row.get("reason", ""), f"{name}: quiet: {row}")


def main():
    board = Board(sys.argv[1])
    unwinding(board)
    any_stack(board)
    for flags in (["-Os", "-funwind-tables"], ["-O2", "-fexceptions"]):
        report = board.same(board.build(f"tables{flags[0]}", TABLES_ONLY, flags), "fib 89")
        if report:
            totals = report["totals"]
            board.expect(totals["return_sites_protected"] + totals["return_sites_exempt"] == totals["return_sites"],
                         f"tables that nobody reads: {totals}")
    report = board.same(board.build("classes", CLASSES, ["-Os", "-fno-exceptions", "-fno-rtti"], suffix="cpp"),
                        "made made line built 10 total 97")
    if report:
        totals = report["totals"]
        board.expect(totals["indirect_calls_protected"] == totals["indirect_calls"], f"virtual calls: {totals}")
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
