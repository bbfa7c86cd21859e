/* proofmark release build: a version for both slots, sealed, with its manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "check/moved.h"
#include "cli/folder_check.h"
#include "cli/outputs.h"
#include "cli/release.h"
#include "cli/release_signer.h"
#include "cli/release_statement.h"
#include "cli/ship.h"
#include "evidence/dsse.h"
#include "firmware/read/read.h"
#include "product/product.h"
#include "release/identity.h"
#include "release/seal.h"
#include "release/slots.h"
#include "release/tree.h"

struct arguments {
    struct release_key_options keys;
    const char *description, *elf, *roots, *factory, *version, *maker;
    uint64_t sequence;
    bool force, json;
};

static enum status take_sequence(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    char *end;
    a->sequence = strtoull(value, &end, 10);
    if (*value >= '1' && *value <= '9' && !*end && a->sequence < UINT64_MAX) return STATUS_OK;
    return error_input(error, "not a sequence number: %s", value);
}

static const struct options_row rows[] = {
    {"elf", 0, "HARDENED.elf", offsetof(struct arguments, elf), NULL,
     "the hardened image, as `harden` or `ship` wrote it"},
    RELEASE_KEY_ROWS,
    {"version", 0, "VERSION", offsetof(struct arguments, version), NULL,
     "MAJOR.MINOR.PATCH (default: product.version)"},
    {"sequence", 0, "N", 0, take_sequence,
     "the sequence number (default: one more than the tree's highest)"},
    {"roots", 0, "DIR", offsetof(struct arguments, roots), NULL,
     "for the first version: the folder with root-1.pub to root-3.pub"},
    {"maker-key", 0, "PATH", offsetof(struct arguments, maker), NULL,
     "the maker's key, as `ship` has it: signs DIR/VERSION/statement.json,\n"
     "that check proved both slots' images; its passphrase is asked for\n"
     "behind the release key's"},
    {"factory", 0, "OUT.bin", offsetof(struct arguments, factory), NULL,
     "also write slot A whole, as a factory flashes it"},
    {"force", 0, NULL, offsetof(struct arguments, force), NULL,
     "replace the version, if it is there"},
    {"json", 0, NULL, offsetof(struct arguments, json), NULL, "print what was made as JSON"},
};

static const struct options_form form = {
    .verb = "release build",
    .usage = "--elf HARDENED.elf --key release.key [OPTIONS] product.yaml",
    .about =
        "Lays a hardened image out for the two slots that product.yaml names under `release`,\n"
        "checks both, seals them, and writes payloads and manifest to DIR/VERSION/.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one product.yaml",
    .argument_offset = offsetof(struct arguments, description),
};

struct building {
    const struct arguments *a;
    struct arena arena;
    struct product product;
    struct release_signer signer;
    struct pm_root root;
    bool first_root; /* it is made now */
    struct span elf;
    struct slot_layout layouts[2];
    struct buffer payloads[2], envelope, statement;
    json_t *figures[2];  /* check's, of each layout */
    struct pm_seal seal; /* what both slots' have in common */
    struct error *error;
};

static enum status read_product(struct building *b) {
    struct span text;
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    struct product_date today = {(unsigned)parts.tm_year + 1900, (unsigned)parts.tm_mon + 1,
                                 (unsigned)parts.tm_mday};
    const char *path = b->a->description;
    enum status status = file_read(&b->arena, path, 1 << 20, &text, b->error);
    if (status == STATUS_OK) {
        status = product_read(&b->arena, path, text, today, &b->product, b->error);
    }
    if (status != STATUS_OK) return status;
    if (!b->product.release.vendor) {
        return error_input(b->error,
                           "%s: release is missing; expected a mapping with slot_a, "
                           "slot_b, page, vendor and class",
                           path);
    }
    return file_read(&b->arena, b->a->elf, FW_INPUT_MAXIMUM_BYTES, &b->elf, b->error);
}

static enum status identify(struct building *b) {
    struct identity_version version;
    const struct product *p = &b->product;
    const char *text = b->a->version ? b->a->version : p->product.version;
    enum status status = identity_version(text, &version, b->error);
    if (status == STATUS_OK) status = identity_vendor(p->release.vendor, b->seal.vendor, b->error);
    if (status == STATUS_OK) {
        status = identity_class(b->seal.vendor, p->release.class_id, b->seal.class_id, b->error);
    }
    b->seal.major = version.major;
    b->seal.minor = version.minor;
    b->seal.patch = version.patch;
    b->seal.sequence = b->a->sequence;
    return status;
}

/* Version 1 of the root document: the three root keys, and the key that signs this. */
static enum status make_first_root(struct building *b) {
    struct release_key key;
    b->root = (struct pm_root){.version = 1, .release_key_count = 1};
    memset(b->root.signers, ROOT_NOBODY, sizeof b->root.signers);
    if (!b->a->roots) {
        return error_input(b->error,
                           "%s has no root document yet: name the folder of the three "
                           "root keys with --roots",
                           b->a->keys.tree);
    }
    for (int i = 0; i < PM_ROOT_KEYS; i++) {
        const char *path = arena_format(&b->arena, "%s/root-%d.pub", b->a->roots, i + 1);
        enum status status = release_key_load_public(path, &key, b->error);
        if (status != STATUS_OK) return status;
        bool twice = root_key_index(&b->root, key.point) >= 0 ||
                     memcmp(key.id, b->signer.key.id, sizeof key.id) == 0;
        memcpy(b->root.root_keys[i], key.point, PM_POINT_BYTES);
        release_key_free(&key);
        if (twice) return error_input(b->error, "%s: the same key a second time", path);
    }
    memcpy(b->root.release_keys[0], b->signer.key.point, PM_POINT_BYTES);
    memcpy(b->root.vendor, b->seal.vendor, PM_UUID_BYTES);
    memcpy(b->root.class_id, b->seal.class_id, PM_UUID_BYTES);
    b->first_root = true;
    return STATUS_OK;
}

static enum status settle_root(struct building *b) {
    enum status status = tree_newest_root(&b->arena, b->a->keys.tree, &b->root, b->error);
    if (status != STATUS_OK) return status;
    if (!b->root.version) return make_first_root(b);
    if (memcmp(b->root.vendor, b->seal.vendor, PM_UUID_BYTES) != 0 ||
        memcmp(b->root.class_id, b->seal.class_id, PM_UUID_BYTES) != 0) {
        return error_input(b->error, "the tree %s is of another vendor or class", b->a->keys.tree);
    }
    return release_signer_known(&b->signer, &b->root, b->error);
}

static uint32_t number_of(const struct pm_seal *seal) {
    return (uint32_t)seal->major << 24 | (uint32_t)seal->minor << 16 | seal->patch;
}

static const char *version_name(struct building *b) {
    return arena_format(&b->arena, "%u.%u.%u", b->seal.major, b->seal.minor, b->seal.patch);
}

/* Devices take rising numbers only. */
static enum status settle_sequence(struct building *b) {
    const char **names;
    size_t count;
    uint64_t highest = 0;
    const char *tree = b->a->keys.tree, *own = version_name(b);
    enum status status = tree_versions(&b->arena, tree, &names, &count, b->error);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct tree_version version;
        if (strcmp(names[i], own) == 0) {
            if (b->a->force) continue;
            return error_input(b->error,
                               "%s/%s: exists already and is kept; use --force to replace "
                               "it",
                               tree, own);
        }
        status = tree_read_version(&b->arena, tree, names[i], &version, b->error);
        if (status != STATUS_OK) return status;
        if (version.seals[0].sequence > highest) highest = version.seals[0].sequence;
        if (number_of(&version.seals[0]) > number_of(&b->seal)) {
            return error_input(b->error, "version %s is not higher than %s, which is in %s", own,
                               names[i], tree);
        }
    }
    if (status == STATUS_OK && !b->seal.sequence) b->seal.sequence = highest + 1;
    if (status == STATUS_OK && b->seal.sequence <= highest) {
        return error_input(b->error, "sequence number %llu is not higher than %llu, which is in %s",
                           (unsigned long long)b->seal.sequence, (unsigned long long)highest, tree);
    }
    return status;
}

/* Each slot's image is looked at by check, as the hardened one was. */
static enum status check_layout(struct building *b, size_t slot) {
    struct check_move move;
    struct check_move_options numbers = {b->product.release.numbers.items,
                                         b->product.release.numbers.count};
    struct folder_check found;
    struct span image = buffer_span(&b->layouts[slot].elf);
    enum status status = check_moved(b->elf, image, &numbers, &move, b->error);
    check_move_free(&move);
    if (status != STATUS_OK) return status;
    json_t *declared = ship_declared(&b->product);
    status =
        folder_check_image(&b->arena, image, (struct span){NULL, 0}, declared, &found, b->error);
    json_decref(declared);
    if (status != STATUS_OK) return status;
    const json_t *returns = json_object_get(found.figures, "returns");
    if (!found.holds) {
        status = error_input(b->error, "check: the image does not hold: %s", found.fault);
    } else if (!json_integer_value(json_object_get(returns, "sealed"))) {
        status =
            error_input(b->error, "%s: not hardened: no return address is sealed in it", b->a->elf);
    }
    b->figures[slot] = found.figures;
    return status;
}

static enum status make_payload(struct building *b, size_t slot) {
    const struct product_range *range = &b->product.release.slots[slot];
    struct slot_options options = {
        b->product.release.addresses.items, b->product.release.addresses.count,
        b->product.release.numbers.items, b->product.release.numbers.count};
    struct pm_seal seal = b->seal;
    enum status status = slot_lay_out(b->elf, range->start, range->size_bytes - PM_SEAL_BYTES,
                                      &options, &b->layouts[slot], b->error);
    if (status == STATUS_OK) status = check_layout(b, slot);
    seal.slot_address = range->start;
    if (status == STATUS_OK) {
        status = seal_image(buffer_span(&b->layouts[slot].image), &seal, &b->signer.signer,
                            &b->payloads[slot], b->error);
    }
    if (status != STATUS_OK) error_prefix(b->error, slot ? "slot B" : "slot A");
    return status;
}

/* Slot A as it lies in flash: the image, 0xff, and the seal at the slot's end. */
static enum status write_factory(struct building *b) {
    struct buffer flash;
    struct span payload = buffer_span(&b->payloads[0]);
    uint32_t image_bytes = (uint32_t)payload.size_bytes - PM_SEAL_BYTES;
    uint32_t slot_bytes = b->product.release.slots[0].size_bytes;
    buffer_init(&flash, slot_bytes);
    buffer_append(&flash, payload.data, image_bytes);
    for (uint32_t at = image_bytes; at < slot_bytes - PM_SEAL_BYTES; at++)
        buffer_append(&flash, "\xff", 1);
    buffer_append(&flash, payload.data + image_bytes, PM_SEAL_BYTES);
    enum status status = flash.failed
                             ? error_environment(b->error, "no memory for a slot")
                             : file_write(b->a->factory, buffer_span(&flash), 0644,
                                          b->a->force ? FILE_REPLACE : FILE_KEEP, b->error);
    buffer_free(&flash);
    return status;
}

static enum status make_envelope(struct building *b) {
    struct suit_release release = {.sequence = b->seal.sequence};
    const char *name = version_name(b);
    memcpy(release.vendor, b->seal.vendor, PM_UUID_BYTES);
    memcpy(release.class_id, b->seal.class_id, PM_UUID_BYTES);
    for (size_t i = 0; i < 2; i++) {
        struct suit_payload *image = &release.slots[i].image;
        image->uri = arena_format(&b->arena, "%s/slot-%c.bin", name, (int)('a' + i));
        image->size_bytes = (uint32_t)b->payloads[i].size_bytes;
        digest_of(buffer_span(&b->payloads[i]), image->sha256);
    }
    return suit_write_envelope(&release, &b->signer.signer, &b->envelope, b->error);
}

static enum status make_statement(struct building *b) {
    struct passphrase_source source = {.fd = b->a->keys.passphrase_fd, .about = b->a->maker};
    struct private_key key;
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    int64_t issued = epoch ? strtoll(epoch, NULL, 10) : (int64_t)time(NULL);
    struct release_statement s = {.product = b->product.product.name,
                                  .version = version_name(b),
                                  .hardened = b->elf,
                                  .envelope = buffer_span(&b->envelope),
                                  .issued_at_s = issued,
                                  .expires_at_s = ship_expiry(&b->product, issued)};
    enum status status = STATUS_OK;
    if (!b->a->maker) return STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < 2; i++) {
        s.elfs[i] = buffer_span(&b->layouts[i].elf);
        s.images[i] = buffer_span(&b->layouts[i].image);
        s.payloads[i] = buffer_span(&b->payloads[i]);
        s.figures[i] = b->figures[i];
        status = seal_of_payload(s.payloads[i], &s.seals[i], b->error);
    }
    if (status == STATUS_OK) status = key_load_private(b->a->maker, &source, &key, b->error);
    if (status != STATUS_OK) return status;
    status = release_statement_sign(&s, &key, &b->statement, b->error);
    key_wipe(&key);
    return status;
}

/* A version that is replaced loses its patches: they lead to other bytes. */
static void remove_patches(struct building *b, const char *folder) {
    struct tree_version version;
    struct suit_release old;
    struct error ignored;
    if (tree_read_version(&b->arena, b->a->keys.tree, version_name(b), &version, &ignored) ||
        tree_describe(&b->arena, b->a->keys.tree, &version, &old, &ignored)) {
        return;
    }
    for (size_t slot = 0; slot < 2; slot++) {
        for (size_t i = 0; i < old.slots[slot].patch_count; i++)
            unlink(tree_path(&b->arena, b->a->keys.tree, old.slots[slot].patches[i].payload.uri));
    }
    unlink(tree_path(&b->arena, folder, "envelope.suit"));
    unlink(tree_path(&b->arena, folder, "statement.json"));
}

static enum status write_version(struct building *b) {
    const char *tree = b->a->keys.tree, *folder = tree_path(&b->arena, tree, version_name(b));
    enum status status = file_make_directories(folder, b->error);
    if (status == STATUS_OK && b->a->force) remove_patches(b, folder);
    const struct {
        const char *name;
        const struct buffer *bytes;
    } files[] = {{"slot-a.bin", &b->payloads[0]},
                 {"slot-b.bin", &b->payloads[1]},
                 {"statement.json", &b->statement},
                 {"envelope.suit", &b->envelope}};
    for (size_t i = 0; status == STATUS_OK && i < sizeof files / sizeof *files; i++) {
        if (!files[i].bytes->size_bytes) continue;
        status = file_write(tree_path(&b->arena, folder, files[i].name),
                            buffer_span(files[i].bytes), 0644, FILE_REPLACE, b->error);
    }
    if (status == STATUS_OK && b->first_root) {
        uint8_t bytes[PM_ROOT_BYTES];
        pm_root_write(&b->root, bytes);
        status = file_make_directories(tree_path(&b->arena, tree, "root"), b->error);
        if (status == STATUS_OK) {
            status = file_write(tree_path(&b->arena, tree, "root/1.bin"),
                                (struct span){bytes, sizeof bytes}, 0644, FILE_KEEP, b->error);
        }
    }
    if (status == STATUS_OK && b->a->factory) status = write_factory(b);
    return status;
}

static enum status build(struct building *b) {
    const char *const read[] = {b->a->description, b->a->elf, b->a->keys.key};
    enum status status =
        outputs_are_apart(&b->a->factory, 1, read, sizeof read / sizeof *read, b->error);
    if (status == STATUS_OK) status = read_product(b);
    if (status == STATUS_OK) status = identify(b);
    if (status == STATUS_OK) status = release_signer_open(&b->a->keys, &b->signer, b->error);
    if (status == STATUS_OK) status = settle_root(b);
    if (status == STATUS_OK) status = settle_sequence(b);
    for (size_t slot = 0; status == STATUS_OK && slot < 2; slot++)
        status = make_payload(b, slot);
    if (status == STATUS_OK) status = release_signer_settled(&b->signer, b->error);
    if (status == STATUS_OK) status = make_envelope(b);
    if (status == STATUS_OK) status = release_signer_settled(&b->signer, b->error);
    if (status == STATUS_OK) status = make_statement(b);
    return status == STATUS_OK ? write_version(b) : status;
}

static void report(struct building *b) {
    const char *name = version_name(b);
    char digests[2][DIGEST_HEX_BYTES];
    for (size_t i = 0; i < 2; i++) {
        uint8_t digest[DIGEST_BYTES];
        digest_of(buffer_span(&b->layouts[i].image), digest);
        digest_to_hex(digest, digests[i]);
    }
    if (b->a->json) {
        printf("{\"image_bytes\":%zu,\"sequence\":%llu,\"slot_a_sha256\":\"%s\","
               "\"slot_b_sha256\":\"%s\",\"version\":\"%s\"}\n",
               b->layouts[0].image.size_bytes, (unsigned long long)b->seal.sequence, digests[0],
               digests[1], name);
        return;
    }
    printf("%s/%s  sequence number %llu, %zu bytes a slot, signed by %s\n", b->a->keys.tree, name,
           (unsigned long long)b->seal.sequence, b->layouts[0].image.size_bytes,
           b->signer.key.id_hex);
    for (size_t i = 0; i < 2; i++)
        printf("  slot %c at 0x%08x, sha256 %s\n", (int)('A' + i), b->layouts[i].to, digests[i]);
    if (b->first_root) {
        printf("%s/root/1.bin  root document 1: build it into the boot stage\n", b->a->keys.tree);
    }
}

int release_build(int argc, char **argv) {
    struct arguments a = {.keys = {.passphrase_fd = PASSPHRASE_PROMPT, .tree = "release"}};
    struct error error;
    struct building b = {.a = &a, .error = &error};
    int code = 0;
    if (!options_read(&form, argc, argv, &a, &code)) return code;
    if (!a.elf) return options_wrong_use(&form, "--elf is needed");
    if (!a.keys.key) return options_wrong_use(&form, "--key is needed");
    for (size_t i = 0; i < 2; i++)
        buffer_init(&b.payloads[i], TREE_PAYLOAD_MAXIMUM);
    buffer_init(&b.envelope, SUIT_ENVELOPE_MAXIMUM);
    buffer_init(&b.statement, DSSE_MAXIMUM_BYTES);
    enum status status = build(&b);
    if (status == STATUS_OK) report(&b);
    for (size_t i = 0; i < 2; i++) {
        buffer_free(&b.payloads[i]);
        slot_layout_free(&b.layouts[i]);
        json_decref(b.figures[i]);
    }
    buffer_free(&b.envelope);
    buffer_free(&b.statement);
    release_signer_close(&b.signer);
    arena_free(&b.arena);
    if (status == STATUS_OK) return 0;
    fprintf(stderr, "proofmark release build: %s\n", error.message);
    return 1;
}
