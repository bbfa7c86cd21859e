/* The product's description: everything the maker says, in one product.yaml.
 *
 * product_read() accepts a text only when each key is known, each required one is there
 * and each value has its form; the first that is not gives one sentence with the file,
 * the line, the key and what is expected. Nothing is guessed: an absent optional value is
 * NULL, 0 or PRODUCT_UNSAID, and what is unsaid makes no claim.
 *
 * Text that goes on a label is one line of UTF-8 without control characters and without
 * the marks that turn the direction of writing (a name must not be able to disguise the
 * words beside it).
 *
 * The fields of 47 CFR 8.222(b) stand under `registry` and beside it:
 *   (b)(1) product.name           (b)(6)  registry.default_password
 *   (b)(2) manufacturer.name      (b)(7)  registry.secure_configuration
 *   (b)(3) registry.authorised    (b)(8)  registry.updates
 *   (b)(4) registry.administrator (b)(9)  support.ends
 *   (b)(5) registry.laboratory    (b)(10) registry.sbom, registry.hbom
 * and (b)(11), further elements: registry.access_control, registry.data, registry.report.
 *
 *     struct product product;
 *     status = product_read(&arena, "shop/product.yaml", text, today, &product, &error);
 *     path = product_path(&arena, &product, product.firmware.file);
 */
#ifndef PRODUCT_PRODUCT_H
#define PRODUCT_PRODUCT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct product_month {
    unsigned year, month; /* 2031, 12; 0, 0: unsaid */
};

struct product_date {
    unsigned year, month, day;
};

enum product_answer { PRODUCT_UNSAID, PRODUCT_NO, PRODUCT_YES };

enum {
    PRODUCT_LIST_MAXIMUM = 64,
    PRODUCT_SCHEMES_MAXIMUM = 4,
    PRODUCT_URL_MAXIMUM_BYTES = 213, /* QR version 10-M in byte mode, ISO/IEC 18004 table 7 */
};

struct product_texts {
    const char **items;
    size_t count;
};

struct product_range {
    const char *name;
    uint32_t start, size_bytes; /* start + size does not pass the end of the address space */
};

struct product_scheme {
    const char *name;    /* "U.S. Cyber Trust Mark" */
    const char *artwork; /* PNG file that the scheme gave to the maker */
    const char *grant;   /* the number under which its use was granted */
    unsigned line;       /* where the artwork stands in the yaml */
};

struct product_statement {
    const char *text;
    const char *link; /* or NULL */
};

struct product {
    const char *file; /* the yaml file's own path, as given */

    struct {
        const char *name, *model, *version, *description;
        const char *id; /* unless said, made from the name; a folder's name */
    } product;
    struct {
        const char *name, *url, *email;
    } manufacturer;
    struct {
        const char *file;
        unsigned line; /* where it stands in the yaml */
    } firmware;
    struct {
        const char *profile;         /* "exploit" unless said */
        const char *seed;            /* hex, 2 to 64 digits, an even number of them; or NULL */
        const char *key_function;    /* NULL: the key comes from the seed, a fixed key */
        const char *key_cell;        /* "0x2000fff0" or a symbol; NULL: the hardener's choice */
        struct product_texts exempt; /* neither sealed nor their calls checked; they may move */
        struct product_texts pin;    /* stay at their address, and are exempt */
        struct product_texts flash_window; /* functions of the flash driver's write window */
        struct product_range *writable_flash;
        size_t writable_flash_count;
        struct product_range flash; /* the part's; size 0: as much as is needed */
        const char *mpu;            /* "auto" unless said, or "none" */
        const char *null_guard;     /* the same: of the memory map's guard on address 0 */
        const char *stack_limit;    /* symbol or "0x..."; NULL: the hardener's choice */
    } harden;
    struct {
        struct product_texts command; /* count 0: no test, no claim */
        uint32_t timeout_s;           /* 600 unless said */
    } test;
    struct {
        struct product_month ends;
    } support;
    struct {
        const char *url;                /* where the record will be found; the QR code's words */
        uint32_t evidence_valid_months; /* 24 unless said; never beyond support.ends */
    } label;
    struct {
        struct {
            struct product_date date; /* year 0: unsaid */
            const char *status;
        } authorised;
        struct {
            const char *name, *contact;
        } administrator;
        const char *laboratory;
        struct {
            enum product_answer changeable;
            const char *how;
        } default_password;
        const char *secure_configuration;
        const char *access_control;
        struct {
            enum product_answer automatic;
            const char *how;
        } updates;
        enum product_answer sbom, hbom;
        const char *data;
        const char *report;
    } registry;
    struct {
        const char *contact, *policy;
    } reports;
    struct {
        struct product_range slots[2];           /* size 0: the product has no updates of ours */
        uint32_t page_bytes;                     /* of flash: what is erased at once */
        const char *vendor;                      /* a domain name or a UUID */
        const char *class_id;                    /* a name of the vendor's, or a UUID */
        struct product_texts addresses, numbers; /* absolute symbols: what they are */
    } release;
    struct product_scheme *schemes;
    size_t schemes_count;
    struct product_statement *declared;
    size_t declared_count;
};

/* `today` decides whether a support date lies in the past. */
enum status product_read(struct arena *arena, const char *file, struct span text,
                         struct product_date today, struct product *out, struct error *error);

/* A path in the description is relative to the description's own folder. */
const char *product_path(struct arena *arena, const struct product *product, const char *path);

/* Where the product's record is found: label.url, product.id, version, with slashes. */
const char *product_record_url(struct arena *arena, const struct product *product);

/* What `init` found in a firmware; absent facts leave a commented line to fill in. */
struct product_facts {
    const char *firmware_file; /* as it is to stand in the yaml */
    const char *name;          /* a proposal, e.g. the file's name without its ending */
    uint32_t entry;
    const struct product_range *flash; /* name: the section or segment */
    size_t flash_count;
    const struct product_range *ram;
    size_t ram_count;
    struct product_range part;        /* the part's flash as a proposal; size 0: none */
    struct product_range settings;    /* behind the image, to write in; size 0: none */
    const char *key_cell;             /* symbol of a word that can keep a key, or NULL */
    const char *const *key_functions; /* candidates by their name, best first */
    size_t key_functions_count;
    const char *stack_limit;     /* symbol or NULL */
    uint32_t stack_hint;         /* an address to propose where there is no symbol, or 0 */
    const char *stack_hint_from; /* what says so: with an address */
    uint32_t stack_top;          /* the vector table's first word, or 0 */
    const char *const *notes;    /* one line each, e.g. that relocations are missing */
    size_t notes_count;
    struct product_date today;
};

/* A commented product.yaml. It states what the maker must fill in (the lines whose value
 * begins with FILL), so that `ship` refuses it with file and line until that is done. */
void product_write(struct buffer *out, const struct product_facts *facts);

#endif
