/* Findings, and where in the image they are. */
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check/state.h"

/* By the symbols, so that it needs no lifted model. */
const char *check_function_at(const struct check *check, uint32_t address) {
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        uint32_t offset = address - (s->value & ~1U);
        if (ELF32_ST_TYPE(s->info) != STT_FUNC || s->section == SHN_UNDEF) continue;
        if (offset == 0 || offset < s->size_bytes) return s->name;
    }
    return "";
}

const char *check_text(const struct check *check, const char *name) {
    char *copy = arena_format((struct arena *)&check->arena, "%s", name);
    for (char *c = copy; *c; c++) {
        if (*c < ' ' || *c > '~') *c = '?';
    }
    return copy;
}

const struct fw_function *check_first_function(const struct fw_model *model, uint32_t unit) {
    const struct fw_unit *u = &model->units[unit];
    const struct fw_function *f = &model->functions[u->function_first];
    bool tag = u->function_count > 1 && strcmp(f->name, FW_TAG_SYMBOL) == 0;
    return tag ? f + 1 : f;
}

void check_find(struct check *check, const char *kind, uint32_t address, const char *what, ...) {
    if (check->finding_count == FINDINGS_MAXIMUM) {
        check->more_findings = true;
        return;
    }
    char text[256];
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(text, sizeof text, what, arguments);
    va_end(arguments);
    check->findings[check->finding_count++] =
        (struct finding){.kind = kind,
                         .function = check_text(check, check_function_at(check, address)),
                         .what = check_text(check, text),
                         .address = address};
}

struct check check_part(const struct check *check) {
    struct check part = *check;
    part.arena = (struct arena){.chunk = NULL};
    part.finding_count = 0;
    part.more_findings = false;
    part.counts = (struct counts){.return_sites = 0};
    return part;
}

static void add_finding(struct check *check, struct finding finding) {
    if (check->finding_count == FINDINGS_MAXIMUM) {
        check->more_findings = true;
        return;
    }
    check->findings[check->finding_count++] = finding;
}

static void add_counts(struct counts *all, const struct counts *more) {
    all->return_sites += more->return_sites;
    all->return_sealed += more->return_sealed;
    all->return_exempt += more->return_exempt;
    all->call_sites += more->call_sites;
    all->call_checked += more->call_checked;
    all->call_exempt += more->call_exempt;
    all->call_targets += more->call_targets;
    all->call_tagged += more->call_tagged;
}

void check_join(struct check *check, struct check *part) {
    add_counts(&check->counts, &part->counts);
    for (size_t i = 0; i < part->finding_count; i++) {
        struct finding finding = part->findings[i];
        finding.function = arena_format(&check->arena, "%s", finding.function);
        finding.what = arena_format(&check->arena, "%s", finding.what);
        add_finding(check, finding);
    }
    check->more_findings |= part->more_findings;
    arena_free(&part->arena);
}
