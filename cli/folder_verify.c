/* See folder_verify.h. */
#include "cli/folder_verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evidence/predicate.h"

static const char *const state_names[] = {
    [FOLDER_STATE_REFUSED] = "refused", [FOLDER_STATE_UNKNOWN] = "unknown",
    [FOLDER_STATE_WORD] = "declared",   [FOLDER_STATE_SIGNED] = "signed, not re-checked",
    [FOLDER_STATE_HOLDS] = "holds",
};

const char *folder_state_name(enum folder_state state) {
    return state_names[state];
}

static const char *const predicate_types[RECORD_EVIDENCE_COUNT] = {
    [RECORD_EVIDENCE_HARDENING] = PREDICATE_HARDENING,
    [RECORD_EVIDENCE_BUILD] = PREDICATE_BUILD,
    [RECORD_EVIDENCE_TEST] = PREDICATE_TEST,
};

/* A reason is NULL only for what holds; each begins as refused. */
struct verdict {
    bool holds;
    const char *reason;
};

struct verifying {
    struct arena *arena;
    const struct folder *folder;
    const struct folder_trust *trust;
    struct folder_report *report;

    uint8_t digests[FOLDER_FILES_MAXIMUM][DIGEST_BYTES]; /* of the folder's files */
    uint8_t firmware_digest[DIGEST_BYTES];               /* of trust->firmware */

    struct evidence_finding release;
    struct evidence_finding evidence[RECORD_EVIDENCE_COUNT];
    bool evidence_read[RECORD_EVIDENCE_COUNT];
    bool evidence_holds[RECORD_EVIDENCE_COUNT]; /* whatever the tests' log is */
    struct record record;
    bool record_parsed;
    struct span firmware; /* what is looked at; empty when there is none */

    struct verdict release_verdict, log, files, record_verdict, image;
    struct verdict statement[RECORD_EVIDENCE_COUNT];
    struct verdict page, label;
    const char *label_not_drawn; /* why the PNG was not drawn again; NULL: it was */
    struct verdict recheck;
    bool rechecked;
    struct span compared; /* the given original, once it is known to be the record's */
    struct verdict original;
};

static struct verdict holds(void) {
    return (struct verdict){.holds = true};
}

static struct verdict refused(const char *reason) {
    return (struct verdict){.reason = reason};
}

static const char *keep(struct verifying *v, const struct error *error) {
    return arena_string(v->arena, error->message, strlen(error->message));
}

static const uint8_t *digest_of_file(const struct verifying *v, const struct folder_file *file) {
    return v->digests[file - v->folder->files];
}

static const char *hex_of(struct verifying *v, const uint8_t digest[DIGEST_BYTES]) {
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    return arena_string(v->arena, hex, DIGEST_HEX_BYTES - 1);
}

/* Each file is hashed once. */
static void take_digests(struct verifying *v) {
    for (size_t i = 0; i < v->folder->count; i++)
        digest_of(v->folder->files[i].bytes, v->digests[i]);
    if (v->trust->firmware.data) digest_of(v->trust->firmware, v->firmware_digest);
}

/* The release: signature, log, kind. */

static void verify_release(struct verifying *v) {
    const struct folder_file *envelope =
        folder_find(v->folder, folder_statement_name(v->arena, FOLDER_RELEASE));
    const struct folder_file *proof =
        folder_find(v->folder, folder_proof_name(v->arena, FOLDER_RELEASE));
    if (!envelope || !proof) {
        v->release_verdict = refused("the folder has no signed release statement with its proof");
        return;
    }
    struct error error;
    if (dsse_read(v->arena, envelope->bytes, &v->release.dsse, &error) == STATUS_OK) {
        memcpy(v->report->signer_hex, v->release.dsse.key_id_hex, DIGEST_HEX_BYTES);
    }
    if (!v->trust->maker) {
        const char *who = v->report->signer_hex;
        v->release_verdict = refused(arena_format(
            v->arena, "no trusted key was given; the folder names the key %s as its signer",
            *who ? who : "(none)"));
        return;
    }
    struct evidence_trust trust = {v->trust->maker, v->trust->maker, NULL};
    evidence_verify(v->arena, &trust, envelope->bytes, proof->bytes, &v->release);
    if (!v->release.accepted) {
        bool by_proof = v->release.predicate == EVIDENCE_HOLDS;
        const char *name = by_proof ? folder_proof_name(v->arena, FOLDER_RELEASE)
                                    : folder_statement_name(v->arena, FOLDER_RELEASE);
        const char *reason = arena_format(v->arena, "%s: %s", name, v->release.reason.message);
        v->release_verdict = refused(reason);
        if (by_proof) v->log = refused(reason);
        return;
    }
    if (strcmp(v->release.content.predicate_type, PREDICATE_RELEASE) != 0) {
        v->release_verdict = refused("statements/release.json is a statement of another kind");
        return;
    }
    v->release_verdict = holds();
}

/* Files: each named, each there, each with its digest, and none besides. */

static bool file_name_is_known(const char *name) {
    static const char *const known[] = {
        FOLDER_FIRMWARE,
        FOLDER_RECORD,
        FOLDER_PAGE,
        FOLDER_LABEL_SVG,
        FOLDER_LABEL_PNG,
        FOLDER_TEST_LOG,
        "statements/hardening.json",
        "statements/build.json",
        "statements/test.json",
        "proofs/hardening.tlog-proof",
        "proofs/build.tlog-proof",
        "proofs/test.tlog-proof",
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0) return true;
    return strncmp(name, "scheme-", 7) == 0 && name[7] >= '1' &&
           name[7] < '1' + RECORD_SCHEMES_MAXIMUM && strcmp(name + 8, ".png") == 0;
}

/* NULL when the file is what the release says. */
static const char *file_fault(struct verifying *v, const char *name) {
    const struct statement_subject *subject = statement_subject_named(&v->release.content, name);
    const struct folder_file *file = folder_find(v->folder, name);
    if (!subject) return arena_format(v->arena, "%s: the release does not name it", name);
    if (!file) return arena_format(v->arena, "%s: is missing", name);
    if (memcmp(digest_of_file(v, file), subject->sha256, DIGEST_BYTES) == 0) return NULL;
    return arena_format(v->arena, "%s: its SHA-256 is not the one that was signed", name);
}

static void verify_files(struct verifying *v) {
    static const char *const needed[] = {FOLDER_FIRMWARE, FOLDER_RECORD, FOLDER_PAGE,
                                         FOLDER_LABEL_SVG, FOLDER_LABEL_PNG};
    const struct statement *release = &v->release.content;
    const char *fault = NULL;
    for (size_t i = 0; i < sizeof needed / sizeof *needed && !fault; i++) {
        if (statement_subject_named(release, needed[i])) continue;
        fault = arena_format(v->arena, "the release names no %s", needed[i]);
    }
    for (size_t i = 0; i < release->subject_count && !fault; i++) {
        const char *name = release->subjects[i].name;
        bool absent = !folder_find(v->folder, name);
        if (absent && strcmp(name, FOLDER_FIRMWARE) == 0) continue; /* "not re-checked" */
        fault = file_name_is_known(name)
                    ? file_fault(v, name)
                    : arena_format(v->arena, "%.80s: no release has such a file", name);
    }
    const char *statement = folder_statement_name(v->arena, FOLDER_RELEASE);
    const char *proof = folder_proof_name(v->arena, FOLDER_RELEASE);
    for (size_t i = 0; i < v->folder->count && !fault; i++) {
        const char *name = v->folder->files[i].name;
        if (strcmp(name, statement) == 0 || strcmp(name, proof) == 0) continue;
        if (!statement_subject_named(release, name)) {
            fault = arena_format(v->arena, "%s: the release does not name it", name);
        }
    }
    v->files = fault ? refused(fault) : holds();
}

/* The image: in the folder, given beside it, or neither; where both, both are the same. */

static void verify_image(struct verifying *v) {
    const struct folder_file *file = folder_find(v->folder, FOLDER_FIRMWARE);
    const struct statement_subject *subject =
        statement_subject_named(&v->release.content, FOLDER_FIRMWARE);
    struct span given = v->trust->firmware;
    if (!subject) {
        v->image = refused("the release names no firmware");
        return;
    }
    const char *fault = file ? file_fault(v, FOLDER_FIRMWARE) : NULL;
    if (!fault && given.data && memcmp(v->firmware_digest, subject->sha256, DIGEST_BYTES) != 0) {
        fault = "the given firmware is not the one that was signed";
    }
    v->image = fault ? refused(fault) : holds();
    if (!fault) v->firmware = given.data ? given : file ? file->bytes : (struct span){0};
}

/* Statements: signed and logged, about this image, of their kind. */

static void verify_evidence(struct verifying *v, enum record_evidence which,
                            const struct folder_file *envelope, const struct folder_file *proof) {
    struct evidence_trust trust = {v->trust->maker, v->trust->maker, NULL};
    struct folder_cache *cache = v->trust->cache;
    uint8_t from[2 * DIGEST_BYTES];
    v->evidence_read[which] = true;
    if (!cache) {
        evidence_verify(v->arena, &trust, envelope->bytes, proof->bytes, &v->evidence[which]);
        return;
    }
    memcpy(from, digest_of_file(v, envelope), DIGEST_BYTES);
    memcpy(from + DIGEST_BYTES, digest_of_file(v, proof), DIGEST_BYTES);
    if (!cache->verified[which] || memcmp(from, cache->verified_from[which], sizeof from) != 0) {
        if (cache->verified[which]) evidence_release(&cache->evidence[which]);
        evidence_verify(&cache->arena, &trust, envelope->bytes, proof->bytes,
                        &cache->evidence[which]);
        cache->verified[which] = true;
        memcpy(cache->verified_from[which], from, sizeof from);
    }
    v->evidence[which] = cache->evidence[which]; /* borrowed: released with the cache */
}

static const char *statement_fault(struct verifying *v, enum record_evidence which) {
    const char *name = record_evidence_name(which);
    const char *envelope_name = folder_statement_name(v->arena, name);
    const char *proof_name = folder_proof_name(v->arena, name);
    const char *fault = file_fault(v, envelope_name);
    if (!fault) fault = file_fault(v, proof_name);
    if (fault) return fault;
    struct evidence_finding *finding = &v->evidence[which];
    verify_evidence(v, which, folder_find(v->folder, envelope_name),
                    folder_find(v->folder, proof_name));
    if (!finding->accepted) return keep(v, &finding->reason);
    if (strcmp(finding->content.predicate_type, predicate_types[which]) != 0) {
        return arena_format(v->arena, "%s: is a statement of another kind", envelope_name);
    }
    const struct statement_subject *about =
        statement_subject_named(&finding->content, FOLDER_FIRMWARE);
    const struct statement_subject *released =
        statement_subject_named(&v->release.content, FOLDER_FIRMWARE);
    bool same = about && released && finding->content.subject_count == 1 &&
                memcmp(about->sha256, released->sha256, DIGEST_BYTES) == 0;
    return same ? NULL : arena_format(v->arena, "%s: is about another firmware", envelope_name);
}

static const char *test_log_fault(struct verifying *v) {
    const char *fault = file_fault(v, FOLDER_TEST_LOG);
    if (fault) return fault;
    const json_t *predicate = v->evidence[RECORD_EVIDENCE_TEST].content.predicate;
    const char *said = json_string_value(json_object_get(predicate, "log_sha256"));
    const char *found = hex_of(v, digest_of_file(v, folder_find(v->folder, FOLDER_TEST_LOG)));
    return said && strcmp(said, found) == 0 ? NULL
                                            : "test.log: is not the log that the tests wrote";
}

static void verify_statements(struct verifying *v) {
    for (unsigned i = 0; i < RECORD_EVIDENCE_COUNT; i++) {
        const char *name =
            folder_statement_name(v->arena, record_evidence_name((enum record_evidence)i));
        bool named = statement_subject_named(&v->release.content, name) != NULL;
        if (!named && !folder_find(v->folder, name)) {
            v->statement[i] = refused(arena_format(v->arena, "%s: there is none", name));
            continue;
        }
        const char *fault = statement_fault(v, (enum record_evidence)i);
        v->evidence_holds[i] = !fault;
        if (!fault && i == RECORD_EVIDENCE_TEST) fault = test_log_fault(v);
        v->statement[i] = fault ? refused(fault) : holds();
    }
}

/* The record: the maker's facts, and claims that follow from the statements. */

static bool integer_is(const json_t *object, const char *key, int64_t value) {
    const json_t *found = json_object_get(object, key);
    return json_is_integer(found) && json_integer_value(found) == value;
}

static bool text_is(const json_t *object, const char *key, const char *value) {
    const char *found = json_string_value(json_object_get(object, key));
    return found && value && strcmp(found, value) == 0;
}

static const char *facts_fault(struct verifying *v) {
    const struct record *record = &v->record;
    const json_t *release = v->release.content.predicate;
    char hex[DIGEST_HEX_BYTES];
    const struct statement_subject *firmware =
        statement_subject_named(&v->release.content, FOLDER_FIRMWARE);
    if (!firmware) return "the release names no firmware";
    digest_to_hex(firmware->sha256, hex);
    if (strcmp(record->firmware.sha256, hex) != 0) return "record.json: is about another firmware";
    if (v->firmware.data && (uint64_t)record->firmware.size_bytes != v->firmware.size_bytes) {
        return "record.json: gives another size of the firmware";
    }
    if (strcmp(record->signer, v->trust->maker->id_hex) != 0) {
        return "record.json: names another signer";
    }
    bool same = text_is(release, "product", record->product.name) &&
                text_is(release, "version", record->product.version) &&
                integer_is(release, "issued_at_s", record->issued_at_s) &&
                integer_is(release, "expires_at_s", record->expires_at_s);
    if (!same) return "record.json: product, version or dates differ from the release's";
    const json_t *hardening = v->evidence[RECORD_EVIDENCE_HARDENING].content.predicate;
    if (hardening && !text_is(hardening, "original_sha256", record->firmware.original_sha256)) {
        return "record.json: names another original than the hardening statement";
    }
    for (unsigned i = 0; i < RECORD_EVIDENCE_COUNT; i++) {
        const char *said = record->evidence_sha256[i];
        bool there = v->evidence_read[i];
        if (!said && !there) continue;
        if (said && !there && v->statement[i].reason) return v->statement[i].reason;
        if (!said || !there || strcmp(said, v->evidence[i].sha256_hex) != 0) {
            return arena_format(v->arena, "record.json: its %s evidence is another statement",
                                record_evidence_name((enum record_evidence)i));
        }
    }
    return NULL;
}

static const char *claims_fault(struct verifying *v) {
    struct record again = v->record;
    struct record_statements statements = {{NULL}};
    struct error error;
    for (unsigned i = 0; i < RECORD_EVIDENCE_COUNT; i++) {
        if (v->evidence_holds[i]) statements.predicate[i] = v->evidence[i].content.predicate;
    }
    if (record_make_claims(v->arena, &again, &statements, &error) != STATUS_OK) {
        return keep(v, &error);
    }
    struct buffer bytes;
    const struct folder_file *file = folder_find(v->folder, FOLDER_RECORD);
    buffer_init(&bytes, RECORD_MAXIMUM_BYTES);
    bool same = record_write(&again, &bytes, &error) == STATUS_OK && !bytes.failed &&
                bytes.size_bytes == file->bytes.size_bytes &&
                memcmp(bytes.data, file->bytes.data, bytes.size_bytes) == 0;
    buffer_free(&bytes);
    return same ? NULL : "record.json: its claims do not follow from the signed statements";
}

static void parse_record(struct verifying *v) {
    struct error error;
    const struct folder_file *file = folder_find(v->folder, FOLDER_RECORD);
    if (!file) {
        v->record_verdict = refused("record.json: is missing");
    } else if (record_read(v->arena, file->bytes, &v->record, &error) != STATUS_OK) {
        v->record_verdict = refused(arena_format(v->arena, "record.json: %s", error.message));
    } else {
        v->record_parsed = true;
    }
}

static void verify_record(struct verifying *v) {
    const char *fault = file_fault(v, FOLDER_RECORD);
    if (!fault && !v->record_parsed) return;
    if (!fault) fault = facts_fault(v);
    if (!fault) fault = claims_fault(v);
    v->record_verdict = fault ? refused(fault) : holds();
    if (!fault) {
        v->report->product = v->record.product.name;
        v->report->version = v->record.product.version;
    }
}

/* Page and label: drawn again from the record and compared. */

static const char *artwork_fault(struct verifying *v, struct span artwork[]) {
    for (size_t i = 0; i < v->record.schemes_count; i++) {
        const struct record_scheme *scheme = &v->record.schemes[i];
        const char *fault = file_name_is_known(scheme->file) ? file_fault(v, scheme->file)
                                                             : "a scheme's artwork has no name";
        if (fault) return fault;
        const struct folder_file *file = folder_find(v->folder, scheme->file);
        artwork[i] = file->bytes;
        if (strcmp(hex_of(v, digest_of_file(v, file)), scheme->sha256) != 0) {
            return arena_format(v->arena, "%s: is not the artwork that the record names",
                                scheme->file);
        }
    }
    return NULL;
}

static bool file_is(struct verifying *v, const char *name, struct span bytes) {
    const struct folder_file *file = folder_find(v->folder, name);
    return file && file->bytes.size_bytes == bytes.size_bytes &&
           memcmp(file->bytes.data, bytes.data, bytes.size_bytes) == 0;
}

static void compare_pictures(struct verifying *v, const struct folder_pictures *pictures) {
    const json_t *said = json_object_get(v->release.content.predicate, "renderer");
    json_t *here = folder_renderer(v->arena);
    bool same_page = json_equal(json_object_get(said, "page"), json_object_get(here, "page"));
    bool same_label = json_equal(json_object_get(said, "label"), json_object_get(here, "label"));
    bool same_picture = same_label && json_equal(json_object_get(said, "picture"),
                                                 json_object_get(here, "picture"));
    json_decref(here);
    v->page = v->label = holds();
    if (!same_page) {
        v->page = refused("index.html: was made by another version of the page; use a proofmark of "
                          "the release's version");
    } else if (!file_is(v, FOLDER_PAGE, pictures->page)) {
        v->page = refused("index.html: is not the page that the record leads to");
    }
    if (!same_label) {
        v->label = refused("label.svg: was made by another version of the label; use a proofmark "
                           "of the release's version");
    } else if (!file_is(v, FOLDER_LABEL_SVG, pictures->svg)) {
        v->label = refused("label.svg: is not the label that the record leads to");
    } else if (same_picture && !file_is(v, FOLDER_LABEL_PNG, pictures->png)) {
        v->label = refused("label.png: is not the label that the record leads to");
    } else if (!same_picture) {
        v->label_not_drawn = "label.png: was drawn with another font or library than there is "
                             "here; its digest is signed";
    }
}

/* The record names its artwork by digest, so its bytes say all that is drawn. */
static enum status draw(struct verifying *v, const struct span artwork[],
                        struct folder_pictures *out, struct error *error) {
    struct folder_cache *cache = v->trust->cache;
    const uint8_t *from = digest_of_file(v, folder_find(v->folder, FOLDER_RECORD));
    if (!cache) return folder_render(v->arena, &v->record, artwork, out, error);
    if (!cache->drawn || memcmp(cache->drawn_from, from, DIGEST_BYTES) != 0) {
        enum status status =
            folder_render(&cache->arena, &v->record, artwork, &cache->pictures, error);
        if (status != STATUS_OK) return status;
        cache->drawn = true;
        memcpy(cache->drawn_from, from, DIGEST_BYTES);
    }
    *out = cache->pictures;
    return STATUS_OK;
}

static void verify_pictures(struct verifying *v) {
    struct span artwork[RECORD_SCHEMES_MAXIMUM] = {{0}};
    struct folder_pictures pictures;
    struct error error;
    const char *fault = file_fault(v, FOLDER_PAGE);
    if (fault) v->page = refused(fault);
    const char *label_fault = file_fault(v, FOLDER_LABEL_SVG);
    if (!label_fault) label_fault = file_fault(v, FOLDER_LABEL_PNG);
    if (label_fault) v->label = refused(label_fault);
    if (fault || label_fault) {
        if (!fault) v->page = refused("not compared, because the label does not hold");
        if (!label_fault) v->label = refused("not compared, because the page does not hold");
        return;
    }
    if (!v->record_verdict.holds) {
        v->page = v->label = refused("stands on a record that does not hold");
        return;
    }
    fault = artwork_fault(v, artwork);
    if (!fault && draw(v, artwork, &pictures, &error) != STATUS_OK) {
        fault = keep(v, &error);
    }
    if (fault) {
        v->page = v->label = refused(fault);
        return;
    }
    compare_pictures(v, &pictures);
}

/* The image, checked anew. */

/* Another firmware says nothing about this image: it is not compared with. */
static void take_original(struct verifying *v) {
    const char *expected = v->record_parsed ? v->record.firmware.original_sha256 : "";
    uint8_t digest[DIGEST_BYTES];
    if (!v->trust->original.data) return;
    digest_of(v->trust->original, digest);
    const char *given = hex_of(v, digest);
    if (strcmp(given, expected) == 0) {
        v->compared = v->trust->original;
        return;
    }
    v->original = refused(arena_format(v->arena,
                                       "the given original is not the one that the record names: "
                                       "its SHA-256 begins %.16s, not %.16s",
                                       given, expected));
}

static void verify_original(struct verifying *v, const struct folder_check *check) {
    if (!check->holds) {
        v->original = refused(check->fault);
    } else if (!check->compared) {
        v->original = refused("check did not compare the image with the original");
    } else {
        v->original = holds();
    }
}

static enum status recheck(struct verifying *v, struct folder_check *out, struct error *error) {
    struct folder_cache *cache = v->trust->cache;
    struct span original = v->compared;
    uint8_t digests[3][DIGEST_BYTES], from[DIGEST_BYTES];
    const json_t *declared = v->evidence[RECORD_EVIDENCE_HARDENING].content.predicate;
    if (!cache) return folder_check_image(v->arena, v->firmware, original, declared, out, error);
    digest_of(v->firmware, digests[0]);
    digest_of(original, digests[1]);
    char *asked = json_dumps(declared, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (!asked) return error_environment(error, "out of memory");
    digest_of((struct span){(const uint8_t *)asked, strlen(asked)}, digests[2]);
    free(asked);
    digest_of((struct span){digests[0], sizeof digests}, from);
    if (!cache->checked || memcmp(cache->checked_from, from, DIGEST_BYTES) != 0) {
        json_decref(cache->check.figures);
        cache->check = (struct folder_check){0};
        cache->checked = false;
        enum status status = folder_check_image(&cache->arena, v->firmware, original, declared,
                                                &cache->check, error);
        if (status != STATUS_OK) return status;
        cache->checked = true;
        memcpy(cache->checked_from, from, DIGEST_BYTES);
    }
    *out = cache->check;
    json_incref(out->figures);
    return STATUS_OK;
}

void folder_cache_free(struct folder_cache *cache) {
    json_decref(cache->check.figures);
    for (unsigned i = 0; i < RECORD_EVIDENCE_COUNT; i++)
        if (cache->verified[i]) evidence_release(&cache->evidence[i]);
    arena_free(&cache->arena);
    *cache = (struct folder_cache){0};
}

/* Only bytes with the signed digest come here: everything else has been refused. */
static void verify_check(struct verifying *v) {
    const struct verdict *statement = &v->statement[RECORD_EVIDENCE_HARDENING];
    if (!v->image.holds || !v->firmware.data || !statement->holds) return;
    struct folder_check check = {0};
    struct error error;
    take_original(v);
    v->rechecked = true;
    if (recheck(v, &check, &error) != STATUS_OK) {
        v->recheck = refused(keep(v, &error));
        return;
    }
    const json_t *said =
        json_object_get(v->evidence[RECORD_EVIDENCE_HARDENING].content.predicate, "figures");
    bool same = folder_check_agrees(said, check.figures, v->compared.data != NULL);
    if (!check.holds) v->recheck = refused(arena_format(v->arena, "check: %s", check.fault));
    else v->recheck = same ? holds() : refused("check finds other figures than those signed");
    if (v->compared.data) verify_original(v, &check);
    json_decref(check.figures);
}

/* The report. */

static struct folder_finding *add(struct verifying *v, const char *id) {
    struct folder_finding *finding = &v->report->findings[v->report->count++];
    *finding = (struct folder_finding){.id = id, .state = FOLDER_STATE_REFUSED};
    return finding;
}

static void add_part(struct verifying *v, const char *id, const struct verdict *verdict) {
    struct folder_finding *finding = add(v, id);
    finding->reason = verdict->reason;
    if (verdict->holds) finding->state = FOLDER_STATE_HOLDS;
    else if (!verdict->reason) finding->reason = "not looked at: the release does not hold";
}

static const char *date_of(struct verifying *v, int64_t time_s) {
    time_t when = (time_t)time_s;
    struct tm parts;
    if (!gmtime_r(&when, &parts)) return "?";
    return arena_format(v->arena, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1,
                        parts.tm_mday);
}

/* NULL when the evidence may be relied on today. */
static const char *age_fault(struct verifying *v, const json_t *predicate) {
    const json_t *until = json_object_get(predicate, "expires_at_s");
    switch (predicate_age_at(predicate, v->trust->now_s)) {
    case PREDICATE_CURRENT:
        return NULL;
    case PREDICATE_NOT_YET:
        return "its evidence is dated in the future: look at this machine's clock";
    case PREDICATE_EXPIRED:
        break;
    }
    return arena_format(v->arena, "its evidence was valid until %s",
                        date_of(v, json_integer_value(until)));
}

/* What a claim stands on, in order; NULL when all of it holds. */
static const char *claim_fault(struct verifying *v, const struct record_claim *claim) {
    if (!v->release_verdict.holds) return v->release_verdict.reason;
    if (!v->record_verdict.holds) return v->record_verdict.reason;
    if (claim->evidence == RECORD_EVIDENCE_NONE) return NULL;
    if (!v->image.holds) return v->image.reason;
    if (!v->statement[claim->evidence].holds) return v->statement[claim->evidence].reason;
    if (claim->class != RECORD_CLASS_TESTED) return NULL;
    if (v->rechecked && !v->recheck.holds) return v->recheck.reason;
    bool compared = strcmp(claim->id, "original") == 0 && v->trust->original.data;
    if (v->rechecked && compared && !v->original.holds) return v->original.reason;
    return NULL;
}

static void add_claim(struct verifying *v, const struct record_claim *claim) {
    struct folder_finding *finding = add(v, claim->id);
    finding->is_claim = true;
    finding->class = claim->class;
    finding->sentence = claim->sentence;
    finding->reason = claim_fault(v, claim);
    if (finding->reason) return;
    const char *old = age_fault(v, v->release.content.predicate);
    if (!old && claim->evidence != RECORD_EVIDENCE_NONE) {
        old = age_fault(v, v->evidence[claim->evidence].content.predicate);
    }
    if (old) {
        finding->state = FOLDER_STATE_UNKNOWN;
        finding->reason = old;
    } else if (claim->class == RECORD_CLASS_DECLARED) {
        finding->state = FOLDER_STATE_WORD;
    } else if (!v->firmware.data) {
        finding->state = FOLDER_STATE_SIGNED;
        finding->reason = "there is no firmware to look at";
    } else if (strcmp(claim->id, "original") == 0 && !v->trust->original.data) {
        finding->state = FOLDER_STATE_SIGNED;
        finding->reason = "there is no original to compare with; give it with --original";
    } else {
        finding->state = FOLDER_STATE_HOLDS; /* the only place */
    }
}

static void add_findings(struct verifying *v) {
    v->report->count = 0;
    add_part(v, "release", &v->release_verdict);
    add_part(v, "log", &v->log);
    add_part(v, "files", &v->files);
    add_part(v, "record", &v->record_verdict);
    add_part(v, "page", &v->page);
    add_part(v, "label", &v->label);
    if (v->label.holds && v->label_not_drawn) {
        struct folder_finding *label = &v->report->findings[v->report->count - 1];
        label->state = FOLDER_STATE_SIGNED;
        label->reason = v->label_not_drawn;
    }
    add_part(v, "firmware", &v->image);
    if (v->image.holds && !v->firmware.data) {
        struct folder_finding *image = &v->report->findings[v->report->count - 1];
        image->state = FOLDER_STATE_SIGNED;
        image->reason = "there is no firmware to look at";
    }
    if (v->trust->original.data) add_part(v, "comparison", &v->original);
    for (size_t i = 0; v->record_parsed && i < v->record.claims_count; i++)
        add_claim(v, &v->record.claims[i]);
}

/* The log holds when the release's and every statement's proof does. One that was not looked
 * at, because it or its statement has other bytes than were signed, does not. */
static void verify_log(struct verifying *v) {
    bool all = v->release.inclusion == EVIDENCE_HOLDS;
    const char *reason = NULL;
    for (unsigned i = 0; i < RECORD_EVIDENCE_COUNT; i++) {
        const char *name = record_evidence_name((enum record_evidence)i);
        const char *statement = folder_statement_name(v->arena, name);
        bool there = statement_subject_named(&v->release.content, statement) ||
                     folder_find(v->folder, statement) ||
                     folder_find(v->folder, folder_proof_name(v->arena, name));
        if (!there || v->evidence[i].inclusion == EVIDENCE_HOLDS) continue;
        all = false;
        reason = v->evidence_read[i] ? keep(v, &v->evidence[i].reason) : v->statement[i].reason;
    }
    v->log = all ? holds() : refused(reason ? reason : "the release's proof does not hold");
}

void folder_verify(struct arena *arena, const struct folder *folder,
                   const struct folder_trust *trust, struct folder_report *out) {
    struct verifying *v = ARENA_NEW(arena, struct verifying);
    v->arena = arena;
    v->folder = folder;
    v->trust = trust;
    v->report = out;
    *out = (struct folder_report){0};
    take_digests(v);
    parse_record(v);
    verify_release(v);
    if (v->release_verdict.holds) { /* from here on the release's names and digests are signed */
        verify_files(v);
        verify_image(v);
        verify_statements(v);
        verify_log(v);
        verify_record(v);
        verify_pictures(v);
        verify_check(v);
    }
    add_findings(v);
    bool accepted = v->release_verdict.holds && v->record_verdict.holds;
    for (size_t i = 0; i < out->count; i++) {
        if (out->findings[i].state <= FOLDER_STATE_UNKNOWN) accepted = false;
    }
    out->accepted = accepted;
    evidence_release(&v->release);
    for (unsigned i = 0; i < RECORD_EVIDENCE_COUNT; i++)
        if (v->evidence_read[i] && !trust->cache) evidence_release(&v->evidence[i]);
}
