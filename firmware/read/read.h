/* Read a linked ELF into the model: sections, segments, symbols, relocations.
 *
 * Accepts ELF32, little-endian, EM_ARM, ET_EXEC for ARMv7-M or ARMv7E-M (Cortex-M3, M4,
 * M7) whose linker kept the relocations (-Wl,--emit-relocs). Sections outside memory
 * (debug, comments) are left behind; symbols are kept.
 *
 * Requires: an empty model (zeroed). Guarantees: every array is filled and every index
 * and offset in it is within bounds; sections do not overlap, allocated ones in memory and none
 * in the file, so that what is copied is at most the file, and names at most four times as much;
 * relocations are sorted by place. Errors: STATUS_BAD_INPUT with one sentence. */
#ifndef FIRMWARE_READ_READ_H
#define FIRMWARE_READ_READ_H

#include "firmware/model.h"

enum { FW_INPUT_MAXIMUM_BYTES = 256 << 20 };

/* Everything but relocations is required; for `proofmark init` and `check` without the
 * original an image that kept none is accepted when need_relocations is false. */
enum status fw_read(struct fw_model *model, struct span file, bool need_relocations,
                    struct error *error);
/* The same for a model that nobody edits: its sections' data is the file's, which must outlive
 * it. */
enum status fw_read_borrowing(struct fw_model *model, struct span file, bool need_relocations,
                              struct error *error);

#endif
