/* The unwind index (.ARM.exidx; IHI 0038, section 6): pairs of a function's address and what
 * to do in it, sorted by address, each valid up to the next.
 *
 * An unwinder in the image (C++ exceptions, _Unwind_Backtrace) reads return addresses from
 * the stack by it, and finds handlers by offsets into functions that no relocation shows.
 * So where code that can run refers to the index, functions that can be unwound stay as
 * they are: fw_unwind_pin() refuses them. Where none does, the index means nothing.
 *
 * Nor does it for a function that cannot be on the stack while the index is read: one that
 * reads it neither itself nor in anything it calls, over direct calls, pointers it refers
 * to, and all functions whose address is taken where it calls through a register. That is
 * asked only of libgcc's unwinder, which reads the stack it runs on: not where other code
 * reads the index or hands the unwinder registers, where an exception handler may unwind,
 * and where code is not understood. */
#ifndef FIRMWARE_ANALYSE_UNWIND_H
#define FIRMWARE_ANALYSE_UNWIND_H

#include "firmware/model.h"

enum { FW_CANTUNWIND = 1, FW_UNWIND_ENTRY_BYTES = 8 };

struct fw_unwind_entry {
    uint32_t address, data; /* data: inline word, FW_CANTUNWIND, or extab address if table */
    bool table;
};

/* All entries of the section, sorted by address; *count of them. */
struct fw_unwind_entry *fw_unwind_entries(struct arena *arena, const struct fw_section *section,
                                          size_t *count);
/* The last entry at or in front of `address`, or NULL. */
const struct fw_unwind_entry *fw_unwind_covering(const struct fw_unwind_entry *entries,
                                                 size_t count, uint32_t address);

/* Sets model->unwinder; when there is one, marks and refuses every unit that it may unwind.
 * Requires: fw_flow_build(), and no refusal by a later analysis, so that hardener and check
 * ask the same. Invalidates: .reachable of units. */
void fw_unwind_pin(struct fw_model *model);

#endif
