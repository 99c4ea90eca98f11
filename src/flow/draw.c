#include "flow/draw.h"

#include <math.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/draw_inside.h"

/* ---- as JSON ---- */

static json_t *pixels(double value) {
    return json_integer((json_int_t)lround(value));
}

static json_t *box_json(const struct drawing *drawing, const struct draw_box *box) {
    json_t *lines = json_array();
    for (size_t i = 0; i < box->line_count; i++)
        json_array_append_new(lines, json_string(box->lines[i]));
    json_t *node = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", box->id, "name", box->name,
                             "type", box->type, "detail", box->detail, "caption", box->caption, "lines", lines, "x",
                             pixels(box->x), "y", pixels(box->y), "w", pixels(box->w), "h", pixels(box->h));
    json_object_set_new(node, "parent",
                        box->parent == SIZE_MAX ? json_null() : json_string(drawing->boxes[box->parent].id));
    return node;
}

static json_t *link_json(const struct drawing *drawing, const struct draw_link *link) {
    json_t *points = json_array();
    for (size_t i = 0; i < link->point_count; i++)
        json_array_append_new(points, json_pack("[o, o]", pixels(link->points[i].x), pixels(link->points[i].y)));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "from", drawing->boxes[link->from].id, "to",
                     drawing->boxes[link->to].id, "kind", draw_kind_name(link->kind), "label", link->label, "title",
                     link->title, "label_x", pixels(link->label_x), "label_y", pixels(link->label_y), "label_w",
                     pixels(link->label_w), "points", points);
}

json_t *flow_draw_layout(const struct machine *machine, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct drawing drawing = {.arena = arena};
    if (!draw_build(&drawing, machine, err))
        return NULL;
    json_t *nodes = json_array(), *edges = json_array();
    for (size_t i = 0; i < drawing.box_count; i++)
        json_array_append_new(nodes, box_json(&drawing, &drawing.boxes[i]));
    for (size_t i = 0; i < drawing.link_count; i++)
        json_array_append_new(edges, link_json(&drawing, &drawing.links[i]));
    return json_pack("{s:o, s:o, s:o, s:o}", "width", pixels(drawing.width), "height", pixels(drawing.height), "nodes",
                     nodes, "edges", edges);
}

bool flow_draw_operation(const json_t *request, json_t **answer, struct api_error *error) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    const json_t *text = json_object_get(request, "definition");
    if (!json_is_string(text))
        return api_error_set(error, "ValidationException", 400, "The field 'definition' is required but was missing");
    const struct definition_settings settings = {0};
    struct diagnostics *faults = diagnostics_open();
    struct machine *machine = machine_compile(json_string_value(text), json_string_length(text), &settings, faults);
    json_t *layout = machine ? flow_draw_layout(machine, &err) : NULL;
    if (layout)
        *answer = layout;
    else if (machine)
        api_error_set(error, "InvalidDefinition", 400, "%s", err.message);
    else
        api_error_set(error, "InvalidDefinition", 400, "Invalid State Machine Definition: '%s'",
                      diagnostics_line(faults, arena));
    machine_close(machine);
    diagnostics_close(faults);
    return layout != NULL;
}

/* ---- as SVG ---- */

static const char style[] =
    "<style>"
    "svg{--ground:#fcfdfd;--raised:#fff;--line:#67777b;--ink:#11181b;--quiet:#46525a;--accent:#175c68;--bad:#a3341f;"
    "background:var(--ground);font-family:system-ui,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{--ground:#14191c;--raised:#1b2226;--line:#8796a0;--ink:#eef1f0;"
    "--quiet:#a9b4b8;--accent:#7fc4cf;--bad:#f0947f}}"
    ".box{fill:var(--raised);stroke:var(--line);stroke-width:1.25}.Fail{stroke:var(--bad)}.Succeed{stroke:var(--accent)"
    "}"
    ".Parallel,.Map{fill:none}.Branch{fill:none;stroke-dasharray:2 4}.dot{fill:var(--accent)}"
    ".name{font-size:14px;font-weight:600;fill:var(--ink)}.small{font-size:12px;fill:var(--quiet)}"
    ".edge{fill:none;stroke:var(--line);stroke-width:1.5}.catch{stroke:var(--bad);stroke-dasharray:5 4}"
    ".ground{fill:var(--ground)}.head{fill:var(--line)}.head.catch{fill:var(--bad);stroke:none}.middle{text-anchor:"
    "middle}"
    "</style>\n";

/* The curve that the header of this drawing describes. */
static void svg_path(struct text *out, const struct draw_link *link) {
    for (size_t i = 0; i < link->point_count; i++) {
        const struct draw_point *p = &link->points[i], *before = i ? &link->points[i - 1] : p;
        long x = lround(p->x), y = lround(p->y), x0 = lround(before->x), y0 = lround(before->y);
        if (i == 0)
            text_append_format(out, "M%ld %ld", x, y);
        else if (x == x0 || y == y0)
            text_append_format(out, "L%ld %ld", x, y);
        else
            text_append_format(out, "C%ld %ld %ld %ld %ld %ld", x0, (y0 + y) / 2, x, (y0 + y) / 2, x, y);
    }
}

static void svg_link(struct text *out, const struct draw_link *link) {
    const char *kind = draw_kind_name(link->kind);
    const struct draw_point *tip = &link->points[link->point_count - 1];
    bool up = link->point_count > 1 && tip->y < link->points[link->point_count - 2].y;
    text_append_format(out, "<path class=\"edge %s\" d=\"", kind);
    svg_path(out, link);
    text_append_format(out, "\"/><path class=\"head %s\" d=\"M%ld %ldl-4.5 %dh9z\"/>", kind, lround(tip->x),
                       lround(tip->y), up ? 8 : -8);
    if (link->label[0]) {
        text_append_format(out, "<g><title>%s: ", kind);
        text_append_xml(out, link->title);
        text_append_format(out,
                           "</title><rect class=\"ground\" x=\"%ld\" y=\"%ld\" width=\"%ld\" height=\"18\"/><text "
                           "class=\"small middle\" x=\"%ld\" y=\"%ld\">",
                           lround(link->label_x - link->label_w / 2), lround(link->label_y - 9), lround(link->label_w),
                           lround(link->label_x), lround(link->label_y + 4));
        text_append_xml(out, link->label);
        text_append(out, "</text></g>");
    }
    text_append(out, "\n");
}

static void svg_box(struct text *out, const struct draw_box *box) {
    long x = lround(box->x), y = lround(box->y), w = lround(box->w), h = lround(box->h);
    if (!box->state && box->parent == SIZE_MAX) {
        text_append_format(out, "<circle class=\"dot\" cx=\"%ld\" cy=\"%ld\" r=\"%ld\"><title>%s</title></circle>\n",
                           x + w / 2, y + h / 2, w / 2, box->name);
        return;
    }
    text_append_format(out, "<g><title>");
    text_append_xml(out, box->name);
    text_append_format(out,
                       "</title><rect class=\"box %s\" x=\"%ld\" y=\"%ld\" width=\"%ld\" height=\"%ld\" rx=\"8\"/>",
                       box->type, x, y, w, h);
    for (size_t i = 0; i < box->line_count; i++) {
        text_append_format(out, "<text class=\"name\" x=\"%ld\" y=\"%ld\">", x + 14, y + 20 + 18 * (long)i);
        text_append_xml(out, box->lines[i]);
        text_append(out, "</text>");
    }
    if (box->line_count > 0) {
        text_append_format(out, "<text class=\"small\" x=\"%ld\" y=\"%ld\">", x + 14,
                           y + 20 + 18 * (long)box->line_count);
        text_append_xml(out, box->caption);
        text_append(out, "</text>");
    }
    text_append(out, "</g>\n");
}

bool flow_draw_svg(const struct machine *machine, struct text *out, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct drawing drawing = {.arena = arena};
    if (!draw_build(&drawing, machine, err))
        return false;
    long width = lround(drawing.width), height = lround(drawing.height);
    text_append_format(
        out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%ld\" height=\"%ld\" viewBox=\"0 0 %ld %ld\">\n", width,
        height, width, height);
    text_append(out, style);
    for (size_t i = 0; i < drawing.box_count; i++)
        svg_box(out, &drawing.boxes[i]);
    for (size_t i = 0; i < drawing.link_count; i++)
        svg_link(out, &drawing.links[i]);
    text_append(out, "</svg>\n");
    return !out->overflow || error_set(err, ERROR_LIMIT, "the picture is larger than %zu bytes", out->ceiling);
}
