/* The commented product.yaml that `init` writes. See product.h. */
#include "product/product.h"

#include <string.h>

/* A value in double quotes, so that no text can end its line or mean something else. */
static void put_quoted(struct buffer *out, const char *text) {
    buffer_text(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') buffer_text(out, "\\");
        if ((unsigned char)*c >= 0x20 && *c != 0x7F) buffer_append(out, c, 1);
    }
    buffer_text(out, "\"");
}

/* A name from the firmware in a comment: it must not be able to end the line. */
static void put_plain(struct buffer *out, const char *text) {
    for (const char *c = text; *c; c++)
        buffer_append(out, (unsigned char)*c >= 0x20 && *c != 0x7F ? c : "?", 1);
    buffer_text(out, "\n");
}

static void put_ranges(struct buffer *out, const char *title, const struct product_range *ranges,
                       size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct product_range *range = &ranges[i];
        buffer_format(out, "#   %-6s 0x%08x to 0x%08x  %8u bytes  ", title, range->start,
                      range->start + (range->size_bytes ? range->size_bytes - 1 : 0),
                      range->size_bytes);
        put_plain(out, range->name);
    }
}

static void put_head(struct buffer *out, const struct product_facts *facts) {
    buffer_text(out, "# What Proofmark is told about this product. `proofmark ship` reads it,\n"
                     "# hardens and checks the firmware, and writes its label.\n"
                     "# Fill in the values that begin with FILL. A key that is commented out is\n"
                     "# optional; what is left unsaid makes no claim on the label.\n"
                     "#\n# Found in the firmware:\n");
    buffer_format(out, "#   entry  0x%08x\n", facts->entry);
    put_ranges(out, "flash", facts->flash, facts->flash_count);
    put_ranges(out, "RAM", facts->ram, facts->ram_count);
    for (size_t i = 0; i < facts->notes_count; i++) {
        buffer_text(out, "#   note   ");
        put_plain(out, facts->notes[i]);
    }
    buffer_text(out, "\nproduct:\n  name: ");
    put_quoted(out, facts->name);
    buffer_text(out, "\n"
                     "  model: FILL in the model's name or number\n"
                     "  version: 0.1.0\n"
                     "  # description: one line for the buyer\n"
                     "  # id: folder's name, made from the name unless given\n"
                     "\n"
                     "manufacturer:\n"
                     "  name: FILL in who makes it\n"
                     "  url: FILL in https://...\n"
                     "  # email: contact@example.com\n"
                     "\n"
                     "firmware:\n"
                     "  # The linked ELF, made with -Wl,--emit-relocs. Relative to this file.\n"
                     "  file: ");
    put_quoted(out, facts->firmware_file);
    buffer_text(out, "\n\n");
}

static void put_key_function(struct buffer *out, const struct product_facts *facts) {
    buffer_text(
        out, "  # The function that returns 32 random bits, uint32_t f(void). It is called\n"
             "  # once before the reset handler and before SystemInit: no initialised variables,\n"
             "  # no clock, PLL or FPU is set up but what it sets up itself, and a fault in it\n"
             "  # ends in the fault handler before the program starts.\n"
             "  # Without it the key is fixed at build time, and the label says so.\n");
    if (facts->key_functions_count == 0) {
        buffer_text(out, "  # key_function: the symbol of your random source (none was found by "
                         "its name)\n");
    } else {
        buffer_text(out, "  # By name and code it may be one of these; whether its numbers are "
                         "random only\n  # you know:\n");
    }
    for (size_t i = 0; i < facts->key_functions_count; i++) {
        buffer_text(out, "  # key_function: ");
        put_plain(out, facts->key_functions[i]);
    }
}

static void put_key_cell(struct buffer *out, const struct product_facts *facts) {
    buffer_text(out,
                "  # A word of RAM that start-up neither clears nor copies to, where the firmware\n"
                "  # uses the process stack pointer itself (most RTOSes), alone in 32 bytes:\n"
                "  #   __attribute__((section(\".noinit\"), aligned(32))) uint32_t boot_key[8];\n"
                "  # with .noinit in the linker script as a (NOLOAD) section outside .bss.\n"
                "  # key_cell: ");
    put_plain(out, facts->key_cell ? facts->key_cell
                                   : "the symbol of one, such as boot_key (none was found)");
}

static void put_flash(struct buffer *out, const struct product_facts *facts) {
    const struct product_range *settings = &facts->settings, *part = &facts->part;
    buffer_text(out, "  # Ranges of flash that the firmware itself writes; they stay writable:\n"
                     "  # writable_flash:\n");
    if (settings->size_bytes) {
        buffer_format(out, "  #   - {name: settings, start: 0x%08x, size: 0x%x}\n", settings->start,
                      settings->size_bytes);
    } else {
        buffer_text(out, "  #   - {name: settings, start: address, size: bytes}\n");
    }
    buffer_text(out, "  # The part's flash from the image on; code that does not fit there is "
                     "refused:\n");
    if (part->size_bytes) {
        buffer_format(out, "  # flash: {start: 0x%08x, size: 0x%x}  # its size is a guess\n",
                      part->start, part->size_bytes);
    } else {
        buffer_text(out, "  # flash: {start: address, size: bytes}\n");
    }
}

static void put_harden(struct buffer *out, const struct product_facts *facts) {
    buffer_text(out,
                "harden:\n"
                "  profile: exploit        # or null: move every function, protect nothing\n"
                "  # Same input and seed, same bytes. Unless one is given, `ship` takes the\n"
                "  # first 16 digits of the firmware's SHA-256 (and `harden` alone takes 00):\n"
                "  # seed: 2 to 64 hex digits\n");
    put_key_function(out, facts);
    put_key_cell(out, facts);
    buffer_text(
        out, "  # exempt: [symbols]     # functions not to seal, nor check the calls of; counted\n"
             "  # pin: [symbols]        # functions to leave at their address, and exempt\n"
             "  # flash_window: [open, close]  # functions of the flash driver's write window\n");
    put_flash(out, facts);
    buffer_text(out, "  mpu: auto               # or none: set up no memory map\n"
                     "  # null_guard: none      # where code reads address 0 through a variable\n");
    if (facts->stack_limit) {
        buffer_text(out, "  stack_limit: ");
        put_plain(out, facts->stack_limit);
    } else {
        buffer_text(
            out,
            "  # The ELF names no end of the stack. With its lowest address, or the symbol of\n"
            "  # it, the memory map catches a stack that grows beyond:\n");
        if (facts->stack_hint) {
            buffer_format(out, "  # stack_limit: 0x%08x  # %s, if nothing goes deeper\n",
                          facts->stack_hint, facts->stack_hint_from);
        } else if (facts->stack_top) {
            buffer_format(out, "  # stack_limit: an address below 0x%08x, above all variables\n",
                          facts->stack_top);
        } else {
            buffer_text(out, "  # stack_limit: the symbol or the address\n");
        }
    }
}

static void put_fields(struct buffer *out, const struct product_facts *facts) {
    buffer_format(out,
                  "\n"
                  "# Run on the hardened image, in this file's folder, {firmware} replaced by its\n"
                  "# path. No command, no claim.\n"
                  "# test:\n"
                  "#   command: [./run-tests, \"{firmware}\"]\n"
                  "#   timeout_s: 600\n"
                  "\n"
                  "support:\n"
                  "  ends: FILL in the last month with security fixes, such as %04u-12\n"
                  "\n"
                  "label:\n"
                  "  # Where you publish records; the QR code leads to <url>/<id>/<version>/\n"
                  "  url: FILL in https://...\n"
                  "  evidence_valid_months: 24\n"
                  "\n"
                  "reports:\n"
                  "  contact: FILL in where holes are reported, a URL or an e-mail address\n"
                  "  # policy: https://...\n"
                  "\n",
                  facts->today.year + 5);
}

static void put_voluntary(struct buffer *out) {
    buffer_text(out,
                "# Fields of 47 CFR 8.222(b). Fill in those that apply to you.\n"
                "# registry:\n"
                "#   authorised: {date: 2026-01-31, status: active}\n"
                "#   administrator: {name: the label administrator, contact: https://...}\n"
                "#   laboratory: who tested it\n"
                "#   default_password: {changeable: yes, how: Settings > Password}\n"
                "#   secure_configuration: https://...\n"
                "#   access_control: how access is controlled\n"
                "#   updates: {automatic: yes, how: at night, or Settings > Update}\n"
                "#   sbom: yes\n"
                "#   hbom: no\n"
                "#   data: what its sensors collect and where it goes\n"
                "#   report: https://...     # the laboratory's report\n"
                "\n"
                "# Where `proofmark release` puts the firmware: two slots of whole pages, whose\n"
                "# distance is a multiple of the code's MPU region; and who it is for.\n"
                "# release:\n"
                "#   slot_a: {start: 0x10000, size: 0x80000}\n"
                "#   slot_b: {start: 0x90000, size: 0x80000}\n"
                "#   page: 4096              # what is erased at once\n"
                "#   vendor: example.com     # a domain name of yours, or a UUID\n"
                "#   class: thermostat-1     # what runs the same firmware, or a UUID\n"
                "#   addresses: [symbol]     # absolute symbols that are places in the image\n"
                "#   numbers: [symbol]       # ... and those that are not\n"
                "\n"
                "# A scheme's mark is drawn by nobody but the scheme: give the PNG that you\n"
                "# were granted, and the number of the grant.\n"
                "# schemes:\n"
                "#   - {name: the scheme, artwork: mark.png, grant: number}\n"
                "\n"
                "# Further statements for which you give your word.\n"
                "# declared:\n"
                "#   - {text: No account is needed, link: https://...}\n");
}

void product_write(struct buffer *out, const struct product_facts *facts) {
    put_head(out, facts);
    put_harden(out, facts);
    put_fields(out, facts);
    put_voluntary(out);
}
