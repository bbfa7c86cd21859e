/* What libraries do not do: interrupts that come at any instruction, stack switching by
 * setjmp, tables of functions, a switch that becomes a branch table, computed goto,
 * callbacks from the C library, recursion, variable arguments, floating point.
 *
 * SysTick runs free, so the number of executed instructions differs from run to run; the
 * output does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYST_CSR (*(volatile uint32_t *)0xE000E010)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018)
#define ICSR (*(volatile uint32_t *)0xE000ED04)

enum { ICSR_PENDSVSET = 1 << 28 };

static volatile uint32_t ticks, pended;
static void (*volatile tick_hook)(void);

void SysTick_Handler(void);
void PendSV_Handler(void);
void SVC_Handler(void);

static uint32_t tick_sum(const uint32_t *values, int count) {
    return count == 0 ? 0 : values[count - 1] + tick_sum(values, count - 1);
}

void SysTick_Handler(void) {
    uint32_t values[4] = {1, 2, 3, ticks};
    ticks += tick_sum(values, 3) / 6;
    if (tick_hook) tick_hook();
}

void PendSV_Handler(void) {
    pended++;
}

static volatile uint32_t service_argument;
void SVC_Handler(void) {
    service_argument += 5;
}

static void hook(void) {
    ICSR = ICSR_PENDSVSET;
}

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int by_last_digit(const void *a, const void *b) {
    int x = *(const int *)a % 10, y = *(const int *)b % 10;
    return x != y ? x - y : by_value(a, b);
}

static void test_sort(void) {
    static int values[500];
    static int (*const orders[])(const void *, const void *) = {by_value, by_last_digit};
    for (unsigned order = 0; order < 2; order++) {
        uint32_t state = 7;
        for (int i = 0; i < 500; i++) {
            state = state * 69069u + 1;
            values[i] = (int)(state >> 20);
        }
        qsort(values, 500, sizeof values[0], orders[order]);
        int key = values[250];
        const int *found = bsearch(&key, values, 500, sizeof values[0], orders[order]);
        printf("sort %u: %d %d %d %d\n", order, values[0], values[100], values[499],
               found && *found == key);
    }
}

static jmp_buf environments[3];
static volatile int jump_depth; /* of the next jump; volatile: the compiler cannot know it ends */

__attribute__((noinline)) static int descend(int target) {
    volatile char frame[24];
    int depth = jump_depth--;
    frame[depth % 24] = (char)depth;
    if (depth == 0) longjmp(environments[target], 10 + target);
    return depth < 0 ? depth : descend(target) + frame[depth % 24];
}

__attribute__((noinline)) static int jump_once(int target) {
    int code = setjmp(environments[target]);
    return code ? code : descend(target);
}

static void test_jumps(void) {
    int total = 0;
    for (int target = 0; target < 3; target++) {
        jump_depth = 5 + target * 20;
        total = total * 100 + jump_once(target);
    }
    printf("jumps %d\n", total);
}

static int interpret(const uint8_t *code) {
    static const void *const labels[] = {&&op_end, &&op_push, &&op_add, &&op_mul,
                                         &&op_dup, &&op_swap, &&op_loop};
    int stack[16], top = 0;
    const uint8_t *pc = code;
#define NEXT goto *labels[*pc++]
    NEXT;
op_push:
    stack[top++] = *pc++;
    NEXT;
op_add:
    top--;
    stack[top - 1] += stack[top];
    NEXT;
op_mul:
    top--;
    stack[top - 1] *= stack[top];
    NEXT;
op_dup:
    stack[top] = stack[top - 1];
    top++;
    NEXT;
op_swap : {
    int t = stack[top - 1];
    stack[top - 1] = stack[top - 2];
    stack[top - 2] = t;
    NEXT;
}
op_loop:
    if (--stack[top - 1] > 0) pc = code + 4;
    NEXT;
op_end:
    return stack[0] * 1000 + stack[1];
#undef NEXT
}

__attribute__((noinline)) static int classify(int c) {
    switch (c) {
    case 0:
        return printf("[zero]");
    case 1:
        return printf("[one]") + c;
    case 2:
        return (int)strlen("two");
    case 3:
        return 3 * c;
    case 4:
        return printf("[four]") - c;
    case 5:
        return 55;
    case 6:
        return abs(-c);
    case 7:
        return c << 4;
    case 9:
        return printf("[nine]") * 2;
    case 11:
        return 11;
    case 12:
        return c - 100;
    default:
        return -1;
    }
}

__attribute__((noinline)) static double average(int count, ...) {
    va_list arguments;
    double sum = 0;
    va_start(arguments, count);
    for (int i = 0; i < count; i++)
        sum += va_arg(arguments, double);
    va_end(arguments);
    return count ? sum / count : 0;
}

__attribute__((noinline)) static float horner(const float *c, int n, float x) {
    float y = 0;
    while (n-- > 0)
        y = y * x + c[n];
    return y;
}

static unsigned ackermann(unsigned m, unsigned n) {
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

static int add(int a, int b) {
    return a + b;
}
static int sub(int a, int b) {
    return a - b;
}
static int mul(int a, int b) {
    return a * b;
}
static int largest(int a, int b) {
    return a > b ? a : b;
}

static int (*operations[])(int, int) = {add, sub, mul, largest};

static void service_call(void) {
    __asm__ volatile("svc 0" ::: "memory");
}

int main(void) {
    static const uint8_t program[] = {1, 3, 1, 5, 5, 1, 2, 3, 5, 6, 0};
    static const float coefficients[] = {1, -2, 0.5f, 3, 0.25f};
    tick_hook = hook;
    SYST_RVR = 997;
    SYST_CVR = 0;
    SYST_CSR = 7;
    for (int round = 0; round < 3; round++) {
        test_sort();
        test_jumps();
        printf("threaded %d\n", interpret(program));
        int total = 0;
        for (int c = -1; c < 14; c++)
            total += classify(c);
        printf(" switch %d\n", total);
        printf("average %.3f horner %.4f ackermann %u\n", average(3, 1.5, 2.5, 9.0),
               (double)horner(coefficients, 5, 1.25f + (float)round), ackermann(2, 60));
        int value = round;
        for (int i = 0; i < 4000; i++)
            value = operations[i % 4](value, i & 7) & 0xffff;
        printf("operations %d\n", value);
        service_call();
        uint32_t from = ticks;
        while (ticks < from + 20) {
        }
    }
    SYST_CSR = 0;
    printf("interrupted %s, pended %s, services %u\n", ticks >= 60 ? "often" : "RARELY",
           pended ? "yes" : "NO", (unsigned)service_argument);
    return ticks >= 60 && pended && service_argument == 15 ? 0 : 1;
}
