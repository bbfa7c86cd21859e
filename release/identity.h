/* Who a device is for: vendor and class identifiers as SUIT makes them (draft-ietf-suit-manifest,
 * "Creating UUIDs": UUID version 5, RFC 9562, of a domain name; then of a name under it), and the
 * version as a seal holds it. */
#ifndef RELEASE_IDENTITY_H
#define RELEASE_IDENTITY_H

#include "base/error.h"
#include "format/seal.h"

/* A domain name ("example.com"), or a UUID in text. */
enum status identity_vendor(const char *text, uint8_t out[PM_UUID_BYTES], struct error *error);
/* A name of the vendor's own ("thermostat-2"), or a UUID in text. */
enum status identity_class(const uint8_t vendor[PM_UUID_BYTES], const char *text,
                           uint8_t out[PM_UUID_BYTES], struct error *error);

struct identity_version {
    uint8_t major, minor;
    uint16_t patch;
};

/* "MAJOR.MINOR.PATCH", at most 255.255.65535. */
enum status identity_version(const char *text, struct identity_version *out, struct error *error);

#endif
