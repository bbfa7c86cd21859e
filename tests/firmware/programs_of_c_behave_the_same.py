#!/usr/bin/env python3
"""What C programs do to frames and control flow: setjmp and longjmp, variable arguments,
alloca and arrays of variable length, computed gotos by table and by difference of labels,
switches whose tables outgrow their width, nested functions that run on the stack, and an
interrupt that preempts sealed functions thousands of times.

    programs_of_c_behave_the_same.py PROOFMARK
"""
import sys

from board import Board

FLOW = r"""
#include <alloca.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static jmp_buf places[2];
static volatile int zero;
__attribute__((noinline)) static int fall(int n, int to) {
    volatile char room[16];
    room[n % 16] = (char)n;
    if (n == 0) longjmp(places[to], 5 + to);
    return fall(n - 1, to) + room[n % 16];
}
__attribute__((noinline)) static int jump(int to) {
    volatile int before = to * 100;
    int code = setjmp(places[to]);
    if (code) return before + code;
    return fall(20 + to, to);
}
__attribute__((noinline)) static long sum(int n, ...) {
    va_list list, again;
    long total = 0;
    va_start(list, n);
    va_copy(again, list);
    for (int i = 0; i < n; i++) total += i % 2 ? (long)va_arg(list, long long) : va_arg(list, int);
    total += va_arg(again, int);
    va_end(list);
    va_end(again);
    return total;
}
__attribute__((noinline)) static int rooms(int n) {
    char *a = alloca((size_t)n + 8);
    int vla[n + 1];
    memset(a, n, (size_t)n + 8);
    for (int i = 0; i <= n; i++) vla[i] = a[i % n] + i;
    return n <= 1 ? vla[n] : vla[n] + rooms(n - 1);
}
__attribute__((noinline)) static int by_table(const char *code) {
    static const void *const labels[] = {&&add, &&sub, &&mul, &&end};
    int v = 1;
    goto *labels[*code++ - 'a'];
add: v += rooms(2); goto *labels[*code++ - 'a'];
sub: v -= 3; goto *labels[*code++ - 'a'];
mul: v *= 2; goto *labels[*code++ - 'a'];
end: return v;
}
__attribute__((noinline)) static int by_difference(const char *code) {
    static const short offsets[] = {&&add - &&add, &&sub - &&add, &&mul - &&add, &&end - &&add};
    int v = 1;
#define NEXT goto *(&&add + offsets[*code++ - 'a'])
    NEXT;
add: v += rooms(2); NEXT;
sub: v -= 3; NEXT;
mul: v *= 2; NEXT;
end: return v;
}
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
struct big { int v[40]; };
__attribute__((noinline)) static struct big make(int n) { struct big b; for (int i = 0; i < 40; i++) b.v[i] = n * i; return b; }
__attribute__((noinline)) static int take(struct big b, int i) { return b.v[i] + b.v[39 - i]; }
int main(void) {
    int numbers[] = {5, 2, 9, 1};
    printf("jumps %d %d %d\n", jump(0), jump(1), jump(0));
    printf("sum %ld %s\n", sum(4, 1, 20LL, 300, 4000LL), "of four");
    printf("rooms %d\n", rooms(9));
    printf("gotos %d %d\n", by_table("acbad"), by_difference("acbad"));
    qsort(numbers, 4, sizeof *numbers, compare);
    printf("sorted %d %d big %d\n", numbers[0], numbers[3], take(make(3), 4));
    return zero;
}
"""

NESTED = r"""
#include <stdio.h>
__attribute__((noinline)) static int each(int n, int (*f)(int)) { return n ? f(n) + each(n - 1, f) : 0; }
__attribute__((noinline)) static int outer(int k) {
    int seen = 0;
    int inner(int n) { seen += k; return n * k; }
    return each(4, inner) * 1000 + seen;
}
int main(void) { printf("nested %d\n", outer(3)); return 0; }
"""

# Jumps out of a function into another one's frame: the one that leaves is sealed, the one
# that is entered from elsewhere is not, and is told.
LEAVES = r"""
#include <stdio.h>
static void *place[5];
__attribute__((noinline)) static int depth(int n) { return n ? 1 + depth(n - 1) : 0; }
__attribute__((noipa)) static void leave(int n) {
    if (depth(n) > 3) __builtin_longjmp(place, 1);
    leave(n + 1);
}
__attribute__((noipa)) static int enter(int n) {
    if (__builtin_setjmp(place)) return n + 100;
    leave(0);
    return n;
}
int main(void) { printf("left %d\n", enter(depth(7))); return 0; }
"""

# Ends as newlib's _kill_shared does: by a semihosting call, and nothing behind it.
ENDS = r"""
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) void end(int code) {
    register int op __asm__("r0") = 0x20;
    unsigned block[2] = {0x20026, (unsigned)code};
    register void *argument __asm__("r1") = block;
    fflush(stdout);
    op = 0x20;
    argument = block;
    __asm__ volatile("bkpt 0xab\n mov r4, %0" : "+r"(op) : "r"(argument) : "r4", "memory");
    __builtin_unreachable();
}
__attribute__((noinline)) int odd(int n) { if (n > 1000) end(3); return n | 1; }
int main(void) { printf("ends %d\n", odd(8)); end(0); }
"""

PREEMPTED = r"""
#include <stdint.h>
#include <stdio.h>
#define SYST ((volatile uint32_t *)0xE000E010)
static volatile uint32_t ticks;
void SysTick_Handler(void);
__attribute__((noinline)) static uint32_t depth(uint32_t n) { return n ? 1 + depth(n - 1) : 0; }
void SysTick_Handler(void) { ticks += depth(3) / 3; SYST[1] = 400 + ticks * 7 % 300; }
__attribute__((noinline)) static uint32_t hash(uint32_t n) { return n < 2 ? n : hash(n - 1) * 3 + hash(n - 2); }
int main(void) {
    uint32_t want = hash(9), wrong = 0;
    SYST[1] = 500; SYST[2] = 0; SYST[0] = 7;
    while (ticks < 3000) wrong += hash(9) != want;
    SYST[0] = 0;
    printf("preempted, hash %u, %s\n", (unsigned)want, wrong ? "WRONG" : "right");
    return wrong != 0;
}
"""


# As newlib's strcmp: it begins in front of its symbol, and the linker's zeros are in front of that.
IN_FRONT = r"""
#include <stdio.h>
int before(int x); int difference(int a, int b);
__asm__(".thumb\n.syntax unified\n"
        ".section .text.before,\"ax\",%progbits\n.balign 4\n.global before\n.thumb_func\n.type before,%function\n"
        "before: adds r0, #1\n bx lr\n.size before, .-before\n"
        ".section .text.difference,\"ax\",%progbits\n.balign 16\n"
        "1: sub.w r0, r2, r3\n bx lr\n.balign 8\n.global difference\n.thumb_func\n.type difference,%function\n"
        "difference: mov r2, r0\n mov r3, r1\n cmp r2, r3\n bne 1b\n movs r0, #0\n bx lr\n"
        ".size difference, .-difference\n.text\n");
static int (*volatile order)(int, int) = difference;
int main(void) { printf("in front %d %d\n", order(before(8), 3), order(4, 4)); return 0; }
"""


# Code of no symbol that nothing refers to, as libgcc's second __aeabi_dmul: with the null profile it moves.
DOUBLES = r"""
#include <stdio.h>
__asm__(".thumb\n.syntax unified\n.section .text.dead,\"ax\",%progbits\n.balign 4\n"
        "push {r4, lr}\n movs r4, #4\n bl puts\n ldr r0, 1f\n pop {r4, pc}\n.balign 4\n1: .word puts\n"
        ".section .text.dead2,\"ax\",%progbits\n.balign 4\nadds r0, r1\n adds r0, r2\n bx lr\n.text\n");
static volatile double a = 3, b = 7;
int main(void) { a = a * b; a = a / b; printf("doubles %d\n", (int)(a * 2)); return 0; }
"""


def large_switch():
    """Cases of a few bytes that each hold returns: sealing makes them outgrow a byte table."""
    cases = "\n".join(f"    case {i}: if (work({i}) > {i} * 7) return work(n + {i}); break;" for i in range(18))
    return f"""
#include <stdio.h>
static volatile int base;
__attribute__((noinline)) static int work(int n) {{ return n * 5 + base; }}
__attribute__((noinline)) static int choose(int n, int (*f)(int)) {{
    switch (n) {{
{cases}
    default: return -1;
    }}
    return f(n) + work(f(n));
}}
int main(void) {{
    int total = 0;
    for (base = 0; base < 40; base += 13)
        for (int i = -1; i < 20; i++) total = total * 3 + choose(i, work);
    printf("switched %d\\n", total);
    return 0;
}}
"""


def main():
    board = Board(sys.argv[1])
    for level in ("-O0", "-O2", "-Os"):
        report = board.same(board.build(f"flow{level}", FLOW, [level]), "sum 4322 of four", seeds=["c0de"])
        if report:
            row = board.function(report, "by_difference")
            board.expect(row.get("status") == "untouched", f"by_difference {level}: {row}")
            board.expect(board.function(report, "by_table").get("status") == "accepted", f"by_table {level}")
    report = board.same(board.build("nested", NESTED, ["-O1"]), "nested 30012")
    if report:
        board.expect(report["memory_map"].get("reason") == "the firmware runs code on its stack", f"{report['memory_map']}")
        board.expect("stack" in report.get("calls_reason", ""), "calls are left away without a word")
    for level in ("-O0", "-Os"):
        report = board.same(board.build(f"leaves{level}", LEAVES, [level]), "left 107", seeds=["1eaf"])
        if not report:
            continue
        returns = {name: board.function(report, name).get("protections", {}).get("returns", {})
                   for name in ("leave", "enter")}
        board.expect(returns["leave"].get("protected") == returns["leave"].get("sites"), f"leave {level}: {returns}")
        board.expect("referred to" in returns["enter"].get("reason", ""), f"enter {level}: {returns}")
    report = board.same(board.build("ends", ENDS, ["-Os"]), "ends 9")
    if report:
        row = board.function(report, "end")
        returns = row.get("protections", {}).get("returns", {})
        board.expect(row.get("status") == "accepted" and returns.get("protected") == 1, f"end: {row}")
    board.same(board.build("preempted", PREEMPTED, ["-Os"]), "preempted, hash")
    board.same(board.build("in_front", IN_FRONT, ["-Os"]), "in front 6 0", seeds=["00", "01", "02", "03"])
    board.same(board.build("doubles", DOUBLES, ["-Os"], ["-Wl,--no-gc-sections"]), "doubles 6", seeds=["00", "01", "02"])
    for level in ("-O1", "-Os"):
        board.same(board.build(f"switch{level}", large_switch(), [level]), "switched ", seeds=["5eed"])
    return board.finish()


if __name__ == "__main__":
    sys.exit(main())
