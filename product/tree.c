/* See tree.h. Built on libyaml's events, so that depth is bounded before memory is spent. */
#include "product/tree.h"

#include <string.h>
#include <yaml.h>

struct reader {
    struct arena *arena;
    const char *name;
    yaml_parser_t parser;
    struct error *error;
};

static unsigned line_of(yaml_mark_t mark) {
    return (unsigned)mark.line + 1;
}

static enum status next_event(struct reader *reader, yaml_event_t *event) {
    if (yaml_parser_parse(&reader->parser, event)) return STATUS_OK;
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "cannot be read";
    if (parser->error == YAML_READER_ERROR) {
        return error_input(reader->error, "%s: byte %zu: %s; expected UTF-8 text", reader->name,
                           parser->problem_offset, problem);
    }
    return error_input(reader->error, "%s:%u: %s", reader->name, line_of(parser->problem_mark),
                       problem);
}

static enum status read_node(struct reader *reader, yaml_event_t *event, unsigned depth,
                             struct yaml_node *node);

static enum status read_scalar(struct reader *reader, const yaml_event_t *event,
                               struct yaml_node *node) {
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(value, 0, length)) {
        return error_input(reader->error, "%s:%u: a NUL character stands in a value", reader->name,
                           node->line);
    }
    node->text = arena_string(reader->arena, value, length);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return STATUS_OK;
}

/* The key is the event; on success the event of its value has taken its place. */
static enum status read_key(struct reader *reader, yaml_event_t *event, const struct yaml_node *map,
                            struct yaml_node *child) {
    struct yaml_node key = {.line = line_of(event->start_mark)};
    if (event->type != YAML_SCALAR_EVENT) {
        return error_input(reader->error, "%s:%u: expected a key and a colon", reader->name,
                           key.line);
    }
    enum status status = read_scalar(reader, event, &key);
    if (status != STATUS_OK) return status;
    for (const struct yaml_node *other = map->children; other; other = other->next) {
        if (strcmp(other->key, key.text) != 0) continue;
        return error_input(reader->error, "%s:%u: %s is given twice; it stands in line %u already",
                           reader->name, key.line, key.text, other->line);
    }
    child->key = key.text;
    yaml_event_delete(event);
    return next_event(reader, event);
}

static enum status read_children(struct reader *reader, yaml_event_t *event, unsigned depth,
                                 struct yaml_node *node) {
    struct yaml_node **end = &node->children;
    bool map = node->kind == YAML_KIND_MAP;
    yaml_event_type_t last = map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    for (;;) {
        yaml_event_delete(event);
        enum status status = next_event(reader, event);
        if (status != STATUS_OK || event->type == last) return status;
        struct yaml_node *child = ARENA_NEW(reader->arena, struct yaml_node);
        unsigned line = line_of(event->start_mark);
        if (map) status = read_key(reader, event, node, child);
        if (status == STATUS_OK) status = read_node(reader, event, depth + 1, child);
        if (status != STATUS_OK) return status;
        if (map) child->line = line; /* an absent value has no line of its own */
        *end = child;
        end = &child->next;
    }
}

static enum status read_node(struct reader *reader, yaml_event_t *event, unsigned depth,
                             struct yaml_node *node) {
    node->line = line_of(event->start_mark);
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAML_KIND_LIST;
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        node->kind = YAML_KIND_MAP;
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        anchor = (const yaml_char_t *)"*";
        break;
    }
    if (anchor || tag) {
        return error_input(reader->error,
                           "%s:%u: anchors, aliases and tags are not used here; write the value",
                           reader->name, node->line);
    }
    if (node->kind == YAML_KIND_SCALAR) return read_scalar(reader, event, node);
    if (depth >= YAML_DEPTH) {
        return error_input(reader->error, "%s:%u: nested deeper than %d levels", reader->name,
                           node->line, YAML_DEPTH);
    }
    return read_children(reader, event, depth, node);
}

/* Stream start, at most one document, stream end. */
static enum status read_stream(struct reader *reader, yaml_event_t *event, struct yaml_node *root) {
    unsigned documents = 0;
    for (;;) {
        enum status status = next_event(reader, event);
        if (status != STATUS_OK || event->type == YAML_STREAM_END_EVENT) return status;
        if (event->type == YAML_DOCUMENT_START_EVENT && documents++ > 0) {
            return error_input(reader->error, "%s:%u: a second document begins; expected one",
                               reader->name, line_of(event->start_mark));
        }
        bool value = event->type == YAML_SCALAR_EVENT || event->type == YAML_MAPPING_START_EVENT ||
                     event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_ALIAS_EVENT;
        if (value) status = read_node(reader, event, 0, root);
        if (status != STATUS_OK) return status;
        yaml_event_delete(event);
    }
}

enum status yaml_read(struct arena *arena, const char *name, struct span text,
                      struct yaml_node **out, struct error *error) {
    struct reader reader = {.arena = arena, .name = name, .error = error};
    if (text.size_bytes > YAML_MAXIMUM_BYTES) {
        return error_input(error, "%s: is longer than %d bytes", name, YAML_MAXIMUM_BYTES);
    }
    if (!yaml_parser_initialize(&reader.parser)) {
        return error_environment(error, "%s: no memory to read it", name);
    }
    static const yaml_char_t nothing[1];
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, text.size_bytes ? text.data : nothing,
                                 text.size_bytes);
    struct yaml_node *root = ARENA_NEW(arena, struct yaml_node);
    root->kind = YAML_KIND_MAP;
    root->line = 1;
    yaml_event_t event = {0};
    /* A scalar's kind is the zero value, so a document that is one is told from an empty one. */
    struct yaml_node *document = ARENA_NEW(arena, struct yaml_node);
    enum status status = read_stream(&reader, &event, document);
    yaml_event_delete(&event);
    yaml_parser_delete(&reader.parser);
    *out = document->line ? document : root;
    return status;
}
