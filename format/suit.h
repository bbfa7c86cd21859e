/* The SUIT envelope and its manifest: draft-ietf-suit-manifest-34.
 *
 *   107({2: << [ << SUIT_Digest >>, << COSE_Sign1, detached >> ] >>,     authentication wrapper
 *        3: << manifest >>,
 *      ? 16: << payload fetch >>, ? 20: << install >>, ? 23: << text >>})   severed elements
 *
 *   SUIT_Digest = [-16 (SHA-256), 32 bytes]
 *   manifest    = {1: 1, 2: sequence number, 3: << common >>, ? 4: reference URI,
 *                  ? 7: << validate >>, ? 8: << load >>, ? 9: << invoke >>,
 *                  ? 16: << payload fetch >> / SUIT_Digest, ? 20: << install >> / SUIT_Digest,
 *                  ? 23: << text >> / SUIT_Digest}
 *   common      = {2: [component, ...], ? 4: << shared sequence >>}
 *   component   = [h'00'] the slot to be written, behind which may be [h'01'] the slot that runs
 *
 * << >> is a byte string that wraps the encoding. A digest is over the element with the byte
 * string's head; the signature is over the SUIT_Digest's encoding. An element that the manifest
 * names by digest must be in the envelope with that digest; one that it does not name must not be.
 *
 * Stricter than the draft: exactly one authentication block, no other digest algorithm, no
 * integrated payloads, no dependencies, and no key that is not above. Nothing is copied; this
 * file proves the form and hashes, and knows no keys. device/src/suit.c executes the commands. */
#ifndef FORMAT_SUIT_H
#define FORMAT_SUIT_H

#include "format/cbor.h"
#include "format/cose.h"

enum { PM_SUIT_TAG_ENVELOPE = 107, PM_SUIT_SHA256 = -16 };

/* Labels of envelope and manifest (the draft's sections 11.1, 11.2). */
enum pm_suit_element {
    PM_SUIT_AUTHENTICATION = 2,
    PM_SUIT_MANIFEST = 3,
    PM_SUIT_VERSION = 1,
    PM_SUIT_SEQUENCE_NUMBER = 2,
    PM_SUIT_COMMON = 3,
    PM_SUIT_REFERENCE_URI = 4,
    PM_SUIT_VALIDATE = 7,
    PM_SUIT_LOAD = 8,
    PM_SUIT_INVOKE = 9,
    PM_SUIT_PAYLOAD_FETCH = 16,
    PM_SUIT_INSTALL = 20,
    PM_SUIT_TEXT = 23,
};

enum { PM_SUIT_COMMON_COMPONENTS = 2, PM_SUIT_COMMON_SHARED = 4 };

/* Commands (section 11.4). */
enum pm_suit_command {
    PM_SUIT_CONDITION_VENDOR = 1,
    PM_SUIT_CONDITION_CLASS = 2,
    PM_SUIT_CONDITION_IMAGE_MATCH = 3,
    PM_SUIT_CONDITION_SLOT = 5,
    PM_SUIT_SET_COMPONENT = 12,
    PM_SUIT_CONDITION_ABORT = 14,
    PM_SUIT_TRY_EACH = 15,
    PM_SUIT_OVERRIDE_PARAMETERS = 20,
    PM_SUIT_FETCH = 21,
    PM_SUIT_DIRECTIVE_INVOKE = 23,
    PM_SUIT_RUN_SEQUENCE = 32,
};

/* Parameters (section 11.5). The last two are ours, from the range for private use: the payload is
 * a Proofmark patch (format/patch.h) against the component with this index, or false: it is none;
 * and the patch's own size. */
enum pm_suit_parameter {
    PM_SUIT_PARAMETER_VENDOR = 1,
    PM_SUIT_PARAMETER_CLASS = 2,
    PM_SUIT_PARAMETER_DIGEST = 3,
    PM_SUIT_PARAMETER_SLOT = 5,
    PM_SUIT_PARAMETER_STRICT_ORDER = 12,
    PM_SUIT_PARAMETER_SOFT_FAILURE = 13,
    PM_SUIT_PARAMETER_SIZE = 14,
    PM_SUIT_PARAMETER_URI = 21,
    PM_SUIT_PARAMETER_PATCH = -257,
    PM_SUIT_PARAMETER_PATCH_SIZE = -258,
};

/* What a component is on the unit; also its index, since they are listed in this order. */
enum pm_suit_role { PM_SUIT_TARGET, PM_SUIT_RUNNING, PM_SUIT_COMPONENTS };

/* Elements that a manifest may have: first those that can be severed. The index of a label, or
 * PM_SUIT_SECTIONS. */
enum { PM_SUIT_SEVERABLE = 3, PM_SUIT_SECTIONS = 6 };
size_t pm_suit_section(int32_t label);

enum pm_suit_form { PM_SUIT_MALFORMED, PM_SUIT_DIGEST_DIFFERS, PM_SUIT_WELL_FORMED };

struct pm_suit_envelope {
    struct pm_bytes signed_digest; /* the SUIT_Digest's encoding: the detached payload */
    struct pm_cose_sign1 signature;
    struct pm_bytes manifest; /* with the head of its byte string; its digest was compared */
    /* By pm_suit_section(), each with its head; empty when not there. */
    struct pm_bytes severed[PM_SUIT_SEVERABLE];
};

/* Command sequences in the byte strings that wrap them, not yet looked at; empty when not there. */
struct pm_suit_manifest {
    uint64_t sequence;
    size_t component_count;
    uint8_t roles[PM_SUIT_COMPONENTS];                  /* enum pm_suit_role, by component index */
    struct pm_bytes shared, sections[PM_SUIT_SECTIONS]; /* by pm_suit_section() */
};

/* The form of the envelope, and that the manifest has the digest that is signed. The signature
 * is the caller's to verify before the manifest is read. */
enum pm_suit_form pm_suit_read_envelope(const struct pm_sha256 *sha256, struct pm_bytes bytes,
                                        struct pm_suit_envelope *out);

/* The form of the manifest, and the digests of what was severed from it. */
enum pm_suit_form pm_suit_read_manifest(const struct pm_sha256 *sha256,
                                        const struct pm_suit_envelope *envelope,
                                        struct pm_suit_manifest *out);

/* The 32 bytes of a SUIT_Digest that is wrapped in a byte string; NULL when it is none by SHA-256,
 * and `in` failed. */
const uint8_t *pm_suit_take_digest(struct pm_cbor *in);

#endif
