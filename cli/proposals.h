/* What `init` proposes from the names and places in a firmware's ELF. They are comments in
 * product.yaml: the maker decides. */
#ifndef CLI_PROPOSALS_H
#define CLI_PROPOSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/model.h"
#include "product/product.h"

/* How likely a function of this name is uint32_t f(void) that reads a random source; 0: it is
 * none, such as one that feeds a generator, sets it up or asks whether it is good. */
unsigned propose_key_function(const char *name);

/* A symbol of a word, or of 32 bytes of its own, that `harden` would take for the key, or NULL. */
const char *propose_key_cell(struct fw_model *model);

/* Where code writes PSP or CONTROL, so that `harden` asks for a key cell; false: nowhere. */
bool propose_needs_key_cell(const struct fw_model *model, uint32_t *address);

/* The flash that holds the image: from its first loaded byte, in a power of two; false when
 * nothing is loaded near the entry. `behind` gets the first 4 KiB behind the image. */
bool propose_flash(const struct fw_model *model, const struct product_range *loaded, size_t count,
                   struct product_range *flash, struct product_range *behind);

#endif
