/* The large image does what the zlib program does. The other code in it is reachable,
 * as far as anyone can tell without running it. */
#include <stdlib.h>

int roundtrip_main(void);
void bz_internal_error(int code);
void reach_all(void);

static volatile int never;

void bz_internal_error(int code) {
    exit(code);
}

int main(void) {
    if (never) reach_all();
    return roundtrip_main();
}
