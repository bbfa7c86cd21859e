/* A firmware of a few functions that has one of each thing the hardener treats on its own:
 * a vector table, literal pools, a branch table, a computed goto, calls through pointers,
 * returns under conditions, a tail call, code in RAM, pointers to code in data. Built
 * several ways by elf_seeds.py; it need not run. */
#include <stdint.h>

extern uint32_t __StackTop[];
void Reset_Handler(void);
int main(void);
uint32_t pm_random(void);

static volatile uint32_t sink;

uint32_t pm_random(void) {
    return *(volatile uint32_t *)0x40000000 ^ 0x12345678;
}

__attribute__((noinline)) static int choose(int c) {
    switch (c) {
    case 0:
        return 17;
    case 1:
        sink = 3;
        return 4;
    case 2:
        return c * 9;
    case 3:
        sink += 5;
        return 8;
    case 4:
        return -c;
    case 6:
        sink--;
        return 6;
    default:
        return 1;
    }
}

__attribute__((noinline)) static int twice(int c) {
    int once = choose(c);
    if (once == 17) return 2;
    return once + choose(once);
}

__attribute__((noinline)) static int tail(int c) {
    sink = (uint32_t)twice(c);
    return twice(c + 1);
}

static int (*const operations[])(int) = {choose, twice, tail};

__attribute__((noinline)) static int threaded(const uint8_t *code) {
    static const void *const labels[] = {&&end, &&up, &&down};
    int value = 0;
    goto *labels[*code++];
up:
    value += choose(value);
    goto *labels[*code++];
down:
    value -= 2;
    goto *labels[*code++];
end:
    return value;
}

__attribute__((section(".data.code"), noinline, long_call)) static int in_ram(int c) {
    return operations[c & 1](c);
}

int main(void) {
    static const uint8_t program[] = {1, 2, 1, 0};
    int total = threaded(program);
    for (int i = 0; i < 9; i++)
        total += operations[i % 3](i);
    return total + in_ram(total);
}

void Reset_Handler(void) {
    sink = (uint32_t)main();
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*entries[15])(void);
} vectors = {__StackTop,
             {Reset_Handler, Reset_Handler, Reset_Handler, Reset_Handler, Reset_Handler,
              Reset_Handler, 0, 0, 0, 0, Reset_Handler, Reset_Handler, 0, Reset_Handler,
              Reset_Handler}};
