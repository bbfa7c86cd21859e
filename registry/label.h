/* The printed label: QR code on the left, the key facts in words on the right, 90 mm wide.
 *
 * Few people scan a code, so what matters stands beside it: until when security is fixed,
 * what was tested with n of N, and where to report a hole. The classes of claims are told
 * apart by their mark's outline. A scheme's artwork is the maker's file, never drawn here.
 *
 *     label_lay_out(&arena, &record, artwork, &drawing, &error);
 *     drawing_svg(&drawing, &svg);
 *     drawing_png(&drawing, &png, &error); */
#ifndef REGISTRY_LABEL_H
#define REGISTRY_LABEL_H

#include "registry/drawing.h"
#include "registry/record.h"

/* Raised with every change of the shapes that a record leads to; signed with the release. */
enum { LABEL_TEMPLATE = 2, LABEL_MAXIMUM_BYTES = 8 << 20 };

enum status label_lay_out(struct arena *arena, const struct record *record,
                          const struct span artwork[RECORD_SCHEMES_MAXIMUM], struct drawing *out,
                          struct error *error);

#endif
