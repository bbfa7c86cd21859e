/* The manifest processor: verifies an envelope and executes its command sequences
 * (draft-ietf-suit-manifest-34, section 6). See pm/suit.h.
 *
 * A sequence returns the error that ended it. `aborted` tells a condition that did not hold, after
 * which try-each goes on, from all else, after which nothing does: it is set in abort_with() and
 * never taken back. Views into the manifest stay valid for as long as a run takes, so parameters
 * are pointers into it. */
#include "pm/suit.h"

#include <string.h>

#include "format/cbor.h"

enum { NO_SLOT = 0xff };

struct parameters {
    const uint8_t *vendor, *class_id, *digest; /* NULL: not set */
    struct pm_bytes uri;                       /* empty: not set */
    uint32_t size_bytes, patch_bytes;          /* 0: not set */
    uint8_t slot, patch_against;               /* NO_SLOT, PM_SUIT_NO_PATCH: not set */
};

struct machine {
    const struct pm_suit_host *host;
    const struct pm_suit_manifest *manifest;
    struct parameters parameters[PM_SUIT_COMPONENTS];
    uint32_t selected; /* a bit for each component that commands apply to */
    uint16_t commands_left;
    uint8_t nesting;
    bool shared;       /* in the shared sequence */
    bool soft_failure; /* of the innermost sequence */
    bool aborted;
};

static enum pm_update_error run_sequence(struct machine *machine, struct pm_cbor *outer);

static enum pm_update_error abort_with(struct machine *machine, enum pm_update_error error) {
    machine->aborted = true;
    return error;
}

/* The bits of a component index (section 6.5): a number, true, or a list of rising numbers. */
static uint32_t take_index(struct machine *machine, struct pm_cbor *in) {
    size_t count = machine->manifest->component_count, items = 1;
    uint32_t selected = 0;
    if (pm_cbor_peek(in) == PM_CBOR_SIMPLE) {
        pm_cbor_expect(in, PM_CBOR_SIMPLE, PM_CBOR_TRUE);
        return (1u << count) - 1;
    }
    if (pm_cbor_peek(in) == PM_CBOR_ARRAY)
        items = pm_cbor_take_u32(in, PM_CBOR_ARRAY, PM_SUIT_COMPONENTS);
    if (items == 0) pm_cbor_fail(in);
    for (; items > 0; items--) {
        uint32_t bit = 1u << pm_cbor_take_u32(in, PM_CBOR_UINT, (uint32_t)count - 1);
        /* Commands go through the components upwards: a list in another order is not what
         * would be done. */
        if (selected >= bit) pm_cbor_fail(in);
        selected |= bit;
    }
    return selected;
}

/* The image size, a uint; 0 would be "not set". */
static uint32_t take_size(struct pm_cbor *in) {
    uint32_t size_bytes = pm_cbor_take_u32(in, PM_CBOR_UINT, UINT32_MAX);
    if (size_bytes == 0) pm_cbor_fail(in);
    return size_bytes;
}

static bool take_bool(struct pm_cbor *in) {
    return pm_cbor_take_u32(in, PM_CBOR_SIMPLE, PM_CBOR_TRUE) == PM_CBOR_TRUE;
}

/* The role of the component that the payload is a patch against. */
static uint8_t take_patch_base(const struct machine *machine, struct pm_cbor *in) {
    if (machine->shared) pm_cbor_fail(in); /* no private parameter there (section 8.4.8.16) */
    if (pm_cbor_peek(in) == PM_CBOR_SIMPLE) {
        pm_cbor_expect(in, PM_CBOR_SIMPLE, PM_CBOR_FALSE);
        return PM_SUIT_NO_PATCH;
    }
    return (uint8_t)pm_cbor_take_u32(in, PM_CBOR_UINT,
                                     (uint32_t)machine->manifest->component_count - 1);
}

static void set_parameter(struct machine *machine, struct parameters *out, struct pm_cbor *in) {
    switch (pm_cbor_take_int(in)) {
    case PM_SUIT_PARAMETER_VENDOR:
        out->vendor = pm_cbor_take_exactly(in, PM_UUID_BYTES);
        break;
    case PM_SUIT_PARAMETER_CLASS:
        out->class_id = pm_cbor_take_exactly(in, PM_UUID_BYTES);
        break;
    case PM_SUIT_PARAMETER_DIGEST:
        out->digest = pm_suit_take_digest(in);
        break;
    case PM_SUIT_PARAMETER_SLOT:
        out->slot = (uint8_t)pm_cbor_take_u32(in, PM_CBOR_UINT, NO_SLOT - 1);
        break;
    case PM_SUIT_PARAMETER_SIZE:
        out->size_bytes = take_size(in);
        break;
    case PM_SUIT_PARAMETER_URI:
        pm_cbor_take_path(in, &out->uri);
        break;
    case PM_SUIT_PARAMETER_PATCH:
        out->patch_against = take_patch_base(machine, in);
        break;
    case PM_SUIT_PARAMETER_PATCH_SIZE:
        if (machine->shared) pm_cbor_fail(in);
        out->patch_bytes = take_size(in);
        break;
    case PM_SUIT_PARAMETER_STRICT_ORDER:
        take_bool(in);
        break; /* it is always strict here */
    case PM_SUIT_PARAMETER_SOFT_FAILURE:
        /* Only inside try-each and run-sequence (section 8.4.8.15). */
        if (machine->nesting < 2) pm_cbor_fail(in);
        machine->soft_failure = take_bool(in);
        break;
    default:
        pm_cbor_fail(in);
    }
}

static bool same_id(const uint8_t *parameter, const uint8_t *unit) {
    return parameter && memcmp(parameter, unit, PM_UUID_BYTES) == 0;
}

static enum pm_update_error fetch(struct machine *machine, const struct parameters *parameters,
                                  enum pm_suit_role role) {
    bool patch = parameters->patch_against != PM_SUIT_NO_PATCH;
    const struct pm_suit_fetch fetch = {role,
                                        parameters->uri,
                                        parameters->digest,
                                        parameters->size_bytes,
                                        parameters->patch_against,
                                        patch ? parameters->patch_bytes : 0};
    /* What runs is never written, a payload that nothing could be compared with never fetched. */
    if (role != PM_SUIT_TARGET || fetch.uri.size_bytes == 0 || !fetch.sha256 ||
        fetch.size_bytes == 0 || (patch && fetch.patch_bytes == 0))
        return PM_ERROR_COMMAND;
    return machine->host->fetch(machine->host->context, &fetch);
}

/* A command with a reporting policy, on one component. */
static enum pm_update_error act(struct machine *machine, int32_t command,
                                enum pm_suit_role component) {
    const struct pm_suit_host *host = machine->host;
    const struct parameters *parameters = &machine->parameters[component];
    enum pm_update_error error = PM_ERROR_COMMAND;
    switch (command) {
    case PM_SUIT_CONDITION_VENDOR:
        return same_id(parameters->vendor, host->vendor) ? PM_ERROR_NONE : PM_ERROR_VENDOR;
    case PM_SUIT_CONDITION_CLASS:
        return same_id(parameters->class_id, host->class_id) ? PM_ERROR_NONE : PM_ERROR_CLASS;
    case PM_SUIT_CONDITION_IMAGE_MATCH:
        return parameters->digest && parameters->size_bytes > 0 &&
                       host->image_match(host->context, component, parameters->digest,
                                         parameters->size_bytes)
                   ? PM_ERROR_NONE
                   : PM_ERROR_PAYLOAD_DIGEST;
    case PM_SUIT_CONDITION_SLOT:
        return parameters->slot == host->slot[component] ? PM_ERROR_NONE : PM_ERROR_SLOT;
    case PM_SUIT_CONDITION_ABORT:
        return PM_ERROR_ABORT;
    case PM_SUIT_FETCH:
        error = fetch(machine, parameters, component);
        break;
    case PM_SUIT_DIRECTIVE_INVOKE:
        if (host->invoke) error = host->invoke(host->context, component);
        break;
    default:
        break;
    }
    return error == PM_ERROR_NONE ? error : abort_with(machine, error);
}

static enum pm_update_error act_and_record(struct machine *machine, int32_t command,
                                           enum pm_suit_role component, unsigned policy) {
    enum pm_update_error error = act(machine, command, component);
    unsigned wanted = error == PM_ERROR_NONE ? PM_SUIT_RECORD_SUCCESS : PM_SUIT_RECORD_FAILURE;
    const struct pm_suit_host *host = machine->host;
    if (host->record && (policy & wanted) != 0)
        host->record(host->context, component, command, policy, error);
    return error;
}

/* Sequences one after another until one holds (section 8.4.10.2). */
static enum pm_update_error try_each(struct machine *machine, struct pm_cbor *in) {
    enum pm_update_error error = PM_ERROR_COMMAND;
    bool outer = machine->soft_failure, next = true;
    uint32_t count = pm_cbor_take_u32(in, PM_CBOR_ARRAY, UINT32_MAX);
    for (; count > 0 && next; count--) {
        if (count == 1 && pm_cbor_peek(in) == PM_CBOR_SIMPLE) {
            pm_cbor_expect(in, PM_CBOR_SIMPLE, PM_CBOR_NULL);
            return PM_ERROR_NONE;
        }
        machine->soft_failure = true;
        error = run_sequence(machine, in);
        next = machine->soft_failure;
        machine->soft_failure = outer;
        if (error == PM_ERROR_NONE || machine->aborted) return error;
    }
    return abort_with(machine, error);
}

/* One sequence; a condition in it that does not hold is this command's failure as a condition,
 * unless soft failure was set in it (section 8.4.10.8). */
static enum pm_update_error run_nested(struct machine *machine, struct pm_cbor *in) {
    bool outer = machine->soft_failure;
    machine->soft_failure = false;
    enum pm_update_error error = run_sequence(machine, in);
    if (machine->soft_failure && !machine->aborted) error = PM_ERROR_NONE;
    machine->soft_failure = outer;
    return error;
}

/* A command on one component; `in` is a copy, so that each component reads the argument anew. */
static enum pm_update_error run_command(struct machine *machine, int32_t command,
                                        enum pm_suit_role component, struct pm_cbor in) {
    enum pm_update_error error = PM_ERROR_NONE;
    if (command == PM_SUIT_TRY_EACH) {
        error = try_each(machine, &in);
    } else if (command == PM_SUIT_RUN_SEQUENCE) {
        error = run_nested(machine, &in);
    } else if (command == PM_SUIT_OVERRIDE_PARAMETERS) {
        uint32_t pairs = pm_cbor_take_u32(&in, PM_CBOR_MAP, UINT32_MAX);
        if (pairs == 0) pm_cbor_fail(&in);
        for (; pairs > 0 && !in.failed; pairs--)
            set_parameter(machine, &machine->parameters[component], &in);
    } else {
        uint32_t policy = pm_cbor_take_u32(&in, PM_CBOR_UINT, PM_SUIT_POLICY_MAXIMUM);
        if (!in.failed) error = act_and_record(machine, command, component, policy);
    }
    return in.failed ? abort_with(machine, PM_ERROR_COMMAND) : error;
}

/* A command on every selected component. What is wrong with its form fails `in`, which aborts. */
static enum pm_update_error step(struct machine *machine, struct pm_cbor *in) {
    enum pm_update_error error = PM_ERROR_NONE;
    int32_t command = pm_cbor_take_int(in);
    if (machine->commands_left == 0) pm_cbor_fail(in);
    machine->commands_left--;
    if (command == PM_SUIT_SET_COMPONENT) {
        machine->selected = take_index(machine, in);
        return error;
    }
    struct pm_cbor argument = *in;
    uint32_t selected = machine->selected;
    pm_cbor_skip(in);
    if (selected == 0) pm_cbor_fail(in);
    if (in->failed) return error;
    for (size_t i = 0; i < PM_SUIT_COMPONENTS && error == PM_ERROR_NONE; i++) {
        if ((selected >> i & 1) == 0) continue;
        machine->selected = 1u << i;
        error = run_command(machine, command, (enum pm_suit_role)i, argument);
    }
    machine->selected = selected;
    return error;
}

/* The sequence that the next byte string of `outer` wraps. */
static enum pm_update_error run_sequence(struct machine *machine, struct pm_cbor *outer) {
    struct pm_cbor in;
    enum pm_update_error error = PM_ERROR_NONE;
    pm_cbor_unwrap(outer, &in);
    uint32_t items = pm_cbor_take_u32(&in, PM_CBOR_ARRAY, UINT32_MAX);
    if (items == 0 || items % 2 != 0 || machine->nesting == PM_SUIT_NESTING) pm_cbor_fail(&in);
    machine->nesting++;
    while (in.at != in.end && error == PM_ERROR_NONE)
        error = step(machine, &in);
    machine->nesting--;
    return in.failed ? abort_with(machine, PM_ERROR_COMMAND) : error;
}

/* A sequence of the manifest's own, in its byte string; one that is not there is no error. */
static enum pm_update_error run_section(struct machine *machine, const struct pm_bytes *wrapped) {
    struct pm_cbor in;
    pm_cbor_open(&in, *wrapped);
    /* With more than one, each sequence has to say which (section 6.2). */
    machine->selected = machine->manifest->component_count == 1;
    return wrapped->size_bytes > 0 ? run_sequence(machine, &in) : PM_ERROR_NONE;
}

enum pm_update_error pm_suit_run(const struct pm_suit_host *host,
                                 const struct pm_suit_manifest *manifest,
                                 enum pm_suit_element section) {
    struct machine machine = {
        .host = host, .manifest = manifest, .commands_left = PM_SUIT_COMMANDS, .shared = true};
    size_t index = pm_suit_section((int32_t)section);
    if (index == PM_SUIT_SECTIONS) return PM_ERROR_COMMAND;
    for (size_t i = 0; i < PM_SUIT_COMPONENTS; i++) {
        machine.parameters[i].slot = NO_SLOT;
        machine.parameters[i].patch_against = PM_SUIT_NO_PATCH;
    }
    enum pm_update_error error = run_section(&machine, &manifest->shared);
    machine.shared = false;
    return error == PM_ERROR_NONE ? run_section(&machine, &manifest->sections[index]) : error;
}

/* Refused until the host's verify says otherwise. */
static enum pm_update_error verify(const struct pm_suit_host *host,
                                   const struct pm_cose_sign1 *message, struct pm_bytes payload) {
    uint8_t digest[PM_SHA256_BYTES];
    if (!pm_cose_sign1_digest(host->sha256, message->protected_header, payload, digest))
        return PM_ERROR_SIGNATURE;
    return host->verify(host->context, message->key_id, digest, message->signature);
}

enum pm_update_error pm_channel_open(const struct pm_suit_host *host, struct pm_bytes bytes,
                                     struct pm_channel *out) {
    struct pm_cose_sign1 message;
    if (!pm_cose_sign1_read(bytes, &message) || message.detached) return PM_ERROR_CHANNEL_FORM;
    enum pm_update_error error = verify(host, &message, message.payload);
    if (error != PM_ERROR_NONE)
        return error == PM_ERROR_SIGNATURE ? PM_ERROR_CHANNEL_SIGNATURE : error;
    if (!pm_channel_read(message.payload, out)) return PM_ERROR_CHANNEL_FORM;
    if (!same_id(out->vendor, host->vendor)) return PM_ERROR_VENDOR;
    return same_id(out->class_id, host->class_id) ? PM_ERROR_NONE : PM_ERROR_CLASS;
}

static enum pm_update_error error_of(enum pm_suit_form form) {
    return form == PM_SUIT_WELL_FORMED      ? PM_ERROR_NONE
           : form == PM_SUIT_DIGEST_DIFFERS ? PM_ERROR_ENVELOPE_DIGEST
                                            : PM_ERROR_ENVELOPE_FORM;
}

enum pm_update_error pm_suit_open(const struct pm_suit_host *host, struct pm_bytes bytes,
                                  uint64_t floor, struct pm_suit_manifest *out) {
    struct pm_suit_envelope envelope;
    enum pm_update_error error = error_of(pm_suit_read_envelope(host->sha256, bytes, &envelope));
    if (error == PM_ERROR_NONE) error = verify(host, &envelope.signature, envelope.signed_digest);
    if (error == PM_ERROR_NONE)
        error = error_of(pm_suit_read_manifest(host->sha256, &envelope, out));
    if (error == PM_ERROR_NONE && out->sequence < floor) error = PM_ERROR_SEQUENCE;
    return error;
}
