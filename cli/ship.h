/* The parts of `ship`: everything that becomes of one product on its way to the folder.
 * Filled from top to bottom; each function says what it needs and what it fills. */
#ifndef CLI_SHIP_H
#define CLI_SHIP_H

#include "cli/folder.h"
#include "cli/folder_check.h"
#include "cli/run_test.h"
#include "harden/harden.h"
#include "product/product.h"

struct shipping {
    struct arena *arena;

    /* What goes in. */
    struct product product;
    struct span description; /* product.yaml's bytes */
    struct span original;    /* the linked ELF's */
    struct span artwork[RECORD_SCHEMES_MAXIMUM];
    const struct private_key *key;
    const char *log_directory;
    const char *seed; /* lower-case hex */
    int64_t issued_at_s, expires_at_s;

    /* What becomes of it. */
    struct span image;
    struct folder_check check;
    bool tested;
    struct run_test_result test;
    struct record record;
    struct folder folder;
};

/* When the evidence ends: after the months that product.yaml gives, and with the support. */
int64_t ship_expiry(const struct product *product, int64_t issued_at_s);

/* What product.yaml declares for check: folder_check_image(); the caller drops it. */
json_t *ship_declared(const struct product *product);

/* Signs the statements on hardening, build and tests, appends them to the log, and adds
 * envelopes and proofs to the folder. Needs all but record; fills record. */
enum status ship_statements(struct shipping *shipping, struct error *error);

/* Names every file of the folder in one more statement, logs that, and closes the folder
 * with it. */
enum status ship_release(struct shipping *shipping, struct error *error);

#endif
