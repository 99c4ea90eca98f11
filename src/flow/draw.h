/* A state machine as a picture: layers from the start downwards, Parallel and Map as boxes around their own states. The
 * same machine gives the same picture, to the last number.
 *
 * The layout is the layered drawing of Sugiyama, Tagawa and Toda ("Methods for visual understanding of hierarchical
 * system structures", 1981): edges that close a cycle are turned round, states are put into ranks, long edges get a
 * bend in every rank, the order within ranks is changed until few edges cross (medians and exchanges, Gansner et al.,
 * "A technique for drawing directed graphs", 1993, section 3), and places are found by Brandes and Koepf ("Fast and
 * simple horizontal coordinate assignment", 2001). */
#ifndef TIDEMILL_FLOW_DRAW_H
#define TIDEMILL_FLOW_DRAW_H

#include "base/api_error.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "flow/definition.h"

/* The picture as JSON (a new reference), in whole pixels:
 *   width, height
 *   nodes: parents before what is inside them; id ("s4" by the state's number, "s4b0" a branch of it, "start", "end"),
 *          name, type (of the state; "Branch", "Start", "End"), detail (what a Task calls, how long a Wait waits),
 * caption (type and detail, cut to fit), lines (the name in at most two lines that fit), x, y (upper left corner), w,
 * h, parent (an id; null at the top) edges: from, to (ids), kind ("start", "next", "choice", "default", "catch"), label
 * (short; "" for none) with its middle label_x, label_y and width label_w, title (the label in full), points ([x, y]
 * from the first node's rim to the second's; between two points whose x differ runs a curve that is upright at both)
 * NULL with ERROR_LIMIT for a machine of more than LIMIT_FLOW_DRAW_STATES states or LIMIT_FLOW_DRAW_BENDS bends. */
json_t *flow_draw_layout(const struct machine *machine, struct error *err);

/* DrawDefinition, which the console asks for beside the service's operations: {"definition": TEXT} to the picture
 * (*answer, a new reference). ValidationException without a text, InvalidDefinition with the checker's words, or when
 * it cannot be drawn. */
bool flow_draw_operation(const json_t *request, json_t **answer, struct api_error *error);

/* The same picture as an SVG document of its own (light and dark by the viewer's preference), appended to `out`. */
bool flow_draw_svg(const struct machine *machine, struct text *out, struct error *err);

/* An indented tree for a terminal, in ASCII but for the names, appended to `out`:
 *     FetchURLs (Task: fetch_urls)
 *       -> ProcessURLs
 *       !! States.ALL -> HandleError
 * States come in the order in which they are reached; those that never are stand at the end. ERROR_LIMIT as above, or
 * when `out` is full. */
bool flow_draw_text(const struct machine *machine, struct text *out, struct error *err);

#endif
