#!/usr/bin/env python3
"""A label that other code jumps to keeps its function unsealed only where a way from it may lead
back to the function's caller. One that leads to exit() or an endless loop alone does not: the
function moves and is sealed, works as before, and check finds it when a way out is put there.

    labels_that_lead_nowhere_are_no_matter.py PROOFMARK
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../check"))
from images import Images, Patch  # noqa: E402

REASON = "its inside is referred to as data or jumped to from elsewhere"
AMBIGUOUS = "an indirect jump may be a call or a computed goto"
NESTED = r"""
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) static void each(int n, void (*call)(int)) { for (int i = 0; i < n; i++) call(i); }
__attribute__((noinline)) int run(int n) {
    __label__ out;
    int sum = 0;
    void add(int i) { if (i > 6) goto out; sum += i; }
    each(n, add);
    return sum;
out:
    printf("got 15 and %d\n", sum);
    exit(0);
}
int main(void) { if (run(6) == 15) run(20); return 1; }
"""
BUILTIN = r"""
#include <stdio.h>
#include <stdlib.h>
static void *place[5];
__attribute__((noinline)) static void leave(int n) { if (n > 3) __builtin_longjmp(place, 1); }
__attribute__((noinline)) int run(int n) {
    if (__builtin_setjmp(place)) {
        printf("got 15 and %d\n", 21);
        exit(0);
    }
    leave(n);
    return n * 5;
}
int main(void) { if (run(3) == 15) run(20); return 1; }
"""
ASSEMBLY = r"""
#include <stdio.h>
#include <stdlib.h>
int run(int n); int other(int n); void jump(int n);
__attribute__((noinline, used)) int twice(int n) { return n * 2; }
__attribute__((noinline, used)) void done(int n) { printf("got 15 and %%d\n", n); if (n == 21) exit(0); }
__asm__(".macro fn n\n.section .text.\\n,\"ax\"\n.global \\n\n.type \\n, %%function\n.thumb_func\n\\n:\n.endm\n"
        " fn jump\n ldr r2, 8f\n mov pc, r2\n.align 2\n8: .word .Lout\n.size jump, . - jump\n"
        " fn run\n push {r4, lr}\n mov r4, r0\n bl twice\n adds r0, r4\n 7: pop {r4, pc}\n"
        ".Lout: movs r0, #21\n bl done\n %s\n.size run, . - run\n");
/* The jump comes with a frame of its own that is like run's. */
__attribute__((noinline, naked)) void enter(void) { __asm__("push {r4, lr}\n b.w jump"); }
int main(void) { if (run(5) == 15) { if (STAYS) done(20); enter(); } return 1; }
"""
SEALED = {"it_loops": "6: b 6b", "it_traps": "udf #1", "it_branches": "cmp r0, #1\n bne 6f\n bl done\n6: b 6b"}
STAYS = {
    "it_returns": "pop {r4, pc}",
    "it_goes_to_the_return": "b 7b",
    "it_may_go_there": "cmp r0, #1\n beq 7b\n6: b 6b",
    "it_goes_on_elsewhere": "b.w twice",
    "it_loads_lr": "ldr lr, [sp, #4]\n6: b 6b",
    "it_saves_lr": "push {lr}\n6: b 6b",
    "it_jumps": "ldr r1, [r0]\n bx r1",
    "it_returns_under_a_condition": "cmp r0, #1\n it eq\n popeq {r4, pc}\n6: b 6b",
    "it_has_a_subroutine": "bl 6f\n5: b 5b\n6: movs r1, #1\n bx lr",
}


def row_of(images, elf, name="run"):
    _, out, report = images.harden(elf, "exploit")
    return out, images.function(report, name)


def compiled(images, name, text, levels):
    for flags in levels:
        elf = images.build(f"{name}{flags[0]}", text, flags)
        images.same(elf, "got 15 and 21")
        row = row_of(images, elf)[1]
        images.expect(row["status"] == "accepted" and row["protections"]["returns"] == {"sites": 1, "protected": 1},
                      f"{name} {flags}: {row}")


def main():
    images = Images(sys.argv[1])
    compiled(images, "nested", NESTED, (["-O0"], ["-O2"], ["-Os"]))
    compiled(images, "builtin", BUILTIN, (["-O2"], ["-Os"]))  # -O0 asks twice whether it came back
    for name, body in (SEALED | STAYS).items():
        stays = name in STAYS
        text = ASSEMBLY % body.replace("\n", "\\n")
        elf = images.build(name, text, ["-O2", f"-DSTAYS={int(stays)}"])
        images.same(elf, "got 15 and 21")
        row = row_of(images, elf)[1]
        protected = row["protections"]["returns"]["protected"]
        reason = AMBIGUOUS if name == "it_jumps" else REASON
        images.expect((row.get("reason") == reason and not protected) if stays else protected == 1, f"{name}: {row}")
    out, _ = row_of(images, images.path("it_loops.elf"))
    patch = Patch(out)
    loop = [at for at, (_, said, name) in sorted(patch.code.items()) if name == "run" and said.startswith("b.n")][-1]
    images.finds("a way out put at the label", patch.put(loop, b"\x10\xbd").save("way_out"), "returns",
                 ["run", "label"])
    return images.finish()


if __name__ == "__main__":
    sys.exit(main())
