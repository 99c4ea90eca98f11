/* A feed in two pieces, cut where the first byte says, under the charset that the second byte picks; what comes out
 * must be whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "web/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t ceiling) {
    if (text && (strlen(text) > ceiling || !utf8_valid(text, strlen(text))))
        abort();
}

static void check_feed(const struct feed *feed) {
    check_text(feed->title, LIMIT_FEED_TITLE_BYTES);
    check_text(feed->description, LIMIT_FEED_TEXT_BYTES);
    for (size_t i = 0; i < feed->warning_count; i++)
        check_text(feed->warnings[i], LIMIT_FEED_TAG_BYTES);
    for (size_t i = 0; i < feed->item_count; i++) {
        const struct feed_item *item = &feed->items[i];
        if (!item->title || !item->summary || !*item->title || (item->date_valid && !item->date_raw))
            abort();
        check_text(item->title, LIMIT_FEED_TITLE_BYTES);
        check_text(item->guid, LIMIT_FEED_TITLE_BYTES);
        check_text(item->summary, LIMIT_FEED_TEXT_BYTES);
        check_text(item->content, LIMIT_FEED_TEXT_BYTES);
        for (size_t k = 0; k < item->enclosure_count; k++)
            check_text(item->enclosures[k].url, 4 * LIMIT_URL_BYTES);
        for (size_t k = 0; k < item->person_count; k++)
            check_text(item->persons[k].name, LIMIT_FEED_TITLE_BYTES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const types[] = {NULL,
                                        "text/xml; charset=utf-8",
                                        "text/xml; charset=windows-1251",
                                        "text/xml; charset=iso-8859-1",
                                        "text/xml;charset=shift_jis",
                                        "a;charset=gb18030"};
    if (size < 2)
        return 0;
    size_t cut = (size - 2) * data[0] / 255;
    struct feed_settings settings = {
        .url = "https://example.org/a/feed.xml", .content_type = types[data[1] % 6], .keep_content = data[1] & 64};
    struct arena *arena = arena_open();
    struct feed_parser *parser = feed_parser_open(arena, &settings);
    struct error err;
    if (feed_parser_add(parser, data + 2, cut, &err) && feed_parser_add(parser, data + 2 + cut, size - 2 - cut, &err)) {
        const struct feed *feed = feed_parser_end(parser, &err);
        if (feed)
            check_feed(feed);
    }
    feed_parser_close(parser);
    arena_close(arena);
    return 0;
}
