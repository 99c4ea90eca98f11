#include "support/unit.h"

#include <string.h>

#include "aws/query_client.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

static void a_page_of_a_listing_is_read(void **state) {
    (void)state;
    static const char page[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\" a='1'>\n"
        "  <Name>b</Name><!-- a comment --><KeyCount>2</KeyCount>\n"
        "  <Contents><Key>a &amp; b&#x20;&lt;c&gt;</Key><Size>1</Size><Owner><ID>o</ID>tail</Owner></Contents>\n"
        "  <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>\n"
        "  <s:Contents xmlns:s='x'><Key><![CDATA[<raw>]]>\xc3\xa9</Key><Size/></s:Contents>\n"
        "  <NextContinuationToken></NextContinuationToken>\n"
        "</ListBucketResult>";
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_xml *xml = aws_xml_parse(page, sizeof(page) - 1, &err);
    assert_non_null(xml);
    const struct aws_element *root = aws_xml_root(xml);
    assert_string_equal(aws_xml_name(root), "ListBucketResult");
    assert_string_equal(aws_xml_text(arena, root, "Name", "?"), "b");
    assert_string_equal(aws_xml_text(arena, root, "KeyCount", "?"), "2");
    assert_string_equal(aws_xml_text(arena, root, "NextContinuationToken", "?"), "");
    assert_string_equal(aws_xml_text(arena, root, "Absent", "?"), "?");
    assert_null(aws_xml_text(arena, root, "Name/Deeper", NULL));
    assert_string_equal(aws_xml_text(arena, root, "Contents/Owner/ID", "?"), "o");
    assert_string_equal(aws_xml_text(arena, root, "Contents/Owner", "?"), "");
    assert_string_equal(aws_xml_text(arena, root, "Contents/Own", "?"), "?");
    const struct aws_element *first = aws_xml_child(root, "Contents");
    const char *key = aws_xml_text(arena, first, "Key", "?");
    assert_string_equal(key, "a & b <c>");
    const struct aws_element *second = aws_xml_next(first);
    assert_string_equal(aws_xml_text(arena, second, "Key", "?"), "<raw>\xc3\xa9");
    assert_string_equal(aws_xml_text(arena, second, "Size", "?"), "");
    assert_null(aws_xml_next(second));
    assert_null(aws_xml_child(root, "contents"));
    assert_null(aws_xml_child(NULL, "Key"));
    assert_string_equal(aws_xml_text(arena, NULL, "Key", "none"), "none");
    aws_xml_close(xml);
    static const char latin[] = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xc3\xa9</a>";
    xml = aws_xml_parse(latin, sizeof(latin) - 1, &err);
    assert_string_equal(aws_xml_text(arena, aws_xml_root(xml), "", "?"), "\xc3\xa9");
    aws_xml_close(xml);
    assert_string_equal(key, "a & b <c>"); /* texts are the arena's */
    assert_null(aws_xml_root(NULL));
    aws_xml_close(NULL);
}

static void what_is_no_document_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "text",
        "{}",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a>&unknown;</a>",
        "<a>&#0;</a>",
        "<a>\xff</a>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
        "<a><b></a></b>",
        "<a/>trailing",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct error err = {0};
        assert_null(aws_xml_parse(wrong[i], strlen(wrong[i]), &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
    assert_null(aws_xml_parse("<a/>\0", 5, NULL));
    assert_null(aws_xml_parse("<\0a\0/\0>\0", 8, NULL)); /* UTF-16 */
}

static void nest(struct text *text, size_t depth) {
    text_reset(text);
    for (size_t i = 0; i < depth; i++)
        text_append(text, "<a>");
    for (size_t i = 0; i < depth; i++)
        text_append(text, "</a>");
}

static void line_up(struct text *text, size_t count) {
    text_reset(text);
    text_append(text, "<a>");
    for (size_t i = 1; i < count; i++)
        text_append(text, "<b/>");
    text_append(text, "</a>");
}

static void ceilings_hold(void **state) {
    (void)state;
    struct text text TEXT_SCOPED;
    struct error err = {0};
    text_open(&text, LIMIT_AWS_XML_BYTES + 1);
    nest(&text, LIMIT_AWS_XML_DEPTH);
    struct aws_xml *xml = aws_xml_parse(text.data, text.length, &err);
    assert_non_null(xml);
    aws_xml_close(xml);
    nest(&text, LIMIT_AWS_XML_DEPTH + 1);
    assert_null(aws_xml_parse(text.data, text.length, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    line_up(&text, LIMIT_AWS_XML_ELEMENTS);
    xml = aws_xml_parse(text.data, text.length, &err);
    assert_non_null(xml);
    aws_xml_close(xml);
    line_up(&text, LIMIT_AWS_XML_ELEMENTS + 1);
    assert_null(aws_xml_parse(text.data, text.length, &err));
    text_reset(&text);
    while (text.length < LIMIT_AWS_XML_BYTES + 1)
        text_append(&text, text.length + 1000 < LIMIT_AWS_XML_BYTES ? "<a></a>" : " ");
    assert_null(aws_xml_parse(text.data, text.length, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_a_listing_is_read),
        cmocka_unit_test(what_is_no_document_is_refused),
        cmocka_unit_test(ceilings_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
