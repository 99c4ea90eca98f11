/* A machine's boxes and links, level by level from the innermost. */
#include <math.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/draw_inside.h"

enum {
    NAME_SIZE = 14,   /* pixels, as the renderers set it */
    DETAIL_SIZE = 12, /* of the second line, and of labels */
    ICON_ROOM = 52,   /* rims, and a mark on the right */
    TEXT_LEAST = 76,
    TEXT_MOST = 190,
    LINE_HEIGHT = 18,
    COUNT_ROOM = 88, /* in the head of a Map, for how far it is */
    BOX_HEIGHT = 46,
    DOT = 18, /* start and end */
    LABEL_CHARACTERS = 28,
    LABEL_RIM = 12,
    MARGIN = 24,
    BRANCHES_APART = 16,
};

static const char *const kind_names[] = {
    [DRAW_START] = "start",     [DRAW_NEXT] = "next",   [DRAW_CHOICE] = "choice",
    [DRAW_DEFAULT] = "default", [DRAW_CATCH] = "catch",
};

const char *draw_kind_name(enum draw_kind kind) {
    return kind_names[kind];
}

struct builder {
    struct drawing *drawing;
    struct arena *arena;
    size_t *box_of; /* by state number */
};

static size_t add_box(struct drawing *drawing, struct draw_box box) {
    drawing->boxes =
        arena_grow(drawing->arena, drawing->boxes, drawing->box_count, &drawing->box_capacity, sizeof(box));
    drawing->boxes[drawing->box_count] = box;
    return drawing->box_count++;
}

static void add_link(struct drawing *drawing, struct draw_link link) {
    if (link.label[0])
        link.label_w = ceil(draw_text_width(link.label, DETAIL_SIZE)) + LABEL_RIM;
    drawing->links =
        arena_grow(drawing->arena, drawing->links, drawing->link_count, &drawing->link_capacity, sizeof(link));
    drawing->links[drawing->link_count++] = link;
}

/* ---- boxes ---- */

static void size_words(struct arena *arena, struct draw_box *box) {
    box->line_count = draw_wrap(arena, box->name, NAME_SIZE, TEXT_MOST, box->lines);
    const char *whole = box->detail[0] ? arena_format(arena, "%s \xC2\xB7 %s", box->type, box->detail) : box->type;
    box->caption = draw_fit(arena, whole, DETAIL_SIZE, TEXT_MOST + 8);
    double width = draw_text_width(box->caption, DETAIL_SIZE) - 8;
    for (size_t i = 0; i < box->line_count; i++)
        width = fmax(width, draw_text_width(box->lines[i], NAME_SIZE));
    box->w = 2 * ceil((fmin(fmax(width, TEXT_LEAST), TEXT_MOST) + ICON_ROOM) / 2);
    box->h = BOX_HEIGHT + (box->line_count > 1 ? LINE_HEIGHT : 0);
}

static bool build_level(struct builder *builder, const struct state_list *list, const json_t *source, size_t parent,
                        double left, double top, double *width, double *height, struct error *err);

/* The boxes inside a Parallel, side by side. */
static bool build_branches(struct builder *builder, const struct state *state, const json_t *source, size_t self,
                           double *inner_w, double *inner_h, struct error *err) {
    struct drawing *drawing = builder->drawing;
    double left = DRAW_PAD, top = drawing->boxes[self].h;
    for (size_t i = 0; i < state->branch_count; i++) {
        double w, h;
        size_t branch = add_box(drawing, (struct draw_box){
                                             .id = arena_format(builder->arena, "s%zub%zu", state->number, i),
                                             .name = arena_format(builder->arena, "Branch %zu", i + 1),
                                             .type = "Branch",
                                             .detail = "",
                                             .caption = "",
                                             .parent = self,
                                         });
        const json_t *inside = json_array_get(json_object_get(source, "Branches"), i);
        if (!build_level(builder, state->branches[i], inside, branch, DRAW_PAD, DRAW_PAD, &w, &h, err))
            return false;
        struct draw_box *box = &drawing->boxes[branch];
        box->x = left;
        box->y = top;
        box->w = w + 2 * DRAW_PAD;
        box->h = h + 2 * DRAW_PAD;
        left += box->w + BRANCHES_APART;
        *inner_h = fmax(*inner_h, box->h);
    }
    *inner_w = left - BRANCHES_APART - DRAW_PAD;
    return true;
}

/* Everything below a container is made before it has its size; then what is narrower than its head moves to the middle.
 */
static bool build_inside(struct builder *builder, const struct state *state, const json_t *source, size_t self,
                         struct error *err) {
    struct drawing *drawing = builder->drawing;
    size_t first = drawing->box_count, first_link = drawing->link_count;
    double w = 0, h = 0, head_w = drawing->boxes[self].w + COUNT_ROOM, head_h = drawing->boxes[self].h;
    if (state->type == STATE_PARALLEL) {
        if (!build_branches(builder, state, source, self, &w, &h, err))
            return false;
    } else {
        const json_t *inside = json_object_get(source, state->map.legacy ? "Iterator" : "ItemProcessor");
        if (!build_level(builder, state->map.processor, inside, self, DRAW_PAD, head_h, &w, &h, err))
            return false;
    }
    struct draw_box *box = &drawing->boxes[self];
    box->w = fmax(head_w, w + 2 * DRAW_PAD);
    box->h = head_h + h + DRAW_PAD;
    double shift = floor((box->w - w - 2 * DRAW_PAD) / 2);
    for (size_t i = first; i < drawing->box_count; i++) {
        if (drawing->boxes[i].parent == self)
            drawing->boxes[i].x += shift;
    }
    for (size_t i = first_link; i < drawing->link_count; i++) {
        struct draw_link *link = &drawing->links[i];
        for (size_t k = 0; link->parent == self && k < link->point_count; k++)
            link->points[k].x += shift;
        link->label_x += link->parent == self ? shift : 0;
    }
    return true;
}

static bool build_state(struct builder *builder, const struct state *state, const json_t *source, size_t parent,
                        struct error *err) {
    struct drawing *drawing = builder->drawing;
    struct draw_box box = {
        .id = arena_format(builder->arena, "s%zu", state->number),
        .name = state->name,
        .type = state_type_name(state->type),
        .detail = draw_detail(builder->arena, state),
        .state = state,
        .parent = parent,
    };
    if (drawing->box_count >= LIMIT_FLOW_DRAW_STATES)
        return error_set(err, ERROR_LIMIT, "the state machine has too many states to be drawn; at most %d",
                         LIMIT_FLOW_DRAW_STATES);
    size_words(builder->arena, &box);
    size_t self = add_box(drawing, box);
    builder->box_of[state->number] = self;
    bool container = (state->type == STATE_PARALLEL && state->branch_count > 0) ||
                     (state->type == STATE_MAP && state->map.processor != NULL);
    return !container || build_inside(builder, state, source, self, err);
}

/* ---- links ---- */

static void link_to(struct builder *builder, size_t from, size_t to, enum draw_kind kind, const char *title) {
    add_link(builder->drawing, (struct draw_link){
                                   .from = from,
                                   .to = to,
                                   .parent = builder->drawing->boxes[from].parent,
                                   .kind = kind,
                                   .label = draw_cut(builder->arena, title, LABEL_CHARACTERS),
                                   .title = title,
                               });
}

static void link_state(struct builder *builder, const struct state *state, const json_t *source, size_t end) {
    size_t self = builder->box_of[state->number];
    if (state->next)
        link_to(builder, self, builder->box_of[state->next->number], DRAW_NEXT, "");
    for (size_t i = 0; i < state->choice_count; i++) {
        const json_t *rule = json_array_get(json_object_get(source, "Choices"), i);
        link_to(builder, self, builder->box_of[state->choices[i].next->number], DRAW_CHOICE,
                draw_rule(builder->arena, rule));
    }
    if (state->otherwise)
        link_to(builder, self, builder->box_of[state->otherwise->number], DRAW_DEFAULT, "default");
    for (size_t i = 0; i < state->catcher_count; i++)
        link_to(builder, self, builder->box_of[state->catchers[i].next->number], DRAW_CATCH,
                draw_errors(builder->arena, state->catchers[i].errors, state->catchers[i].error_count));
    if (end != SIZE_MAX && (state->end || state->type == STATE_SUCCEED))
        link_to(builder, self, end, DRAW_NEXT, "");
}

/* ---- levels ---- */

/* Lays out boxes `numbers` with the links from `first_link` on, and writes where they stand, from the parent's corner.
 */
static bool lay_out(struct builder *builder, const size_t *numbers, size_t count, size_t first_link, double left,
                    double top, double *width, double *height, struct error *err) {
    struct drawing *drawing = builder->drawing;
    ARENA_OWNED struct arena *scratch = arena_open();
    struct level level = {
        .arena = scratch,
        .nodes = arena_alloc_array(scratch, count + 1, sizeof(struct level_node)),
        .node_count = count,
        .edges = arena_alloc_array(scratch, drawing->link_count - first_link + 1, sizeof(struct level_edge)),
        .edge_count = drawing->link_count - first_link,
        .bends_most = LIMIT_FLOW_DRAW_BENDS - drawing->bends,
    };
    size_t *node_of = arena_alloc_array(scratch, drawing->box_count + 1, sizeof(size_t));
    for (size_t i = 0; i < count; i++) {
        level.nodes[i] = (struct level_node){.w = drawing->boxes[numbers[i]].w, .h = drawing->boxes[numbers[i]].h};
        node_of[numbers[i]] = i;
    }
    for (size_t i = 0; i < level.edge_count; i++) {
        const struct draw_link *link = &drawing->links[first_link + i];
        struct level_node *node = &level.nodes[node_of[link->from]];
        level.edges[i] = (struct level_edge){.from = node_of[link->from],
                                             .to = node_of[link->to],
                                             .label_w = link->label_w,
                                             .main = link->kind == DRAW_NEXT || link->kind == DRAW_START ||
                                                     link->kind == DRAW_DEFAULT};
        if (link->from == link->to)
            node->loop_w = fmax(node->loop_w, link->label_w + 24);
    }
    if (!level_rank(&level, err))
        return false;
    level_order(&level);
    level_place(&level);
    level_route(&level);
    drawing->bends += level.vertex_count - level.node_count;
    for (size_t i = 0; i < count; i++) {
        drawing->boxes[numbers[i]].x = level.nodes[i].x + left;
        drawing->boxes[numbers[i]].y = level.nodes[i].y + top;
    }
    for (size_t i = 0; i < level.edge_count; i++) {
        struct draw_link *link = &drawing->links[first_link + i];
        const struct level_edge *edge = &level.edges[i];
        link->points = arena_alloc_array(builder->arena, edge->point_count + 1, sizeof(*link->points));
        link->point_count = edge->point_count;
        for (size_t k = 0; k < edge->point_count; k++)
            link->points[k] = (struct draw_point){edge->points[k].x + left, edge->points[k].y + top};
        link->label_x = edge->label_x + left;
        link->label_y = edge->label_y + top;
    }
    *width = level.width;
    *height = level.height;
    return true;
}

static size_t add_dot(struct drawing *drawing, const char *id, const char *name) {
    return add_box(
        drawing,
        (struct draw_box){
            .id = id, .name = name, .type = name, .detail = "", .caption = "", .parent = SIZE_MAX, .w = DOT, .h = DOT});
}

/* `source`: the object that holds StartAt and States. *width and *height: what was taken, from (left, top) on. */
static bool build_level(struct builder *builder, const struct state_list *list, const json_t *source, size_t parent,
                        double left, double top, double *width, double *height, struct error *err) {
    struct drawing *drawing = builder->drawing;
    const json_t *states = json_object_get(source, "States");
    size_t *numbers = arena_alloc_array(builder->arena, list->count + 3, sizeof(size_t));
    size_t count = 0, start = SIZE_MAX, end = SIZE_MAX;
    bool ends = false;
    if (parent == SIZE_MAX)
        numbers[count++] = start = add_dot(drawing, "start", "Start");
    else
        numbers[count++] = SIZE_MAX; /* the state that stands first; filled in below */
    for (size_t i = 0; i < list->count; i++) {
        const struct state *state = list->states[i];
        if (!build_state(builder, state, json_object_get(states, state->name), parent, err))
            return false;
        ends |= state->end || state->type == STATE_SUCCEED;
    }
    size_t first_link = drawing->link_count;
    if (start != SIZE_MAX)
        link_to(builder, start, builder->box_of[list->start->number], DRAW_START, "");
    else
        numbers[0] = builder->box_of[list->start->number];
    for (size_t i = 0; i < list->count; i++) {
        size_t box = builder->box_of[list->states[i]->number];
        if (box != numbers[0])
            numbers[count++] = box;
    }
    if (start != SIZE_MAX && ends)
        numbers[count++] = end = add_dot(drawing, "end", "End");
    for (size_t i = 0; i < list->count; i++)
        link_state(builder, list->states[i], json_object_get(states, list->states[i]->name), end);
    return lay_out(builder, numbers, count, first_link, left, top, width, height, err);
}

/* Parents stand before their children, so each is absolute when its children are reached. */
static void make_absolute(struct drawing *drawing) {
    for (size_t i = 0; i < drawing->box_count; i++) {
        struct draw_box *box = &drawing->boxes[i];
        if (box->parent != SIZE_MAX) {
            box->x += drawing->boxes[box->parent].x;
            box->y += drawing->boxes[box->parent].y;
        }
    }
    for (size_t i = 0; i < drawing->link_count; i++) {
        struct draw_link *link = &drawing->links[i];
        if (link->parent == SIZE_MAX)
            continue;
        const struct draw_box *parent = &drawing->boxes[link->parent];
        for (size_t k = 0; k < link->point_count; k++) {
            link->points[k].x += parent->x;
            link->points[k].y += parent->y;
        }
        link->label_x += parent->x;
        link->label_y += parent->y;
    }
}

bool draw_build(struct drawing *drawing, const struct machine *machine, struct error *err) {
    struct builder builder = {
        .drawing = drawing,
        .arena = drawing->arena,
        .box_of = arena_alloc_array(drawing->arena, machine->state_count + 1, sizeof(size_t)),
    };
    double width = 0, height = 0;
    if (!build_level(&builder, machine->list, machine->source, SIZE_MAX, MARGIN, MARGIN, &width, &height, err))
        return false;
    drawing->width = width + 2 * MARGIN;
    drawing->height = height + 2 * MARGIN;
    make_absolute(drawing);
    return true;
}
