/* A payload: an image with its seal behind it (format/seal.h), as served and as verified. */
#ifndef RELEASE_SEAL_H
#define RELEASE_SEAL_H

#include "release/cose.h"

/* Fills the seal's digest, size, key id and signature, and appends image and seal to `out`. The
 * image's size is a multiple of 4. */
enum status seal_image(struct span image, struct pm_seal *seal, const struct es256_signer *signer,
                       struct buffer *out, struct error *error);

/* The seal of a payload whose digest and size it has; says nothing about the signature. */
enum status seal_of_payload(struct span payload, struct pm_seal *out, struct error *error);

/* Does the point's key hold for the seal? */
bool seal_holds(const struct pm_seal *seal, const uint8_t point[64]);

#endif
