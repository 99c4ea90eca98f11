/* What the files of the drawing share. Private to draw*.c.
 *
 * A drawing is boxes and links. Each list of states (the machine's, a branch, a Map's processor) is laid out alone, as
 * a level, once the boxes inside its containers have their size. */
#ifndef TIDEMILL_FLOW_DRAW_INSIDE_H
#define TIDEMILL_FLOW_DRAW_INSIDE_H

#include "base/arena.h"
#include "flow/draw.h"

/* ---- the drawing (draw_build.c) ---- */

enum { DRAW_HEADER = 44, DRAW_PAD = 14, DRAW_LINES_MOST = 2 };

struct draw_box {
    const char *id, *name, *type, *detail;
    const char *caption; /* type and detail, as far as they fit */
    const char *lines[DRAW_LINES_MOST];
    size_t line_count;
    const struct state *state; /* NULL: a branch, the start, the end */
    size_t parent;             /* index; SIZE_MAX: none */
    double x, y, w, h;         /* of the upper left corner; from the parent's while it is being built */
};

enum draw_kind { DRAW_START, DRAW_NEXT, DRAW_CHOICE, DRAW_DEFAULT, DRAW_CATCH };

struct draw_point {
    double x, y;
};

struct draw_link {
    size_t from, to; /* boxes */
    size_t parent;   /* the box that both stand in */
    enum draw_kind kind;
    const char *label, *title; /* "" for none */
    double label_w, label_x, label_y;
    struct draw_point *points;
    size_t point_count;
};

struct drawing {
    struct arena *arena;
    struct draw_box *boxes;
    size_t box_count, box_capacity;
    struct draw_link *links;
    size_t link_count, link_capacity;
    size_t bends; /* so far, of all levels */
    double width, height;
};

/* Builds and lays out. False with ERROR_LIMIT. */
bool draw_build(struct drawing *drawing, const struct machine *machine, struct error *err);
const char *draw_kind_name(enum draw_kind kind);

/* ---- words (draw_words.c) ---- */

/* About how wide a text is in the picture's font, from above rather than from below. */
double draw_text_width(const char *text, double size);
/* Breaks a name into at most two lines of `width`; what does not fit ends in an ellipsis. */
size_t draw_wrap(struct arena *arena, const char *name, double size, double width, const char *lines[DRAW_LINES_MOST]);
/* The text, cut to `width` with an ellipsis. */
const char *draw_fit(struct arena *arena, const char *text, double size, double width);
/* The text, cut to `characters` with an ellipsis. */
const char *draw_cut(struct arena *arena, const char *text, size_t characters);
/* A rule of a Choice in a line: "$.size > 10 and $.kind = \"a\"". */
const char *draw_rule(struct arena *arena, const json_t *rule);
/* The errors of a Catch or Retry: "States.Timeout, Mine". */
const char *draw_errors(struct arena *arena, const char *const *errors, size_t count);
/* What stands below a state's name. */
const char *draw_detail(struct arena *arena, const struct state *state);

/* ---- a level (draw_rank.c, draw_order.c, draw_place.c, draw_route.c) ---- */

enum { LEVEL_GAP = 30, LEVEL_GAP_SMALL = 15, LEVEL_LABEL_H = 20, LEVEL_APART = 32, LEVEL_APART_BEND = 18 };

struct level_node {
    double w, h;
    double loop_w; /* room on each side for edges to itself, with their labels */
    double x, y;   /* the answer: upper left corner */
};

struct level_edge {
    size_t from, to;
    double label_w; /* 0: no label */
    double label_x, label_y;
    struct draw_point *points;
    size_t point_count;
    bool main;               /* how things usually go on: kept straight where that can be */
    bool turned;             /* closes a cycle: laid out from `to` to `from` */
    size_t chain, chain_end; /* its bends: vertices chain to chain_end - 1, from above */
    double upper_port, lower_port;
};

/* A node or a bend. */
struct vertex {
    double w, h, x;
    size_t rank, place;
    bool bend;
    size_t *up, *down; /* neighbours in the ranks above and below */
    size_t up_count, down_count;
    size_t main_up, main_down; /* the neighbours by a main edge; SIZE_MAX: none */
};

struct rank {
    size_t *vertices;
    size_t count;
    double top, height;
};

struct level {
    struct arena *arena;
    struct level_node *nodes;
    size_t node_count;
    struct level_edge *edges;
    size_t edge_count;
    size_t start; /* the node that stands first */
    size_t bends_most;

    struct vertex *vertices; /* the nodes, then the bends */
    size_t vertex_count;
    struct rank *ranks;
    size_t rank_count;
    double width, height; /* the answer */
};

/* Ranks, bends, neighbours. ERROR_LIMIT when there were more than bends_most bends. */
bool level_rank(struct level *level, struct error *err);
void level_order(struct level *level);
void level_place(struct level *level);
void level_route(struct level *level);
/* Edges that cross between two neighbouring ranks, all of them added up. */
size_t level_crossings(const struct level *level);

/* The node of an edge that stands above, as it is laid out. */
static inline size_t edge_upper(const struct level_edge *edge) {
    return edge->turned ? edge->to : edge->from;
}
static inline size_t edge_lower(const struct level_edge *edge) {
    return edge->turned ? edge->from : edge->to;
}

#endif
