/* See ship_record.h. */
#include "cli/ship_record.h"

static const char *hex_of(struct arena *arena, struct span bytes) {
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];
    digest_of(bytes, digest);
    digest_to_hex(digest, hex);
    return arena_string(arena, hex, DIGEST_HEX_BYTES - 1);
}

static const char *answer(enum product_answer answer) {
    if (answer == PRODUCT_UNSAID) return NULL;
    return answer == PRODUCT_YES ? "yes" : "no";
}

static struct record_fields fields_of(struct arena *arena, const struct product *product) {
    const struct product_date *date = &product->registry.authorised.date;
    struct record_fields fields = {
        .authorisation_status = product->registry.authorised.status,
        .administrator_name = product->registry.administrator.name,
        .administrator_contact = product->registry.administrator.contact,
        .laboratory = product->registry.laboratory,
        .password_changeable = answer(product->registry.default_password.changeable),
        .password_how = product->registry.default_password.how,
        .secure_configuration = product->registry.secure_configuration,
        .updates_automatic = answer(product->registry.updates.automatic),
        .updates_how = product->registry.updates.how,
        .sbom = answer(product->registry.sbom),
        .hbom = answer(product->registry.hbom),
        .access_control = product->registry.access_control,
        .data = product->registry.data,
        .report = product->registry.report,
    };
    if (date->year) {
        fields.authorisation_date =
            arena_format(arena, "%04u-%02u-%02u", date->year, date->month, date->day);
    }
    return fields;
}

static void put_lists(struct shipping *shipping) {
    const struct product *product = &shipping->product;
    struct record *record = &shipping->record;
    for (size_t i = 0; i < product->schemes_count; i++) {
        const struct product_scheme *scheme = &product->schemes[i];
        record->schemes[record->schemes_count++] = (struct record_scheme){
            scheme->name, scheme->grant, arena_format(shipping->arena, "scheme-%zu.png", i + 1),
            hex_of(shipping->arena, shipping->artwork[i])};
    }
    for (size_t i = 0; i < product->declared_count; i++) {
        record->declared[record->declared_count++] =
            (struct record_declared){product->declared[i].text, product->declared[i].link};
    }
}

void ship_record_facts(struct shipping *shipping) {
    const struct product *product = &shipping->product;
    struct arena *arena = shipping->arena;
    shipping->record = (struct record){
        .product = {product->product.name, product->product.model, product->product.version,
                    product->product.id, product->product.description},
        .manufacturer = {product->manufacturer.name, product->manufacturer.url,
                         product->manufacturer.email},
        .firmware = {hex_of(arena, shipping->image), (int64_t)shipping->image.size_bytes,
                     hex_of(arena, shipping->original)},
        .support = {arena_format(arena, "%04u-%02u", product->support.ends.year,
                                 product->support.ends.month)},
        .reports = {product->reports.contact, product->reports.policy},
        .url = product_record_url(arena, product),
        .signer = arena_string(arena, shipping->key->public_half.id_hex, DIGEST_HEX_BYTES - 1),
        .tool = "proofmark " PROOFMARK_VERSION,
        .issued_at_s = shipping->issued_at_s,
        .expires_at_s = shipping->expires_at_s,
        .fields = fields_of(arena, product),
    };
    put_lists(shipping);
}
