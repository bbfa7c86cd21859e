/* What -fstack-protector needs from a program without a C library; only in the build that
 * is compared with. */
#include <stdint.h>

#include "random.h"
#include "semihost.h"
#include "text.h"

enum { EXIT_FAULT = 3 };

uint32_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

/* Runs from Reset_Handler, which never returns, so no live frame has the old value. */
__attribute__((constructor)) static void protector_start(void) {
    __stack_chk_guard = random_seed();
}

_Noreturn void __stack_chk_fail(void) {
    text_print("\nfault stack protector\n");
    semihost_exit(EXIT_FAULT);
}
