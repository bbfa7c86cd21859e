/* The seal of an image: what the boot stage must know before it runs one, signed by a release
 * key. It stands in the last PM_SEAL_BYTES of the slot and is written last, so a slot without a
 * whole seal holds no image.
 *
 *   offset size
 *        0    8  "PMSEAL" 0x00 0x01         (name and version)
 *        8    4  slot address: where the image was laid out to run
 *       12    4  image bytes, from the slot's start (a multiple of 4)
 *       16    8  sequence number: rises with every release; compared with the floor
 *       24    4  version as told to people: major, minor (a byte each), patch (16 bits)
 *       28    4  zero
 *       32   32  SHA-256 of the image
 *       64   16  vendor identifier (UUID, RFC 9562)
 *       80   16  class identifier
 *       96   32  key id of the release key: SHA-256 of its point x || y
 *      128   64  ES256 signature r || s over bytes 0 to 127 (FIPS 186-5, P-256, SHA-256)
 *
 * Integers are little-endian; there is one byte form. A payload as served is the image followed
 * by its seal. */
#ifndef FORMAT_SEAL_H
#define FORMAT_SEAL_H

#include "format/bytes.h"

enum { PM_SEAL_BYTES = 192, PM_SEAL_SIGNED_BYTES = 128, PM_ES256_BYTES = 64, PM_UUID_BYTES = 16 };

struct pm_seal {
    uint32_t slot_address, image_bytes;
    uint64_t sequence;
    uint8_t major, minor;
    uint16_t patch;
    uint8_t image_sha256[PM_SHA256_BYTES];
    uint8_t vendor[PM_UUID_BYTES], class_id[PM_UUID_BYTES];
    uint8_t key_id[PM_SHA256_BYTES];
    uint8_t signature[PM_ES256_BYTES];
};

void pm_seal_write(const struct pm_seal *seal, uint8_t out[PM_SEAL_BYTES]);

/* False for any bytes that pm_seal_write() does not make. Says nothing about the signature. */
bool pm_seal_read(const uint8_t bytes[PM_SEAL_BYTES], struct pm_seal *out);

#endif
