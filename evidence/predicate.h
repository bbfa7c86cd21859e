/* The predicates we write: what kind of fact a statement is about.
 *
 * Each has a URI and the members that a reader insists on; further members are carried
 * and signed, so a later version may say more without breaking an earlier reader. Every
 * predicate says when it was made, as seconds since 1970 (UTC), and may say until when it
 * may be relied on; evidence past that date reads "unknown", never "pass".
 *
 *   all        issued_at_s integer          when
 *              tool        {name, version}  what made it
 *              expires_at_s integer         optional: not relied on afterwards
 *   hardening  profile     string           "null" or "exploit"
 *              seed        string           hexadecimal
 *              key         string           "boot" (made at each boot), "fixed" or "none":
 *                                           as figures.key.made has it
 *              original_sha256 string       digest of the firmware before
 *              figures     object           check's figures for the subject, as it wrote them
 *              exempt      array            optional: names of functions left unsealed
 *              writable_flash array         optional: {name, start, size_bytes} of flash that
 *                                           may be written; check refuses any other
 *              flash_window array           optional: names of the functions that open and close
 *                                           the flash driver's write window
 *              stack_limit string           optional: symbol or "0x..." of the stack's end
 *   build      inputs      array            of {name, sha256}
 *              options     object           what the build was asked for
 *   test       command     string           as product.yaml gives it
 *              exit_code   integer
 *              log_sha256  string           digest of its output
 *              duration_ms integer
 *   release    product     string
 *              version     string           the subjects are every file of the folder
 */
#ifndef EVIDENCE_PREDICATE_H
#define EVIDENCE_PREDICATE_H

#include <jansson.h>

#include "base/error.h"

#define PREDICATE_HARDENING "urn:proofmark:predicate:hardening:v1"
#define PREDICATE_BUILD "urn:proofmark:predicate:build:v1"
#define PREDICATE_TEST "urn:proofmark:predicate:test:v1"
#define PREDICATE_RELEASE "urn:proofmark:predicate:release:v1"

/* Bad input names the member that is missing or of the wrong type; so is a type that is
 * none of the four. */
enum status predicate_validate(const char *type, const json_t *predicate, struct error *error);

enum predicate_age { PREDICATE_CURRENT, PREDICATE_NOT_YET, PREDICATE_EXPIRED };

/* Of a predicate that predicate_validate() accepted. An hour of clock error is allowed
 * before issued_at_s. */
enum predicate_age predicate_age_at(const json_t *predicate, int64_t now_s);

#endif
