/* The verb alone, for keygen_keeps_keys_private.py. */
#include "cli/verbs.h"

int main(int argc, char **argv) {
    return verb_keygen(argc, argv);
}
