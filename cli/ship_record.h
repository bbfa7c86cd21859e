/* From product.yaml to the facts of a record. */
#ifndef CLI_SHIP_RECORD_H
#define CLI_SHIP_RECORD_H

#include "cli/ship.h"

/* Everything of shipping->record but claims and evidence digests. */
void ship_record_facts(struct shipping *shipping);

#endif
