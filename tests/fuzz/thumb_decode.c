/* Any bytes decode into an instruction whose parts agree with each other, and what refers to
 * a place can be encoded anew elsewhere with the same meaning. */
#include <stdlib.h>
#include <string.h>

#include "firmware/arch/thumb/thumb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void require(bool condition) {
    if (!condition) abort();
}

static void check_parts(const struct thumb_insn *insn) {
    bool reads_pc = (insn->reads >> THUMB_PC & 1) != 0;
    bool writes_pc = (insn->writes >> THUMB_PC & 1) != 0;
    require(insn->op <= THUMB_NOP && insn->flow <= THUMB_FLOW_TRAP);
    require(reads_pc == (insn->reference == THUMB_REFERENCE_PC_READ));
    require(!writes_pc || insn->flow == THUMB_FLOW_JUMP_INDIRECT);
    require(insn->cond <= THUMB_COND_AL);
    if (insn->reference == THUMB_REFERENCE_NONE) require(insn->target == 0);
    if (insn->op == THUMB_UNDEFINED) {
        require(insn->flow == THUMB_FLOW_TRAP && !insn->reads && !insn->writes);
        require(!insn->flags_read && !insn->flags_written && !insn->loads && !insn->stores);
    }
    const uint8_t fields[4] = {insn->rd, insn->rn, insn->rm, insn->ra};
    for (int i = 0; i < 4; i++)
        require(fields[i] < 16 || fields[i] == THUMB_NO_REGISTER);
}

static size_t encode_again(uint8_t *out, const struct thumb_insn *insn, uint32_t address) {
    bool wide = insn->size_bytes == 4;
    uint32_t target = insn->target;
    switch (insn->op) {
    case THUMB_B:
        return thumb_encode_b(out, address, target, wide);
    case THUMB_B_COND:
        return thumb_encode_b_cond(out, insn->cond, address, target, wide);
    case THUMB_BL:
        return thumb_encode_bl(out, address, target);
    case THUMB_CBZ:
    case THUMB_CBNZ:
        return thumb_encode_cbz(out, insn->op == THUMB_CBNZ, insn->rn, address, target);
    default:
        return thumb_encode_pc_relative(out, insn, address, target, wide);
    }
}

/* Where it fits, the moved instruction is the same but for its bits. */
static void check_moved(const struct thumb_insn *insn, uint32_t address) {
    uint8_t bytes[4];
    struct thumb_insn moved;
    size_t size = encode_again(bytes, insn, address);
    if (size == 0) return;
    require(size == insn->size_bytes);
    require(thumb_decode(bytes, size, address, &moved));
    require(moved.target == insn->target && moved.op == insn->op && moved.flow == insn->flow);
    require(moved.reads == insn->reads && moved.writes == insn->writes);
    require(moved.cond == insn->cond && moved.reference == insn->reference);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    uint32_t address = 0x08000000;
    uint8_t state = 0;
    struct thumb_insn insn;
    for (size_t at = 0; at < size_bytes; at += insn.size_bytes) {
        uint32_t here = address + (uint32_t)at;
        size_t left = size_bytes - at;
        if (!thumb_decode(data + at, left, here, &insn)) {
            require(left < 4);
            break;
        }
        require(insn.size_bytes == 2 || insn.size_bytes == 4);
        require(insn.size_bytes <= left);
        check_parts(&insn);
        bool place = insn.reference != THUMB_REFERENCE_NONE &&
                     insn.reference != THUMB_REFERENCE_PC_READ &&
                     insn.reference != THUMB_REFERENCE_TABLE;
        if (place && !insn.unpredictable) {
            uint8_t bytes[4];
            require(encode_again(bytes, &insn, here) == insn.size_bytes);
            check_moved(&insn, here + 64);
            check_moved(&insn, here - 62);
        }
        thumb_apply_it(&insn, state);
        require(insn.in_it == thumb_it_active(state));
        state = insn.op == THUMB_IT ? thumb_it_start(insn.imm) : thumb_it_advance(state);
    }
    return 0;
}
