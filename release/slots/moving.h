/* One image on its way to another address: what the files of this folder share. See
 * release/slots.h. Each step leaves a sentence in moving->error where it refuses. */
#ifndef RELEASE_SLOTS_MOVING_H
#define RELEASE_SLOTS_MOVING_H

#include "firmware/model.h"
#include "release/slots.h"

struct moving {
    struct fw_model *model;
    struct span input;   /* the file that the model borrows its contents from */
    struct buffer *file; /* the copy that is edited */
    const struct slot_options *options;
    struct slot_layout *out;
    struct error *error;
    uint32_t first, end; /* load addresses: of the first flashed byte, behind the last */
    uint32_t shift;
};

/* moving.c */

/* Is it an address in the image, or the one right behind it? */
bool moving_in_image(const struct moving *moving, uint32_t value);
/* The place's bytes in the copy. */
uint8_t *moving_bytes(struct moving *moving, const struct fw_section *s, uint32_t place);
bool moving_is_flashed(const struct fw_section *s);
/* Flashed, and runs where it is flashed. */
bool moving_moves(const struct fw_section *s);
/* Is the absolute symbol's value the edge of something that start-up copies out of the image? */
bool moving_is_load_edge(const struct fw_model *model, uint32_t value);
bool moving_is_listed(const char *const *names, size_t count, const char *name);

/* place.c: the first sets `first` and `end`; the others refuse. */

enum status moving_find_image(struct moving *moving);
enum status moving_check_room(struct moving *moving, uint32_t slot_bytes);
enum status moving_check_vectors(struct moving *moving);
enum status moving_check_vector_words(struct moving *moving);
enum status moving_check_relative_code(struct moving *moving);
enum status moving_check_unwind_index(struct moving *moving);

/* What is edited, in this order. */

enum status moving_contents(struct moving *moving);
/* The hardener's MPU regions, where there are any. */
enum status moving_memory_map(struct moving *moving);
/* Counts words of data without a relocation that could be addresses of the image. */
void moving_count_look_alikes(struct moving *moving);
enum status moving_tables(struct moving *moving);

#endif
