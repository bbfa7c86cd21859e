/* A record as `ship` makes one, for the tests of page and label. Its figures are those of
 * no real firmware. */
#ifndef TESTS_LABEL_SAMPLE_H
#define TESTS_LABEL_SAMPLE_H

#include <string.h>

#include "registry/record.h"

#define SAMPLE_DIGEST "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static inline struct record sample_facts(void) {
    struct record record = {
        .product = {"Hallway Thermostat", "HT-1", "1.0.0", "hallway-thermostat",
                    "Keeps one room at the temperature you set."},
        .manufacturer = {"Example Works Ltd", "https://works.example", "hello@works.example"},
        .firmware = {SAMPLE_DIGEST, 48312, SAMPLE_DIGEST},
        .support = {"2031-12"},
        .reports = {"security@works.example", "https://works.example/security"},
        .url = "https://labels.works.example/hallway-thermostat/1.0.0/",
        .signer = SAMPLE_DIGEST,
        .tool = "proofmark 0.1.0",
        .issued_at_s = 1795305600,
        .expires_at_s = 1858377600,
        .fields = {.password_changeable = "yes",
                   .password_how = "Console, command password",
                   .secure_configuration = "https://works.example/ht-1/secure",
                   .updates_automatic = "no",
                   .updates_how = "By the installer, over the service port",
                   .sbom = "yes",
                   .hbom = "no",
                   .access_control = "One owner's password at the console",
                   .data = "Room temperature; it stays in the device",
                   .laboratory = "Example Laboratory"},
        .declared = {{"No account is needed.", NULL}},
        .declared_count = 1,
        .evidence_sha256 = {SAMPLE_DIGEST, SAMPLE_DIGEST, SAMPLE_DIGEST},
    };
    return record;
}

/* The predicates of the three statements; the caller drops them. */
static inline void sample_statements(json_t *out[RECORD_EVIDENCE_COUNT], const char *key) {
    out[RECORD_EVIDENCE_HARDENING] = json_pack(
        "{s:s, s:{s:{s:i,s:i,s:i}, s:{s:i,s:i,s:i}, s:{s:b,s:b,s:b,s:[],s:[{s:s}]}, "
        "s:{s:b,s:i,s:i,s:i,s:i}}}",
        "key", key, "figures", "returns", "sites", 412, "sealed", 408, "exempt", 4, "calls",
        "sites", 38, "checked", 37, "exempt", 0, "memory_map", "applied", 1, "null_guard", 0,
        "stack_guard", 1, "executable_ram", "writable_flash", "name", "settings", "original",
        "compared", 1, "functions", 431, "moved", 424, "untouched", 1, "dropped", 6);
    out[RECORD_EVIDENCE_BUILD] = json_pack("{s:{s:s}}", "options", "profile", "exploit");
    out[RECORD_EVIDENCE_TEST] =
        json_pack("{s:s, s:i}", "command", "./run-tests {firmware}", "exit_code", 0);
}

static inline enum status sample_record(struct arena *arena, struct record *out,
                                        struct error *error) {
    json_t *predicates[RECORD_EVIDENCE_COUNT];
    struct record_statements statements;
    sample_statements(predicates, "boot");
    *out = sample_facts();
    for (int i = 0; i < RECORD_EVIDENCE_COUNT; i++)
        statements.predicate[i] = predicates[i];
    enum status status = record_make_claims(arena, out, &statements, error);
    for (int i = 0; i < RECORD_EVIDENCE_COUNT; i++)
        json_decref(predicates[i]);
    return status;
}

#endif
