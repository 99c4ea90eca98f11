/* The drawing: nothing overlaps, edges end at their states and pass beside the others, the same machine gives the same
 * picture. */
#include <libxml/parser.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "flow/draw.h"

static struct machine *compile(const char *text) {
    struct definition_settings settings = {0};
    struct diagnostics *diagnostics = diagnostics_open();
    struct machine *machine = machine_compile(text, strlen(text), &settings, diagnostics);
    for (size_t i = 0; !machine && i < diagnostics->count; i++)
        fprintf(stderr, "%s at %s\n", diagnostics->items[i].message, diagnostics->items[i].location);
    diagnostics_close(diagnostics);
    return machine;
}

static json_t *layout_of(const char *text) {
    struct error err = {0};
    struct machine *machine = compile(text);
    assert_non_null(machine);
    json_t *layout = flow_draw_layout(machine, &err);
    if (!layout)
        fail_msg("%s", err.message);
    machine_close(machine);
    return layout;
}

/* ---- what must hold of any picture ---- */

struct area {
    double left, top, right, bottom;
};

static struct area area_of(const json_t *node) {
    double x = json_get_real(node, "x", NAN), y = json_get_real(node, "y", NAN);
    return (struct area){x, y, x + json_get_real(node, "w", NAN), y + json_get_real(node, "h", NAN)};
}

static bool overlap(struct area a, struct area b) {
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

static bool within(struct area inner, struct area outer) {
    return inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top &&
           inner.bottom <= outer.bottom;
}

static const json_t *node_of(const json_t *layout, const char *id) {
    size_t i;
    json_t *node;
    json_array_foreach (json_object_get(layout, "nodes"), i, node) {
        if (id && strcmp(json_get_text(node, "id", ""), id) == 0)
            return node;
    }
    return NULL;
}

static const char *parent_of(const json_t *node) {
    return json_get_text(node, "parent", "");
}

static void check_nodes(const json_t *layout) {
    const json_t *nodes = json_object_get(layout, "nodes");
    struct area whole = {0, 0, json_get_real(layout, "width", 0), json_get_real(layout, "height", 0)};
    size_t i, j;
    json_t *node, *other;
    json_array_foreach (nodes, i, node) {
        struct area area = area_of(node);
        const json_t *parent = node_of(layout, parent_of(node));
        assert_true(area.right > area.left && area.bottom > area.top);
        assert_true(within(area, whole));
        if (parent && !within(area, area_of(parent)))
            fail_msg("%s is not inside %s", json_get_text(node, "name", ""), json_get_text(parent, "name", ""));
        json_array_foreach (nodes, j, other) {
            if (j > i && strcmp(parent_of(node), parent_of(other)) == 0 && overlap(area, area_of(other)))
                fail_msg("%s and %s overlap", json_get_text(node, "name", ""), json_get_text(other, "name", ""));
        }
    }
}

static struct draw_end { double x, y; } point_at(const json_t *edge, size_t at) {
    const json_t *point = json_array_get(json_object_get(edge, "points"), at);
    return (struct draw_end){json_number_value(json_array_get(point, 0)), json_number_value(json_array_get(point, 1))};
}

static bool on_rim(struct draw_end point, struct area area) {
    bool beside = point.x >= area.left && point.x <= area.right;
    return beside && (point.y == area.top || point.y == area.bottom);
}

/* A curve between two points stays within their rectangle, so it is enough that no state reaches into that. */
static void check_way(const json_t *layout, const json_t *edge, const json_t *from, const json_t *to) {
    size_t i, count = json_array_size(json_object_get(edge, "points"));
    json_t *node;
    json_array_foreach (json_object_get(layout, "nodes"), i, node) {
        struct area area = area_of(node);
        if (from == to || strcmp(parent_of(node), parent_of(from)) != 0)
            continue;
        for (size_t at = 1; at < count; at++) {
            struct draw_end a = point_at(edge, at - 1), b = point_at(edge, at);
            struct area way = {fmin(a.x, b.x), fmin(a.y, b.y), fmax(a.x, b.x), fmax(a.y, b.y)};
            assert_true(a.x == b.x || a.y != b.y);
            if (way.left < area.right && way.right > area.left && way.top < area.bottom && way.bottom > area.top)
                fail_msg("the edge from %s to %s passes through %s", json_get_text(from, "name", ""),
                         json_get_text(to, "name", ""), json_get_text(node, "name", ""));
        }
    }
}

static struct area label_area(const json_t *edge) {
    double x = json_get_real(edge, "label_x", 0), y = json_get_real(edge, "label_y", 0);
    double w = json_get_real(edge, "label_w", 0);
    return (struct area){x - w / 2, y - 9, x + w / 2, y + 9};
}

static void check_label(const json_t *layout, const json_t *edge, size_t number) {
    const json_t *edges = json_object_get(layout, "edges"), *from = node_of(layout, json_get_text(edge, "from", ""));
    struct area area = label_area(edge);
    size_t i;
    json_t *other;
    json_array_foreach (json_object_get(layout, "nodes"), i, other) {
        if (strcmp(parent_of(other), parent_of(from)) == 0 && overlap(area, area_of(other)))
            fail_msg("the label %s lies over %s", json_get_text(edge, "label", ""), json_get_text(other, "name", ""));
    }
    json_array_foreach (edges, i, other) {
        const json_t *other_from = node_of(layout, json_get_text(other, "from", ""));
        if (i > number && json_get_text(other, "label", "")[0] && overlap(area, label_area(other)) &&
            strcmp(parent_of(other_from), parent_of(from)) == 0)
            fail_msg("the labels %s and %s overlap", json_get_text(edge, "label", ""),
                     json_get_text(other, "label", ""));
    }
}

static void check_picture(const json_t *layout) {
    size_t i;
    json_t *edge;
    check_nodes(layout);
    json_array_foreach (json_object_get(layout, "edges"), i, edge) {
        const json_t *from = node_of(layout, json_get_text(edge, "from", ""));
        const json_t *to = node_of(layout, json_get_text(edge, "to", ""));
        size_t count = json_array_size(json_object_get(edge, "points"));
        assert_non_null(from);
        assert_non_null(to);
        assert_string_equal(parent_of(from), parent_of(to));
        assert_true(count >= 2);
        assert_true(on_rim(point_at(edge, 0), area_of(from)));
        assert_true(on_rim(point_at(edge, count - 1), area_of(to)));
        check_way(layout, edge, from, to);
        if (json_get_text(edge, "label", "")[0])
            check_label(layout, edge, i);
    }
}

/* ---- machines ---- */

static const char night[] =
    "{\"StartAt\":\"Read\",\"States\":{"
    "\"Read\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:123456789012:function:read\",\"Next\":\"Any\","
    "\"Retry\":[{\"ErrorEquals\":[\"States.Timeout\"]}],"
    "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"Tell\"}]},"
    "\"Any\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.count\",\"NumericEquals\":0,\"Next\":\"Wait\"},"
    "{\"And\":[{\"Variable\":\"$.a\",\"IsPresent\":true},{\"Not\":{\"Variable\":\"$.b\",\"StringMatches\":\"x*\"}}],"
    "\"Next\":\"Tell\"}],\"Default\":\"Both\"},"
    "\"Wait\":{\"Type\":\"Wait\",\"Seconds\":30,\"Next\":\"Read\"},"
    "\"Both\":{\"Type\":\"Parallel\",\"Next\":\"Each\",\"Branches\":["
    "{\"StartAt\":\"L1\",\"States\":{\"L1\":{\"Type\":\"Pass\",\"Next\":\"L2\"},\"L2\":{\"Type\":\"Pass\",\"End\":true}"
    "}},"
    "{\"StartAt\":\"R1\",\"States\":{\"R1\":{\"Type\":\"Pass\",\"End\":true}}}]},"
    "\"Each\":{\"Type\":\"Map\",\"Next\":\"Done\",\"ItemProcessor\":{\"StartAt\":\"One\",\"States\":{"
    "\"One\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::sqs:sendMessage\",\"Parameters\":{\"QueueUrl\":\"u\","
    "\"MessageBody\":\"b\"},\"End\":true}}}},"
    "\"Tell\":{\"Type\":\"Pass\",\"Next\":\"Gone\"},"
    "\"Gone\":{\"Type\":\"Fail\",\"Error\":\"E\"},\"Done\":{\"Type\":\"Succeed\"}}}";

static void test_everything_has_its_place(void **state) {
    (void)state;
    JSON_OWNED json_t *layout = layout_of(night);
    check_picture(layout);
    /* 12 states, 2 branches, the start, the end */
    assert_int_equal(json_array_size(json_object_get(layout, "nodes")), 16);
    size_t kinds[5] = {0}, i;
    static const char *const names[] = {"start", "next", "choice", "default", "catch"};
    json_t *edge;
    json_array_foreach (json_object_get(layout, "edges"), i, edge) {
        for (size_t k = 0; k < 5; k++)
            kinds[k] += strcmp(json_get_text(edge, "kind", ""), names[k]) == 0;
    }
    assert_int_equal(kinds[0], 1);
    assert_int_equal(kinds[1], 7); /* Read, Wait, Both, L1, Each, Tell; Done to the end */
    assert_int_equal(kinds[2], 2);
    assert_int_equal(kinds[3], 1);
    assert_int_equal(kinds[4], 1);
}

static void test_flows_down(void **state) {
    (void)state;
    JSON_OWNED json_t *layout = layout_of(night);
    size_t i;
    json_t *edge;
    json_array_foreach (json_object_get(layout, "edges"), i, edge) {
        const json_t *from = node_of(layout, json_get_text(edge, "from", ""));
        const json_t *to = node_of(layout, json_get_text(edge, "to", ""));
        bool back = strcmp(json_get_text(from, "name", ""), "Wait") == 0;
        assert_int_equal(area_of(from).bottom <= area_of(to).top, !back);
    }
}

static void test_labels_say_the_rule(void **state) {
    (void)state;
    JSON_OWNED json_t *layout = layout_of(night);
    size_t i, found = 0;
    json_t *edge;
    json_array_foreach (json_object_get(layout, "edges"), i, edge) {
        const char *title = json_get_text(edge, "title", "");
        found += strcmp(title, "$.count = 0") == 0;
        found += strcmp(title, "$.a is there and not ($.b matches \"x*\")") == 0;
        found += strcmp(title, "States.ALL") == 0;
    }
    assert_int_equal(found, 3);
}

static void test_same_twice(void **state) {
    (void)state;
    JSON_OWNED json_t *first = layout_of(night);
    JSON_OWNED json_t *second = layout_of(night);
    TEXT_OWNED char *one = json_text(first, 0);
    TEXT_OWNED char *other = json_text(second, 0);
    assert_string_equal(one, other);
}

static void test_edges_to_itself(void **state) {
    (void)state;
    JSON_OWNED json_t *layout =
        layout_of("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.x\","
                  "\"NumericLessThan\":3,\"Next\":\"A\"},{\"Variable\":\"$.x\",\"NumericLessThan\":4,\"Next\":\"A\"}],"
                  "\"Default\":\"B\"},\"B\":{\"Type\":\"Pass\",\"End\":true}}}");
    check_picture(layout);
}

/* Machines of `count` states with edges chosen by a small generator: forwards, back, across, some in Parallel states.
 */
static char *machine_text(unsigned seed, size_t count) {
    struct text out;
    unsigned chance = seed;
    text_open(&out, 4 * MIB);
    text_append(&out, "{\"StartAt\":\"S0\",\"States\":{");
    for (size_t i = 0; i < count; i++) {
#define NEXT(n) (chance = chance * 1664525u + 1013904223u, (size_t)(chance >> 16) % (n))
        text_append_format(&out, "%s\"S%zu\":{", i ? "," : "", i);
        size_t kind = NEXT(4), ahead = i + 1 < count ? i + 1 : 0;
        if (kind == 0 && ahead) {
            text_append(&out, "\"Type\":\"Choice\",\"Choices\":[");
            for (size_t k = 0, rules = 1 + NEXT(3); k < rules; k++)
                text_append_format(&out, "%s{\"Variable\":\"$.v\",\"NumericEquals\":%zu,\"Next\":\"S%zu\"}",
                                   k ? "," : "", k, NEXT(count));
            text_append_format(&out, "],\"Default\":\"S%zu\"}", ahead);
            continue;
        }
        text_append(&out, kind == 1 ? "\"Type\":\"Parallel\",\"Branches\":[" : "\"Type\":\"Task\",");
        if (kind == 1)
            text_append_format(&out,
                               "{\"StartAt\":\"P%zu\",\"States\":{\"P%zu\":{\"Type\":\"Pass\",\"End\":true}}},"
                               "{\"StartAt\":\"Q%zu\",\"States\":{\"Q%zu\":{\"Type\":\"Pass\",\"End\":true}}}],",
                               i, i, i, i);
        else
            text_append(&out, "\"Resource\":\"arn:aws:lambda:us-east-1:123456789012:function:f\",");
        if (NEXT(2))
            text_append_format(&out, "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"S%zu\"}],",
                               count - 1 - NEXT(count / 4 + 1));
        if (ahead)
            text_append_format(&out, "\"Next\":\"S%zu\"}", ahead);
        else
            text_append(&out, "\"End\":true}");
#undef NEXT
    }
    text_append(&out, "}}");
    return text_take(&out);
}

static void test_many_shapes(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        TEXT_OWNED char *text = machine_text(seed, 3 + seed);
        JSON_OWNED json_t *layout = layout_of(text);
        check_picture(layout);
    }
}

static void test_two_hundred_states(void **state) {
    (void)state;
    TEXT_OWNED char *text = machine_text(77, 200);
    JSON_OWNED json_t *layout = layout_of(text);
    check_picture(layout);
}

static void test_too_many_states_are_refused(void **state) {
    (void)state;
    struct text out;
    struct error err = {0};
    text_open(&out, 4 * MIB);
    text_append(&out, "{\"StartAt\":\"S0\",\"States\":{");
    for (int i = 0; i < LIMIT_FLOW_DRAW_STATES; i++)
        text_append_format(&out, "\"S%d\":{\"Type\":\"Pass\",\"Next\":\"S%d\"},", i, i + 1);
    text_append_format(&out, "\"S%d\":{\"Type\":\"Pass\",\"End\":true}", LIMIT_FLOW_DRAW_STATES);
    text_append(&out, "}}");
    struct machine *machine = compile(text_value(&out));
    assert_non_null(machine);
    text_reset(&out);
    assert_null(flow_draw_layout(machine, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_false(flow_draw_svg(machine, &out, &err));
    assert_false(flow_draw_text(machine, &out, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    machine_close(machine);
    text_close(&out);
}

static void test_svg_is_well_formed(void **state) {
    (void)state;
    struct text out;
    struct error err = {0};
    text_open(&out, 1 * MIB);
    struct machine *machine =
        compile("{\"StartAt\":\"<a>&\\\"'\",\"States\":{\"<a>&\\\"'\":{\"Type\":\"Pass\",\"End\":true}}}");
    assert_non_null(machine);
    assert_true(flow_draw_svg(machine, &out, &err));
    xmlDocPtr document = xmlReadMemory(out.data, (int)out.length, "x.svg", NULL, XML_PARSE_NONET);
    assert_non_null(document);
    assert_string_equal((const char *)xmlDocGetRootElement(document)->name, "svg");
    assert_non_null(strstr(out.data, "&lt;a&gt;&amp;"));
    assert_null(strstr(out.data, "<a>"));
    xmlFreeDoc(document);
    xmlCleanupParser();
    machine_close(machine);
    text_close(&out);
}

static void test_text_is_a_tree(void **state) {
    (void)state;
    struct text out;
    struct error err = {0};
    text_open(&out, 1 * MIB);
    struct machine *machine = compile(night);
    assert_true(flow_draw_text(machine, &out, &err));
    assert_string_equal(out.data, "Read (Task: lambda read)\n"
                                  "  ** States.Timeout: again, at most 3 times\n"
                                  "  !! States.ALL -> Tell\n"
                                  "  -> Any\n"
                                  "Any (Choice)\n"
                                  "  ? $.count = 0 -> Wait\n"
                                  "  ? $.a is there and not ($.b matches \"x*\") -> Tell\n"
                                  "  ? otherwise -> Both\n"
                                  "Wait (Wait: 30 s)\n"
                                  "  -> Read\n"
                                  "Tell (Pass)\n"
                                  "  -> Gone\n"
                                  "Gone (Fail: E)\n"
                                  "Both (Parallel)\n"
                                  "  | branch 1\n"
                                  "    L1 (Pass)\n"
                                  "      -> L2\n"
                                  "    L2 (Pass)\n"
                                  "      -> end\n"
                                  "  | branch 2\n"
                                  "    R1 (Pass)\n"
                                  "      -> end\n"
                                  "  -> Each\n"
                                  "Each (Map)\n"
                                  "  | for each item\n"
                                  "    One (Task: sqs: sendMessage)\n"
                                  "      -> end\n"
                                  "  -> Done\n"
                                  "Done (Succeed)\n");
    machine_close(machine);
    text_close(&out);
}

/* The pictures that the browser tests show are the ones that are drawn today:
 * tidemill flow draw --json NAME.asl.json > NAME.layout.json */
static void test_pictures_of_the_browser_tests(void **state) {
    (void)state;
    static const char *const names[] = {"night-run", "many-items", "hostile"};
    ARENA_OWNED struct arena *arena = arena_open();
    const char *root = getenv("SOURCE_DIR") ? getenv("SOURCE_DIR") : "../..";
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        const char *path = arena_format(arena, "%s/tests/browser/support/flow/%s", root, names[i]);
        struct error err = {0};
        char *text;
        size_t length;
        if (!file_read(arena, arena_format(arena, "%s.asl.json", path), 1 * MIB, &text, &length, &err))
            fail_msg("%s", err.message);
        JSON_OWNED json_t *layout = layout_of(text);
        JSON_OWNED json_t *kept = json_read(arena_format(arena, "%s.layout.json", path), 1 * MIB, &err);
        check_picture(layout);
        if (!json_equal(layout, kept))
            fail_msg("%s.layout.json is not what is drawn today", names[i]);
    }
}

static void test_operation(void **state) {
    (void)state;
    struct api_error error = {0};
    json_t *answer = NULL;
    JSON_OWNED json_t *good = json_pack("{s:s}", "definition", night);
    JSON_OWNED json_t *bad = json_pack("{s:s}", "definition", "{\"StartAt\":\"A\"}");
    JSON_OWNED json_t *none = json_object();
    assert_true(flow_draw_operation(good, &answer, &error));
    check_picture(answer);
    json_decref(answer);
    answer = NULL;
    assert_false(flow_draw_operation(bad, &answer, &error));
    assert_string_equal(error.type, "InvalidDefinition");
    assert_non_null(strstr(api_error_message(&error), "States"));
    assert_false(flow_draw_operation(none, &answer, &error));
    assert_string_equal(error.type, "ValidationException");
    assert_int_equal(error.status, 400);
    assert_null(answer);
    api_error_close(&error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_has_its_place),
        cmocka_unit_test(test_flows_down),
        cmocka_unit_test(test_labels_say_the_rule),
        cmocka_unit_test(test_same_twice),
        cmocka_unit_test(test_edges_to_itself),
        cmocka_unit_test(test_many_shapes),
        cmocka_unit_test(test_two_hundred_states),
        cmocka_unit_test(test_too_many_states_are_refused),
        cmocka_unit_test(test_svg_is_well_formed),
        cmocka_unit_test(test_text_is_a_tree),
        cmocka_unit_test(test_operation),
        cmocka_unit_test(test_pictures_of_the_browser_tests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
