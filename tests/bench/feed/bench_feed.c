/* Parses a feed of 10,000 items as a large show has it, and prints time and memory. The feed is made here, the same
 * each time.
 *
 *     bench_feed           parses it in pieces of 16 KiB, as it comes from the network; prints one line of JSON
 *     bench_feed --write   writes it to standard output, for peers */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/text.h"
#include "web/date.h"
#include "web/feed.h"

enum { ITEMS = 10000, PIECE = 16 * 1024 };

/* A reader that hands out the feed without ever holding it whole, so that the memory measured is the parser's. */
struct source {
    struct text text;
    int next;
};

static void make_item(struct text *out, int i) {
    static const char notes[] = "&lt;p&gt;In this episode Ann and Ben talk about rivers, mills and the people who "
                                "built them &amp;amp; what became of it all. "
                                "&lt;a href=&quot;https://example.org/notes&quot;&gt;Notes&lt;/a&gt;&lt;/p&gt;";
    char date[DATE_RFC822_SIZE];
    date_rfc822(INT64_C(1136214245000) + i * INT64_C(21600000), date);
    text_append_format(out,
                       "<item><title>Episode %d: The mill &amp; the tide, part %d</title><guid "
                       "isPermaLink=\"false\">urn:show:%d</guid><pubDate>%s</pubDate>",
                       i, i % 7, i, date);
    text_append_format(out, "<link>https://example.org/%d</link><description>", i);
    for (int k = 0; k < 3; k++)
        text_append(out, notes);
    text_append(out, "</description><content:encoded><![CDATA[");
    for (int k = 0; k < 4; k++)
        text_append(out, "<p>In this episode <b>Ann</b> and <i>Ben</i> talk about rivers, mills &amp; the people who "
                         "built them.</p>\n");
    text_append_format(out,
                       "]]></content:encoded><itunes:duration>%d:%02d:%02d</itunes:duration><itunes:season>%d</"
                       "itunes:season><itunes:episode>%d</itunes:episode>",
                       i % 3, i % 60, i % 59, i / 100 + 1, i % 100 + 1);
    text_append_format(
        out, "<itunes:image href=\"https://example.org/art/%d.jpg\"/><itunes:explicit>false</itunes:explicit>", i);
    text_append_format(out,
                       "<enclosure url=\"https://dts.podtrac.com/redirect.mp3/cdn.example.org/%d.mp3?updated=%d\" "
                       "type=\"audio/mpeg\" length=\"%d\"/>",
                       i, i * 17, 40000000 + i);
    text_append_format(
        out, "<podcast:transcript url=\"https://example.org/%d.srt\" type=\"application/x-subrip\"/></item>\n", i);
}

static bool make_piece(struct source *source) {
    text_reset(&source->text);
    if (source->next > ITEMS)
        return false;
    if (source->next == 0)
        text_append(&source->text,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" "
                    "xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" "
                    "xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" "
                    "xmlns:podcast=\"https://podcastindex.org/namespace/1.0\"><channel><title>The Mill</title>");
    while (source->next < ITEMS && source->text.length < PIECE)
        make_item(&source->text, source->next++);
    if (source->next == ITEMS) {
        text_append(&source->text, "</channel></rss>\n");
        source->next++;
    }
    return true;
}

static long peak_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static double seconds(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    struct source source = {0};
    text_open(&source.text, 4u << 20);
    if (argc > 1 && strcmp(argv[1], "--write") == 0) {
        while (make_piece(&source))
            fwrite(source.text.data, 1, source.text.length, stdout);
        text_close(&source.text);
        return 0;
    }
    long before = peak_kib();
    struct arena *arena = arena_open();
    struct feed_parser *parser = feed_parser_open(arena, NULL);
    size_t bytes = 0;
    double wall = 0;
    double cpu = 0;
    while (make_piece(&source)) {
        double wall_start = seconds(CLOCK_MONOTONIC);
        double cpu_start = seconds(CLOCK_THREAD_CPUTIME_ID);
        feed_parser_add(parser, source.text.data, source.text.length, NULL);
        wall += seconds(CLOCK_MONOTONIC) - wall_start;
        cpu += seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_start;
        bytes += source.text.length;
    }
    const struct feed *feed = feed_parser_end(parser, NULL);
    printf("{\"items\": %zu, \"bytes\": %zu, \"wall_ms\": %.1f, \"cpu_ms\": %.1f, \"kept_kib\": %zu, "
           "\"peak_growth_kib\": %ld}\n",
           feed ? feed->item_count : 0, bytes, wall * 1000, cpu * 1000, arena_size(arena) / 1024, peak_kib() - before);
    feed_parser_close(parser);
    arena_close(arena);
    text_close(&source.text);
    return feed && feed->item_count == ITEMS ? 0 : 1;
}
