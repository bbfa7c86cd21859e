/* product.yaml to struct product, by one table a mapping. See product.h. */
#include "product/forms.h"
#include "product/tree.h"

#include <stdio.h>
#include <string.h>

enum form {
    FORM_TEXT,    /* const char * */
    FORM_PATH,    /* const char *; its line (unsigned) at count_offset */
    FORM_URL,     /* const char * */
    FORM_EMAIL,   /* const char * */
    FORM_CONTACT, /* const char *: URL or e-mail address */
    FORM_ID,      /* const char * */
    FORM_VERSION, /* const char * */
    FORM_SYMBOL,  /* const char * */
    FORM_CELL,    /* const char *: number or symbol */
    FORM_SEED,    /* const char * */
    FORM_PROFILE, /* const char * */
    FORM_AUTO,    /* const char * */
    FORM_ANSWER,  /* enum product_answer */
    FORM_NUMBER,  /* uint32_t */
    FORM_SECONDS, /* uint32_t */
    FORM_MONTHS,  /* uint32_t */
    FORM_MONTH,   /* struct product_month, not in the past */
    FORM_DATE,    /* struct product_date */
    FORM_SYMBOLS, /* struct product_texts */
    FORM_COMMAND, /* struct product_texts */
    FORM_MAP,     /* a mapping with fields of its own in the same structure */
    FORM_MAPS,    /* a list of mappings: pointer at offset, count at count_offset */
};

struct field {
    const char *key;
    enum form form;
    bool required;
    size_t offset, count_offset;
    const char *expected;
    const struct field *fields; /* FORM_MAP, FORM_MAPS; ends with a NULL key */
    size_t item_bytes, items_maximum;
};

#define AT(member) offsetof(struct product, member)

static const char expected_text[] = "one line of text, at most 200 bytes";
static const char expected_yes[] = "yes or no";
static const char expected_contact[] = "a URL (https://...) or an e-mail address";

static const struct field product_fields[] = {
    {"name", FORM_TEXT, true, AT(product.name), 0, "the product's name", 0, 0, 60},
    {"model", FORM_TEXT, true, AT(product.model), 0, "the model's name or number", 0, 0, 40},
    {"version", FORM_VERSION, true, AT(product.version), 0,
     "the firmware's version: letters, digits and . _ + -, at most 32", 0, 0, 0},
    {"id", FORM_ID, false, AT(product.id), 0,
     "a folder's name: a-z, 0-9 and '-' inside, at most 40", 0, 0, 0},
    {"description", FORM_TEXT, false, AT(product.description), 0, expected_text, 0, 0, 200},
    {0},
};
static const struct field manufacturer_fields[] = {
    {"name", FORM_TEXT, true, AT(manufacturer.name), 0, "the manufacturer's name", 0, 0, 80},
    {"url", FORM_URL, true, AT(manufacturer.url), 0, "a URL (https://...)", 0, 0, 0},
    {"email", FORM_EMAIL, false, AT(manufacturer.email), 0, "an e-mail address", 0, 0, 0},
    {0},
};
static const struct field firmware_fields[] = {
    {"file", FORM_PATH, true, AT(firmware.file), AT(firmware.line), "the path of the linked ELF", 0,
     0, 0},
    {0},
};
#define IN_RANGE(member) offsetof(struct product_range, member)
static const struct field range_fields[] = {
    {"name", FORM_TEXT, true, IN_RANGE(name), 0, "what the firmware writes there", 0, 0, 60},
    {"start", FORM_NUMBER, true, IN_RANGE(start), 0, "an address such as 0x3f0000", 0, 0, 0},
    {"size", FORM_NUMBER, true, IN_RANGE(size_bytes), 0, "a size in bytes such as 0x1000", 0, 0, 0},
    {0},
};
static const struct field flash_fields[] = {
    {"start", FORM_NUMBER, true, AT(harden.flash.start), 0, "an address such as 0x08000000", 0, 0,
     0},
    {"size", FORM_NUMBER, true, AT(harden.flash.size_bytes), 0, "a size in bytes such as 0x100000",
     0, 0, 0},
    {0},
};
_Static_assert(PRODUCT_LIST_MAXIMUM == 64, "what the lists of symbols below are said to hold");
static const struct field harden_fields[] = {
    {"profile", FORM_PROFILE, false, AT(harden.profile), 0, "exploit or null", 0, 0, 0},
    {"seed", FORM_SEED, false, AT(harden.seed), 0, "2 to 64 hex digits, an even number", 0, 0, 0},
    {"key_function", FORM_SYMBOL, false, AT(harden.key_function), 0,
     "the symbol of a function that returns 32 random bits", 0, 0, 0},
    {"key_cell", FORM_CELL, false, AT(harden.key_cell), 0,
     "an address or symbol in RAM that start-up does not clear", 0, 0, 0},
    {"exempt", FORM_SYMBOLS, false, AT(harden.exempt), 0, "a list of at most 64 symbols", 0, 0, 0},
    {"pin", FORM_SYMBOLS, false, AT(harden.pin), 0, "a list of at most 64 symbols", 0, 0, 0},
    {"flash_window", FORM_SYMBOLS, false, AT(harden.flash_window), 0,
     "a list of at most 64 symbols", 0, 0, 0},
    {"writable_flash", FORM_MAPS, false, AT(harden.writable_flash), AT(harden.writable_flash_count),
     "a list of at most 16 {name, start, size}", range_fields, sizeof(struct product_range), 16},
    {"flash", FORM_MAP, false, 0, 0, "a mapping with start and size", flash_fields, 0, 0},
    {"mpu", FORM_AUTO, false, AT(harden.mpu), 0, "auto or none", 0, 0, 0},
    {"null_guard", FORM_AUTO, false, AT(harden.null_guard), 0, "auto or none", 0, 0, 0},
    {"stack_limit", FORM_CELL, false, AT(harden.stack_limit), 0,
     "the stack's lowest address, or its symbol", 0, 0, 0},
    {0},
};
static const struct field test_fields[] = {
    {"command", FORM_COMMAND, true, AT(test.command), 0,
     "a command line, or a list with the program and its arguments", 0, 0, 0},
    {"timeout_s", FORM_SECONDS, false, AT(test.timeout_s), 0, "seconds from 1 to 86400", 0, 0, 0},
    {0},
};
static const struct field support_fields[] = {
    {"ends", FORM_MONTH, true, AT(support.ends), 0, "the last month with security fixes, YYYY-MM",
     0, 0, 0},
    {0},
};
static const struct field label_fields[] = {
    {"url", FORM_URL, true, AT(label.url), 0,
     "the address under which records are published (https://...)", 0, 0, 0},
    {"evidence_valid_months", FORM_MONTHS, false, AT(label.evidence_valid_months), 0,
     "a number of months from 1 to 120", 0, 0, 0},
    {0},
};
static const struct field authorised_fields[] = {
    {"date", FORM_DATE, true, AT(registry.authorised.date), 0, "a date, YYYY-MM-DD", 0, 0, 0},
    {"status", FORM_TEXT, true, AT(registry.authorised.status), 0,
     "the authorisation's status, for example active", 0, 0, 40},
    {0},
};
static const struct field administrator_fields[] = {
    {"name", FORM_TEXT, true, AT(registry.administrator.name), 0, "the label administrator's name",
     0, 0, 80},
    {"contact", FORM_CONTACT, true, AT(registry.administrator.contact), 0, expected_contact, 0, 0,
     0},
    {0},
};
static const struct field password_fields[] = {
    {"changeable", FORM_ANSWER, true, AT(registry.default_password.changeable), 0, expected_yes, 0,
     0, 0},
    {"how", FORM_TEXT, true, AT(registry.default_password.how), 0, expected_text, 0, 0, 200},
    {0},
};
static const struct field updates_fields[] = {
    {"automatic", FORM_ANSWER, true, AT(registry.updates.automatic), 0, expected_yes, 0, 0, 0},
    {"how", FORM_TEXT, true, AT(registry.updates.how), 0, expected_text, 0, 0, 200},
    {0},
};
static const struct field registry_fields[] = {
    {"authorised", FORM_MAP, false, 0, 0, "a mapping with date and status", authorised_fields, 0,
     0},
    {"administrator", FORM_MAP, false, 0, 0, "a mapping with name and contact",
     administrator_fields, 0, 0},
    {"laboratory", FORM_TEXT, false, AT(registry.laboratory), 0, "the laboratory's name", 0, 0, 80},
    {"default_password", FORM_MAP, false, 0, 0, "a mapping with changeable and how",
     password_fields, 0, 0},
    {"secure_configuration", FORM_TEXT, false, AT(registry.secure_configuration), 0, expected_text,
     0, 0, 200},
    {"access_control", FORM_TEXT, false, AT(registry.access_control), 0, expected_text, 0, 0, 200},
    {"updates", FORM_MAP, false, 0, 0, "a mapping with automatic and how", updates_fields, 0, 0},
    {"sbom", FORM_ANSWER, false, AT(registry.sbom), 0, expected_yes, 0, 0, 0},
    {"hbom", FORM_ANSWER, false, AT(registry.hbom), 0, expected_yes, 0, 0, 0},
    {"data", FORM_TEXT, false, AT(registry.data), 0, expected_text, 0, 0, 200},
    {"report", FORM_URL, false, AT(registry.report), 0, "a URL (https://...)", 0, 0, 0},
    {0},
};
static const struct field slot_a_fields[] = {
    {"start", FORM_NUMBER, true, AT(release.slots[0].start), 0, "an address such as 0x10000", 0, 0,
     0},
    {"size", FORM_NUMBER, true, AT(release.slots[0].size_bytes), 0, "a size such as 0x80000", 0, 0,
     0},
    {0},
};
static const struct field slot_b_fields[] = {
    {"start", FORM_NUMBER, true, AT(release.slots[1].start), 0, "an address such as 0x90000", 0, 0,
     0},
    {"size", FORM_NUMBER, true, AT(release.slots[1].size_bytes), 0, "a size such as 0x80000", 0, 0,
     0},
    {0},
};
static const struct field release_fields[] = {
    {"slot_a", FORM_MAP, true, 0, 0, "a mapping with start and size", slot_a_fields, 0, 0},
    {"slot_b", FORM_MAP, true, 0, 0, "a mapping with start and size", slot_b_fields, 0, 0},
    {"page", FORM_NUMBER, true, AT(release.page_bytes), 0,
     "the bytes of flash that are erased at once, such as 4096", 0, 0, 0},
    {"vendor", FORM_TEXT, true, AT(release.vendor), 0, "a domain name of yours, or a UUID", 0, 0,
     200},
    {"class", FORM_TEXT, true, AT(release.class_id), 0,
     "a name for devices that run the same firmware, or a UUID", 0, 0, 200},
    {"addresses", FORM_SYMBOLS, false, AT(release.addresses), 0, "a list of at most 64 symbols", 0,
     0, 0},
    {"numbers", FORM_SYMBOLS, false, AT(release.numbers), 0, "a list of at most 64 symbols", 0, 0,
     0},
    {0},
};
static const struct field reports_fields[] = {
    {"contact", FORM_CONTACT, true, AT(reports.contact), 0, expected_contact, 0, 0, 0},
    {"policy", FORM_URL, false, AT(reports.policy), 0, "a URL (https://...)", 0, 0, 0},
    {0},
};
#define IN_SCHEME(member) offsetof(struct product_scheme, member)
static const struct field scheme_fields[] = {
    {"name", FORM_TEXT, true, IN_SCHEME(name), 0, "the scheme's name", 0, 0, 60},
    {"artwork", FORM_PATH, true, IN_SCHEME(artwork), IN_SCHEME(line),
     "the path of the PNG that the scheme gave you", 0, 0, 0},
    {"grant", FORM_TEXT, true, IN_SCHEME(grant), 0, "the number of the grant", 0, 0, 60},
    {0},
};
#define IN_STATEMENT(member) offsetof(struct product_statement, member)
static const struct field statement_fields[] = {
    {"text", FORM_TEXT, true, IN_STATEMENT(text), 0, expected_text, 0, 0, 200},
    {"link", FORM_URL, false, IN_STATEMENT(link), 0, "a URL (https://...)", 0, 0, 0},
    {0},
};
static const struct field root_fields[] = {
    {"product", FORM_MAP, true, 0, 0, "a mapping with name, model and version", product_fields, 0,
     0},
    {"manufacturer", FORM_MAP, true, 0, 0, "a mapping with name and url", manufacturer_fields, 0,
     0},
    {"firmware", FORM_MAP, true, 0, 0, "a mapping with file", firmware_fields, 0, 0},
    {"harden", FORM_MAP, false, 0, 0, "a mapping of options", harden_fields, 0, 0},
    {"test", FORM_MAP, false, 0, 0, "a mapping with command", test_fields, 0, 0},
    {"support", FORM_MAP, true, 0, 0, "a mapping with ends", support_fields, 0, 0},
    {"label", FORM_MAP, true, 0, 0, "a mapping with url", label_fields, 0, 0},
    {"registry", FORM_MAP, false, 0, 0, "a mapping of 47 CFR 8.222(b)'s fields", registry_fields, 0,
     0},
    {"release", FORM_MAP, false, 0, 0, "a mapping with slot_a, slot_b, page, vendor and class",
     release_fields, 0, 0},
    {"reports", FORM_MAP, true, 0, 0, "a mapping with contact", reports_fields, 0, 0},
    {"schemes", FORM_MAPS, false, AT(schemes), AT(schemes_count),
     "a list of at most 4 {name, artwork, grant}", scheme_fields, sizeof(struct product_scheme),
     PRODUCT_SCHEMES_MAXIMUM},
    {"declared", FORM_MAPS, false, AT(declared), AT(declared_count),
     "a list of at most 16 {text, link}", statement_fields, sizeof(struct product_statement), 16},
    {0},
};

struct reading {
    struct arena *arena;
    const char *file;
    struct product_date today;
    const struct yaml_node *root;
    struct error *error;
};

/* Where a value stands: "harden" and its fields are reported as harden.profile. */
struct place {
    const struct place *outer;
    const char *key;
};

static const char *place_name(struct reading *reading, const struct place *place) {
    if (!place->outer) return place->key;
    return arena_format(reading->arena, "%s.%s", place_name(reading, place->outer), place->key);
}

/* The word FILL at the beginning, as product_write() puts it. */
static bool begins_with_fill(const char *text) {
    return strncmp(text, "FILL", 4) == 0 && (text[4] == '\0' || text[4] == ' ');
}

static bool is_to_be_filled_in(const struct yaml_node *node) {
    return node->kind == YAML_KIND_SCALAR && begins_with_fill(node->text);
}

struct gaps {
    const struct yaml_node *but; /* the one that is told already */
    unsigned lines[12], count;   /* count may go beyond the lines that there is room for */
};

static void find_gaps(const struct yaml_node *node, struct gaps *gaps) {
    if (is_to_be_filled_in(node) && node != gaps->but) {
        if (gaps->count < sizeof gaps->lines / sizeof *gaps->lines) {
            gaps->lines[gaps->count] = node->line;
        }
        gaps->count++;
    }
    for (const struct yaml_node *child = node->children; child; child = child->next)
        find_gaps(child, gaps);
}

/* All that is to be filled in, so that nobody has to come back for each. */
static enum status refuse_gap(struct reading *reading, const struct yaml_node *node,
                              const char *name, const char *expected) {
    struct gaps gaps = {.but = node};
    const char *others = "";
    find_gaps(reading->root, &gaps);
    unsigned told = sizeof gaps.lines / sizeof *gaps.lines;
    if (told > gaps.count) told = gaps.count;
    for (unsigned i = 0; i < told; i++) {
        const char *before = i == 0 ? told > 1 ? "; so are lines " : "; so is line " : ", ";
        if (i > 0 && i + 1 == gaps.count) before = " and ";
        others = arena_format(reading->arena, "%s%s%u", others, before, gaps.lines[i]);
    }
    if (told < gaps.count) {
        others = arena_format(reading->arena, "%s and %u more", others, gaps.count - told);
    }
    return error_input(reading->error, "%s:%u: %s is still to be filled in; expected %s%s",
                       reading->file, node->line, name, expected, others);
}

static enum status refuse(struct reading *reading, const struct yaml_node *node,
                          const struct place *place, const struct field *field) {
    const char *name = place_name(reading, place);
    if (node->kind != YAML_KIND_SCALAR) {
        return error_input(reading->error, "%s:%u: %s: found a %s; expected %s", reading->file,
                           node->line, name, node->kind == YAML_KIND_MAP ? "mapping" : "list",
                           field->expected);
    }
    if (!*node->text) {
        return error_input(reading->error, "%s:%u: %s has no value; expected %s", reading->file,
                           node->line, name, field->expected);
    }
    if (is_to_be_filled_in(node)) return refuse_gap(reading, node, name, field->expected);
    if (field->form == FORM_TEXT && strlen(node->text) > field->items_maximum) {
        return error_input(reading->error, "%s:%u: %s: is %zu bytes long; expected at most %zu",
                           reading->file, node->line, name, strlen(node->text),
                           field->items_maximum);
    }
    return error_input(reading->error, "%s:%u: %s: '%.80s' is not %s", reading->file, node->line,
                       name, node->text, field->expected);
}

static enum status read_symbols(struct reading *reading, const struct yaml_node *node,
                                const struct place *place, const struct field *field,
                                struct product_texts *out) {
    if (node->kind == YAML_KIND_MAP) return refuse(reading, node, place, field);
    const struct yaml_node *first = node->kind == YAML_KIND_LIST ? node->children : node;
    out->items = ARENA_ARRAY(reading->arena, const char *, PRODUCT_LIST_MAXIMUM);
    for (const struct yaml_node *item = first; item; item = item->next) {
        if (out->count == PRODUCT_LIST_MAXIMUM) return refuse(reading, node, place, field);
        bool good = item->kind == YAML_KIND_SCALAR && *item->text;
        if (good && field->form == FORM_SYMBOLS) good = form_is_symbol(item->text);
        if (!good) return refuse(reading, item, place, field);
        out->items[out->count++] = item->text;
        if (node->kind == YAML_KIND_SCALAR) break; /* its next is the mapping's */
    }
    return STATUS_OK;
}

/* One line is the shell's; a list is run as it is. */
static enum status read_command(struct reading *reading, const struct yaml_node *node,
                                const struct place *place, const struct field *field,
                                struct product_texts *out) {
    enum status status = read_symbols(reading, node, place, field, out);
    if (status != STATUS_OK || (out->count && !begins_with_fill(out->items[0]))) {
        if (status == STATUS_OK && node->kind == YAML_KIND_SCALAR) {
            const char *line = out->items[0];
            out->items[0] = "/bin/sh";
            out->items[1] = "-c";
            out->items[2] = line;
            out->count = 3;
        }
        return status;
    }
    return refuse(reading, node->children ? node->children : node, place, field);
}

static enum status read_month(struct reading *reading, const struct yaml_node *node,
                              const struct place *place, const struct field *field,
                              struct product_month *out) {
    if (!form_month(node->text, out)) return refuse(reading, node, place, field);
    const struct product_date *today = &reading->today;
    if (out->year > today->year || (out->year == today->year && out->month >= today->month)) {
        return STATUS_OK;
    }
    return error_input(reading->error,
                       "%s:%u: %s: %s is in the past; expected a month from %04u-%02u on",
                       reading->file, node->line, place_name(reading, place), node->text,
                       today->year, today->month);
}

static bool text_has_form(const char *text, const struct field *field) {
    switch (field->form) {
    case FORM_TEXT:
        return form_is_text(text, field->items_maximum);
    case FORM_PATH:
        return form_is_text(text, 1024);
    case FORM_URL:
        return form_is_url(text);
    case FORM_EMAIL:
        return form_is_email(text);
    case FORM_CONTACT:
        return form_is_url(text) || form_is_email(text);
    case FORM_ID:
        return form_is_id(text);
    case FORM_VERSION:
        return form_is_version(text);
    case FORM_SYMBOL:
        return form_is_symbol(text);
    case FORM_CELL: {
        uint32_t number;
        return form_number(text, &number) || form_is_symbol(text);
    }
    case FORM_SEED:
        return form_is_seed(text);
    case FORM_PROFILE:
        return strcmp(text, "exploit") == 0 || strcmp(text, "null") == 0;
    case FORM_AUTO:
        return strcmp(text, "auto") == 0 || strcmp(text, "none") == 0;
    default:
        return false;
    }
}

static bool answer_of(const char *text, enum product_answer *out) {
    bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    bool no = strcmp(text, "no") == 0 || strcmp(text, "false") == 0;
    if (yes || no) *out = yes ? PRODUCT_YES : PRODUCT_NO;
    return yes || no;
}

static bool number_has_form(const char *text, const struct field *field, uint32_t *out) {
    if (!form_number(text, out)) return false;
    if (field->form == FORM_SECONDS) return *out >= 1 && *out <= 86400;
    if (field->form == FORM_MONTHS) return *out >= 1 && *out <= 120;
    return true;
}

static enum status read_map(struct reading *reading, const struct yaml_node *node,
                            const struct place *place, const struct field *fields, char *base);

static enum status read_maps(struct reading *reading, const struct yaml_node *node,
                             const struct place *place, const struct field *field, char *base) {
    if (node->kind != YAML_KIND_LIST) return refuse(reading, node, place, field);
    char *items = arena_alloc(reading->arena, field->items_maximum, field->item_bytes);
    size_t count = 0;
    for (const struct yaml_node *item = node->children; item; item = item->next) {
        if (count == field->items_maximum || item->kind != YAML_KIND_MAP) {
            return refuse(reading, item->kind == YAML_KIND_MAP ? node : item, place, field);
        }
        struct place inner = {place->outer,
                              arena_format(reading->arena, "%s[%zu]", place->key, count + 1)};
        enum status status =
            read_map(reading, item, &inner, field->fields, items + count++ * field->item_bytes);
        if (status != STATUS_OK) return status;
    }
    memcpy(base + field->offset, &items, sizeof items);
    memcpy(base + field->count_offset, &count, sizeof count);
    return STATUS_OK;
}

static enum status read_value(struct reading *reading, const struct yaml_node *node,
                              const struct place *place, const struct field *field, char *base) {
    void *target = base + field->offset;
    if (field->form == FORM_MAPS) return read_maps(reading, node, place, field, base);
    if (field->form == FORM_MAP) {
        if (node->kind != YAML_KIND_MAP) return refuse(reading, node, place, field);
        return read_map(reading, node, place, field->fields, base);
    }
    if (field->form == FORM_SYMBOLS) return read_symbols(reading, node, place, field, target);
    if (field->form == FORM_COMMAND) return read_command(reading, node, place, field, target);
    if (node->kind != YAML_KIND_SCALAR || is_to_be_filled_in(node)) {
        return refuse(reading, node, place, field);
    }
    bool good;
    switch (field->form) {
    case FORM_MONTH:
        return read_month(reading, node, place, field, target);
    case FORM_DATE:
        good = form_date(node->text, target);
        break;
    case FORM_ANSWER:
        good = answer_of(node->text, target);
        break;
    case FORM_NUMBER:
    case FORM_SECONDS:
    case FORM_MONTHS:
        good = number_has_form(node->text, field, target);
        break;
    default:
        good = text_has_form(node->text, field);
        if (good) memcpy(target, &node->text, sizeof node->text);
        if (good && field->form == FORM_PATH) {
            memcpy(base + field->count_offset, &node->line, sizeof node->line);
        }
        break;
    }
    return good ? STATUS_OK : refuse(reading, node, place, field);
}

static enum status refuse_unknown(struct reading *reading, const struct yaml_node *node,
                                  const struct place *place, const struct field *fields) {
    char known[300] = "";
    for (const struct field *field = fields; field->key; field++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", field->key);
    }
    struct place inner = {place, node->key};
    return error_input(reading->error, "%s:%u: %.80s: unknown key; expected one of %s",
                       reading->file, node->line, place_name(reading, &inner), known);
}

static enum status read_map(struct reading *reading, const struct yaml_node *node,
                            const struct place *place, const struct field *fields, char *base) {
    uint32_t seen = 0; /* a bit for each row; no table has more than 32 */
    for (const struct yaml_node *child = node->children; child; child = child->next) {
        const struct field *field = fields;
        while (field->key && strcmp(field->key, child->key) != 0)
            field++;
        if (!field->key) return refuse_unknown(reading, child, place, fields);
        struct place inner = {place, field->key};
        enum status status = read_value(reading, child, &inner, field, base);
        if (status != STATUS_OK) return status;
        seen |= (uint32_t)1 << (field - fields);
    }
    for (const struct field *field = fields; field->key; field++) {
        if (!field->required || seen >> (field - fields) & 1) continue;
        struct place inner = {place, field->key};
        return error_input(reading->error, "%s:%u: %s is missing; expected %s", reading->file,
                           node->line, place_name(reading, &inner), field->expected);
    }
    return STATUS_OK;
}

/* Two slots of one size, of whole pages, apart from each other. */
static enum status check_slots(struct reading *reading, const struct product *out) {
    static const char *const names[2] = {"slot_a", "slot_b"};
    const struct product_range *a = &out->release.slots[0], *b = &out->release.slots[1];
    uint32_t page = out->release.page_bytes;
    if (!out->release.vendor) return STATUS_OK; /* no such section */
    if (page < 128 || (page & (page - 1))) {
        return error_input(reading->error,
                           "%s: release.page: expected a power of two of at least 128",
                           reading->file);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct product_range *slot = &out->release.slots[i];
        if (slot->size_bytes && slot->size_bytes - 1 <= UINT32_MAX - slot->start &&
            slot->start % page == 0 && slot->size_bytes % page == 0) {
            continue;
        }
        return error_input(reading->error,
                           "%s: release.%s: expected whole pages of %u bytes within 32-bit "
                           "addresses",
                           reading->file, names[i], page);
    }
    if (a->size_bytes != b->size_bytes || a->start - b->start < b->size_bytes ||
        b->start - a->start < a->size_bytes) {
        return error_input(reading->error,
                           "%s: release: expected two slots of one size that do not overlap",
                           reading->file);
    }
    return STATUS_OK;
}

static const struct yaml_node *child_named(const struct yaml_node *node, const char *key) {
    const struct yaml_node *child = node->children;
    while (child && strcmp(child->key, key) != 0)
        child = child->next;
    return child;
}

/* What no single value can show. */
static enum status check_whole(struct reading *reading, struct product *out) {
    for (size_t i = 0; i < out->harden.writable_flash_count; i++) {
        const struct product_range *range = &out->harden.writable_flash[i];
        if (range->size_bytes && range->size_bytes - 1 <= UINT32_MAX - range->start) continue;
        return error_input(reading->error,
                           "%s: harden.writable_flash[%zu] (%s): expected a size of at least 1 "
                           "that stays within 32-bit addresses",
                           reading->file, i + 1, range->name);
    }
    const struct product_range *flash = &out->harden.flash;
    if (flash->size_bytes && flash->size_bytes - 1 > UINT32_MAX - flash->start) {
        return error_input(reading->error,
                           "%s: harden.flash: expected a size that stays within 32-bit addresses",
                           reading->file);
    }
    if (!out->product.id) out->product.id = form_id_of(reading->arena, out->product.name);
    if (!out->product.id) {
        return error_input(reading->error,
                           "%s:%u: product.name: no folder's name follows from it; expected "
                           "product.id beside it, a name of a-z, 0-9 and '-' for the folder",
                           reading->file,
                           child_named(child_named(reading->root, "product"), "name")->line);
    }
    if (strcmp(out->product.id, "log") == 0) {
        return error_input(reading->error,
                           "%s: product.id: log is the folder of the log; expected another name",
                           reading->file);
    }
    const char *url = product_record_url(reading->arena, out);
    if (strlen(url) > PRODUCT_URL_MAXIMUM_BYTES) {
        return error_input(reading->error,
                           "%s: the record's address %.60s... has %zu characters; expected at most "
                           "%d, so that the code stays easy to scan: choose a shorter label.url",
                           reading->file, url, strlen(url), PRODUCT_URL_MAXIMUM_BYTES);
    }
    return STATUS_OK;
}

enum status product_read(struct arena *arena, const char *file, struct span text,
                         struct product_date today, struct product *out, struct error *error) {
    struct reading reading = {arena, file, today, NULL, error};
    struct yaml_node *root;
    enum status status = yaml_read(arena, file, text, &root, error);
    if (status != STATUS_OK) return status;
    if (root->kind != YAML_KIND_MAP) {
        return error_input(error, "%s:%u: expected a mapping with product, manufacturer, firmware",
                           file, root->line);
    }
    *out = (struct product){.file = file};
    out->harden.profile = "exploit";
    out->harden.mpu = "auto";
    out->harden.null_guard = "auto";
    out->test.timeout_s = 600;
    out->label.evidence_valid_months = 24;
    reading.root = root;
    status = read_map(&reading, root, NULL, root_fields, (char *)out);
    if (status == STATUS_OK) status = check_whole(&reading, out);
    return status == STATUS_OK ? check_slots(&reading, out) : status;
}

const char *product_path(struct arena *arena, const struct product *product, const char *path) {
    const char *slash = strrchr(product->file, '/');
    if (path[0] == '/' || !slash) return arena_string(arena, path, strlen(path));
    return arena_format(arena, "%.*s/%s", (int)(slash - product->file), product->file, path);
}

const char *product_record_url(struct arena *arena, const struct product *product) {
    size_t length = strlen(product->label.url);
    while (length > 0 && product->label.url[length - 1] == '/')
        length--;
    return arena_format(arena, "%.*s/%s/%s/", (int)length, product->label.url, product->product.id,
                        product->product.version);
}
