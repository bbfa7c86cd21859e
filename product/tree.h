/* A YAML text as a tree of nodes that know their line.
 *
 * The subset is what a description needs: mappings, lists and scalars. Anchors, aliases,
 * tags, a second document, a key given twice, nesting deeper than YAML_DEPTH and texts
 * longer than YAML_MAXIMUM_BYTES are refused, so the tree is finite and as large as its
 * text at most. libyaml does the reading and refuses bytes that are not UTF-8. */
#ifndef PRODUCT_TREE_H
#define PRODUCT_TREE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

enum { YAML_DEPTH = 8, YAML_MAXIMUM_BYTES = 256 * 1024 };

enum yaml_kind { YAML_KIND_SCALAR, YAML_KIND_LIST, YAML_KIND_MAP };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line;              /* from 1 */
    const char *key;            /* in a mapping; NULL in a list */
    const char *text;           /* scalar; NUL-terminated and without NUL inside */
    bool quoted;                /* scalar in quotes or a block: never a "null" */
    struct yaml_node *children; /* list and mapping, in the order of the text */
    struct yaml_node *next;
};

/* `name` stands before the line in messages. An empty text gives an empty mapping. */
enum status yaml_read(struct arena *arena, const char *name, struct span text,
                      struct yaml_node **out, struct error *error);

#endif
