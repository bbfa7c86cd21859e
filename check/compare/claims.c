/* Each byte of the output's code belongs to one part of the original, or to what the
 * protections added. Claims are listed while parts are walked, on several threads, and
 * compared when all are known. */
#include <string.h>

#include "check/compare/compare.h"

uint8_t *compare_bytes(const struct compare *compare, uint32_t address, uint32_t size_bytes) {
    const struct fw_section *s = check_contents_at(compare->check, address);
    if (!s || size_bytes > s->size_bytes - (address - s->address)) return NULL;
    return s->data + (address - s->address);
}

bool compare_is_filler(const struct compare *compare, uint32_t address) {
    const uint8_t *p = compare_bytes(compare, address, 2);
    return p && (p[0] | p[1] << 8) == FILLER;
}

void compare_claim(struct compare *compare, uint32_t address, uint32_t size_bytes, uint8_t claim) {
    struct claimed *last =
        compare->claimed_count ? &compare->claimed[compare->claimed_count - 1] : NULL;
    if (compare->trying) return;
    if (last && last->claim == claim && address - last->address == last->size_bytes) {
        last->size_bytes += size_bytes;
        return;
    }
    compare->claimed = arena_grow(&compare->arena, compare->claimed, compare->claimed_count,
                                  &compare->claimed_capacity, sizeof *compare->claimed);
    compare->claimed[compare->claimed_count++] = (struct claimed){address, size_bytes, claim};
}

uint8_t *compare_claims_at(const struct compare *compare, uint32_t address, uint32_t *room) {
    const struct check *check = compare->check;
    const struct fw_section *s = check_contents_at(check, address);
    uint8_t *bytes = s ? compare->claims[s - check->model->sections].bytes : NULL;
    if (!bytes) return NULL;
    *room = s->size_bytes - (address - s->address);
    return bytes + (address - s->address);
}

/* Neighbours that were made one may lie in sections that follow each other. */
static void enter(struct compare *compare, const struct claimed *c) {
    bool told = false;
    uint32_t room = 0;
    uint8_t *bytes = NULL;
    for (uint32_t k = 0; k < c->size_bytes; k++, bytes++, room--) {
        if (!room) bytes = compare_claims_at(compare, c->address + k, &room);
        if (!bytes) {
            check_find(compare->check, "original", c->address,
                       "the output ends inside a part of the original");
            return;
        }
        if (*bytes == CLAIM_FREE) {
            *bytes = c->claim;
        } else if (!told) {
            check_find(compare->check, "original", c->address + k,
                       "two parts of the original share this place");
            told = true;
        }
    }
}

void compare_enter_claims(struct compare *compare) {
    for (size_t i = 0; i < compare->claimed_count; i++)
        enter(compare, &compare->claimed[i]);
    compare->claimed_count = 0;
}

void compare_claim_routines(struct compare *compare) {
    const struct check *check = compare->check;
    for (size_t i = 0; i < check->routine_count; i++) {
        const struct routine *r = &check->routines[i];
        uint32_t code_end = r->kind == ROUTINE_THUNK ? r->end - 4 : r->end;
        bool inside = i && check->routines[i - 1].end == r->end; /* of one that pops first */
        if (inside) continue;
        if (r->kind == ROUTINE_THUNK) {
            compare_claim(compare, r->address - 4, 4, CLAIM_DATA);
            compare_note_tag(compare, r->address - 4);
        }
        if (r->kind == ROUTINE_BOOT) code_end = r->jump + 4;
        compare_claim(compare, r->address, code_end - r->address, CLAIM_CODE);
        if (r->kind == ROUTINE_BOOT && r->table) {
            for (uint32_t at = r->jump + 4; at < r->table; at += 2) {
                if (!compare_is_filler(compare, at)) {
                    check_find(compare->check, "boot", at,
                               "what stands before its table is no filler");
                }
                compare_claim(compare, at, 2, CLAIM_CODE);
            }
            compare_claim(compare, r->table, r->end - r->table, CLAIM_DATA);
        } else if (r->kind == ROUTINE_THUNK) {
            compare_claim(compare, code_end, r->end - code_end, CLAIM_DATA);
        }
    }
}
