/* Feeds as they are found. Each case is one that was seen to break a reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "web/feed.h"

static struct arena *arena;

static int open_arena(void **state) {
    (void)state;
    arena = arena_open();
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

static const struct feed_settings at_example = {.url = "https://example.org/show/feed.xml"};

/* Parses it whole and once more byte by byte: both must be the same. */
static struct feed *parse_bytes(const void *bytes, size_t length, const struct feed_settings *settings) {
    struct error err = {0};
    struct feed *feed = feed_parse(arena, bytes, length, settings, &err);
    if (!feed)
        fail_msg("%s", err.message);
    struct feed_parser *slowly = feed_parser_open(arena, settings);
    for (size_t i = 0; i < length; i++)
        assert_true(feed_parser_add(slowly, (const char *)bytes + i, 1, &err));
    struct feed *again = feed_parser_end(slowly, &err);
    feed_parser_close(slowly);
    assert_non_null(again);
    assert_int_equal(again->item_count, feed->item_count);
    assert_true(text_equal(again->title, feed->title));
    for (size_t i = 0; i < feed->item_count; i++) {
        assert_string_equal(again->items[i].title, feed->items[i].title);
        assert_string_equal(again->items[i].summary, feed->items[i].summary);
    }
    return feed;
}

static struct feed *parse(const char *text) {
    return parse_bytes(text, strlen(text), &at_example);
}

#define NAMESPACES                                                                                                     \
    "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd' "                                                       \
    "xmlns:content='http://purl.org/rss/1.0/modules/content/' "                                                        \
    "xmlns:podcast='https://podcastindex.org/namespace/1.0' xmlns:atom='http://www.w3.org/2005/Atom' "                 \
    "xmlns:media='http://search.yahoo.com/mrss/' xmlns:dc='http://purl.org/dc/elements/1.1/'"

#define RSS(channel)                                                                                                   \
    "<?xml version='1.0' encoding='UTF-8'?><rss version='2.0' " NAMESPACES "><channel>" channel "</channel></rss>"
#define ITEM(inside) RSS("<item>" inside "</item>")

static const struct feed_item *one_item(const char *text) {
    struct feed *feed = parse(text);
    assert_int_equal(feed->item_count, 1);
    return feed->items;
}

static bool warned(const struct feed *feed, const char *part) {
    for (size_t i = 0; i < feed->warning_count; i++) {
        if (strstr(feed->warnings[i], part))
            return true;
    }
    return false;
}

static void a_whole_feed(void **state) {
    (void)state;
    struct feed *feed = parse(RSS(
        "<title>The  Show\n</title><link>https://example.org/</link><description><![CDATA[<p>About</p>]]></description>"
        "<language>en-gb</language><copyright>(c) Us</copyright><ttl>60</ttl><lastBuildDate>Mon, 02 Jan 2006 15:04:05 "
        "GMT</lastBuildDate>"
        "<image><url>https://example.org/small.png</url><title>Wrong "
        "title</title><link>https://wrong.example/</link></image>"
        "<itunes:image href='https://example.org/art.jpg'/><itunes:author>Ann &amp; Ben</itunes:author>"
        "<itunes:owner><itunes:name>Owner</itunes:name><itunes:email>o@example.org</itunes:email></itunes:owner>"
        "<itunes:category text='Society &amp; Culture'><itunes:category "
        "text='Documentary'/></itunes:category><itunes:category text='News'/>"
        "<itunes:explicit>clean</itunes:explicit><itunes:type>Serial</itunes:type><itunes:new-feed-url>https://"
        "new.example/f</itunes:new-feed-url>"
        "<itunes:complete>Yes</itunes:complete><podcast:guid>ead4c236-bf58-58c6-a2c6-a6b28d128cb6</"
        "podcast:guid><podcast:locked owner='x'>yes</podcast:locked>"
        "<podcast:funding url='https://pay.example/'>Help</podcast:funding><podcast:person role='Guest' "
        "href='https://p.example/'>Cy</podcast:person>"
        "<atom:link rel='self' href='https://example.org/self.xml'/><atom:link rel='next' href='?page=2'/><atom:link "
        "rel='hub' href='https://hub.example/'/>"
        "<item><title>One</title></item><item><title>Two</title></item>"));
    assert_int_equal(feed->kind, FEED_RSS);
    assert_string_equal(feed->encoding, "UTF-8");
    assert_string_equal(feed->title, "The Show");
    assert_string_equal(feed->link, "https://example.org/");
    assert_string_equal(feed->description, "<p>About</p>");
    assert_string_equal(feed->language, "en-gb");
    assert_string_equal(feed->copyright, "(c) Us");
    assert_int_equal(feed->ttl_minutes, 60);
    assert_int_equal(feed->built_ms, 1136214245000);
    assert_string_equal(feed->image, "https://example.org/art.jpg");
    assert_string_equal(feed->author, "Ann & Ben");
    assert_string_equal(feed->owner_name, "Owner");
    assert_string_equal(feed->owner_email, "o@example.org");
    assert_int_equal(feed->category_count, 3);
    assert_string_equal(feed->categories[0], "Society & Culture");
    assert_string_equal(feed->categories[1], "Society & Culture > Documentary");
    assert_string_equal(feed->categories[2], "News");
    assert_int_equal(feed->explicit_content, 0);
    assert_string_equal(feed->type, "serial");
    assert_string_equal(feed->new_feed_url, "https://new.example/f");
    assert_true(feed->ended);
    assert_string_equal(feed->podcast_guid, "ead4c236-bf58-58c6-a2c6-a6b28d128cb6");
    assert_int_equal(feed->locked, 1);
    assert_string_equal(feed->funding_url, "https://pay.example/");
    assert_int_equal(feed->person_count, 1);
    assert_string_equal(feed->persons[0].name, "Cy");
    assert_string_equal(feed->persons[0].role, "guest");
    assert_string_equal(feed->self_url, "https://example.org/self.xml");
    assert_string_equal(feed->next_url, "https://example.org/show/feed.xml?page=2");
    assert_string_equal(feed->hub_url, "https://hub.example/");
    assert_int_equal(feed->item_count, 2);
    assert_int_equal(feed->warning_count, 0);
    assert_false(feed->cut_off);
}

static void a_whole_item(void **state) {
    (void)state;
    const struct feed_item *item =
        one_item(ITEM("<title> Part 1:\tThe &quot;start&quot; </title><guid isPermaLink='false'> abc-1 "
                      "</guid><pubDate>Mon, 02 Jan 2006 15:04:05 BST</pubDate>"
                      "<link>https://example.org/1</link><description>Short</"
                      "description><content:encoded><![CDATA[<p>Long</p>]]></content:encoded>"
                      "<itunes:summary>  Summary  "
                      "</itunes:summary><itunes:subtitle>Sub</itunes:subtitle><itunes:duration>1:02:03</"
                      "itunes:duration><itunes:author>Ann</itunes:author>"
                      "<enclosure url='https://cdn.example/1.mp3?x=1&amp;y=2' type='audio/mpeg' "
                      "length='12345'/><itunes:season>2</itunes:season><itunes:episode>7</itunes:episode>"
                      "<itunes:episodeType>Bonus</itunes:episodeType><itunes:image "
                      "href='/art1.jpg'/><itunes:explicit>true</itunes:explicit><itunes:block>Yes</itunes:block>"
                      "<podcast:chapters url='https://example.org/1.json' type='application/json+chapters'/>"
                      "<podcast:transcript url='https://example.org/1.srt' type='application/x-subrip' language='en' "
                      "rel='captions'/><podcast:transcript url='1.vtt' type='text/vtt'/>"
                      "<podcast:person>Ann</podcast:person><podcast:person role='guest' group='Cast' "
                      "img='https://i.example/b.png'>Ben</podcast:person>"));
    assert_string_equal(item->title, "Part 1: The \"start\"");
    assert_false(item->title_missing);
    assert_string_equal(item->guid, "abc-1");
    assert_false(item->guid_is_permalink);
    assert_true(item->date_valid);
    assert_int_equal(item->date_ms, 1136210645000);
    assert_string_equal(item->date_raw, "Mon, 02 Jan 2006 15:04:05 BST");
    assert_string_equal(item->link, "https://example.org/1");
    assert_string_equal(item->author, "Ann");
    assert_string_equal(item->summary, "Summary");
    assert_null(item->description);
    assert_string_equal(item->subtitle, "Sub");
    assert_int_equal(item->duration_s, 3723);
    assert_int_equal(item->enclosure_count, 1);
    assert_string_equal(item->enclosures[0].url, "https://cdn.example/1.mp3?x=1&y=2");
    assert_string_equal(item->enclosures[0].type, "audio/mpeg");
    assert_int_equal(item->enclosures[0].length, 12345);
    assert_int_equal(item->season, 2);
    assert_int_equal(item->episode, 7);
    assert_string_equal(item->episode_type, "bonus");
    assert_string_equal(item->image, "https://example.org/art1.jpg");
    assert_int_equal(item->explicit_content, 1);
    assert_true(item->block);
    assert_string_equal(item->chapters_url, "https://example.org/1.json");
    assert_string_equal(item->chapters_type, "application/json+chapters");
    assert_int_equal(item->transcript_count, 2);
    assert_string_equal(item->transcripts[0].url, "https://example.org/1.srt");
    assert_string_equal(item->transcripts[0].type, "application/x-subrip");
    assert_string_equal(item->transcripts[0].language, "en");
    assert_string_equal(item->transcripts[0].rel, "captions");
    assert_string_equal(item->transcripts[1].url, "https://example.org/show/1.vtt");
    assert_int_equal(item->person_count, 2);
    assert_string_equal(item->persons[0].role, "host");
    assert_string_equal(item->persons[0].group, "cast");
    assert_string_equal(item->persons[1].name, "Ben");
    assert_string_equal(item->persons[1].image, "https://i.example/b.png");
}

static void how_many_items(void **state) {
    (void)state;
    assert_int_equal(parse(RSS("<title>None</title>"))->item_count, 0);
    assert_int_equal(parse(RSS("<item><title>One</title></item>"))->item_count, 1);
    assert_int_equal(parse("<rss/>")->item_count, 0);
    assert_int_equal(parse("<rss><channel/></rss>")->item_count, 0);
}

static void titles_that_look_like_something_else(void **state) {
    (void)state;
    struct feed *feed =
        parse(RSS("<item><title>1984</title></item><item><title>true</title></item><item><title>null</title></item>"
                  "<item><title>  </title></item><item><guid>x</guid></item><item><title>1e5</title></item>"));
    static const char *const wanted[] = {"1984", "true", "null", "Untitled Episode", "Untitled Episode", "1e5"};
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++)
        assert_string_equal(feed->items[i].title, wanted[i]);
    assert_false(feed->items[0].title_missing);
    assert_true(feed->items[3].title_missing);
    assert_true(feed->items[4].title_missing);
}

static void titles_with_everything_in_them(void **state) {
    (void)state;
    assert_string_equal(one_item(ITEM("<title>Tom &amp;amp; Jerry &amp;#8217;s</title>"))->title,
                        "Tom & Jerry \u2019s");
    assert_string_equal(one_item(ITEM("<title><![CDATA[Q&amp;A: a < b]]></title>"))->title, "Q&A: a < b");
    assert_string_equal(one_item(ITEM("<title>R&D and AT&T</title>"))->title, "R&D and AT&T");
    assert_string_equal(one_item(ITEM("<title>Caf&eacute;&nbsp;&hellip;</title>"))->title, "Caf\u00e9 \u2026");
    assert_string_equal(one_item(ITEM("<title>&#146;x&#x2019;&#0;&#xD800;&#x110000;</title>"))->title, "\u2019x\u2019");
    assert_string_equal(one_item(ITEM("<title>a\x01\x02"
                                      "b\x0b"
                                      "c&#7;</title>"))
                            ->title,
                        "abc");
    assert_string_equal(one_item(ITEM("<title>x &unknown; &; & y</title>"))->title, "x &unknown; &; & y");
    assert_string_equal(one_item(ITEM("<title>\u202Eevil\u202C \u2066iso\u2069</title>"))->title, "evil iso");
    assert_string_equal(one_item(ITEM("<title>\u05E9\u05DC\u05D5\u05DD \u200Fx</title>"))->title,
                        "\u05E9\u05DC\u05D5\u05DD \u200Fx");
    assert_string_equal(one_item(ITEM("<title>/../../etc/passwd</title>"))->title, "/../../etc/passwd");
    assert_string_equal(one_item(ITEM("<title>one <b>bold</b> word</title>"))->title, "one bold word");
    assert_string_equal(one_item(ITEM("<title>mail <me@x.org> 1 < 2 > 0</title>"))->title, "mail <me@x.org> 1 < 2 > 0");
    assert_string_equal(one_item(ITEM("<title>x]]>y</title>"))->title, "x]]>y");
    assert_string_equal(one_item(ITEM("<title><![CDATA[x]]]]><![CDATA[>y]]></title>"))->title, "x]]>y");
    assert_string_equal(one_item(ITEM("<title>\uFFFE\uFFFFq\uFEFF</title>"))->title, "q");
}

static void a_title_of_ten_thousand_characters(void **state) {
    (void)state;
    char *text = arena_alloc(arena, 60000);
    size_t length = (size_t)sprintf(text, "<rss><channel><item><title>");
    for (size_t i = 0; i < 6000; i++)
        length += (size_t)sprintf(text + length, "\u00e9");
    sprintf(text + length, "</title></item></channel></rss>");
    struct feed *feed = parse(text);
    assert_int_equal(strlen(feed->items[0].title), LIMIT_FEED_TITLE_BYTES);
    assert_true(utf8_valid(feed->items[0].title, LIMIT_FEED_TITLE_BYTES));
    assert_true(feed->items[0].title_cut);
    assert_true(warned(feed, "cut"));
}

static void the_order_of_summaries(void **state) {
    (void)state;
#define ITUNES "<itunes:summary>it</itunes:summary>"
#define PLAIN "<summary>plain</summary>"
#define DESCRIPTION "<description>desc</description>"
#define CONTENT "<content:encoded>content</content:encoded>"
    assert_string_equal(one_item(ITEM(CONTENT DESCRIPTION PLAIN ITUNES))->summary, "it");
    assert_string_equal(one_item(ITEM(CONTENT DESCRIPTION PLAIN))->summary, "plain");
    assert_string_equal(one_item(ITEM(CONTENT DESCRIPTION))->summary, "desc");
    assert_string_equal(one_item(ITEM(CONTENT))->summary, "content");
    assert_string_equal(one_item(ITEM("<title>x</title>"))->summary, "");
    assert_string_equal(one_item(ITEM(CONTENT "<itunes:summary>  </itunes:summary>" DESCRIPTION))->summary, "desc");
    assert_string_equal(one_item(ITEM("<description><p>One</p><p>Two<br>Three</p></description>"))->summary,
                        "One\nTwo\nThree");
    struct feed_settings keep = {.keep_content = true};
    const char *both = ITEM(CONTENT DESCRIPTION ITUNES);
    struct feed *feed = parse_bytes(both, strlen(both), &keep);
    assert_string_equal(feed->items[0].summary, "it");
    assert_string_equal(feed->items[0].description, "desc");
    assert_string_equal(feed->items[0].content, "content");
}

static void dates_of_all_kinds(void **state) {
    (void)state;
    assert_int_equal(one_item(ITEM("<pubDate>Mon, 02 Jan 2006 15:04:05 CEST</pubDate>"))->date_ms, 1136207045000);
    assert_int_equal(one_item(ITEM("<dc:date>2006-01-02T15:04:05Z</dc:date>"))->date_ms, 1136214245000);
    assert_int_equal(one_item(ITEM("<pubdate>1136214245</pubdate>"))->date_ms, 1136214245000);
    /* A readable date beats an unreadable one that ranks higher, and the other way round nothing changes. */
    assert_int_equal(one_item(ITEM("<pubDate>soon</pubDate><dc:date>2006-01-02T15:04:05Z</dc:date>"))->date_ms,
                     1136214245000);
    assert_int_equal(one_item(ITEM("<dc:date>2006-01-02T15:04:05Z</dc:date><pubDate>soon</pubDate>"))->date_ms,
                     1136214245000);
    assert_int_equal(
        one_item(ITEM("<dc:date>2001-01-02T15:04:05Z</dc:date><pubDate>2 Jan 2006 15:04:05 Z</pubDate>"))->date_ms,
        1136214245000);
    struct feed *feed = parse(ITEM("<title>T</title><pubDate>next Tuesday</pubDate>"));
    assert_false(feed->items[0].date_valid);
    assert_string_equal(feed->items[0].date_raw, "next Tuesday");
    assert_true(warned(feed, "next Tuesday"));
    assert_null(one_item(ITEM("<title>T</title>"))->date_raw);
}

static void durations_of_all_kinds(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int seconds;
    } cases[] = {{"3723", 3723},  {"3723.0", 3723}, {"62:03", 3723}, {"1:02:03", 3723},
                 {"1:2:3:4", -1}, {"an hour", -1},  {"", -1}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *text = arena_format(arena, ITEM("<itunes:duration>%s</itunes:duration>"), cases[i].text);
        struct feed *feed = parse(text);
        assert_int_equal(feed->items[0].duration_s, cases[i].seconds);
        assert_int_equal(warned(feed, "duration"), cases[i].seconds < 0 && *cases[i].text);
    }
    assert_int_equal(one_item(ITEM("<title>x</title>"))->duration_s, FEED_UNSET);
}

static void enclosures(void **state) {
    (void)state;
    const struct feed_item *item =
        one_item(ITEM("<enclosure url='https://e/v.mp4' type='video/mp4'/><enclosure url='https://e/x'/><enclosure "
                      "url='https://e/a.m4a' type='audio/x-m4a' length='-1'/>"
                      "<enclosure url='https://e/p.pdf' type='application/pdf'/>"));
    assert_int_equal(item->enclosure_count, 3);
    assert_string_equal(item->enclosures[0].url, "https://e/a.m4a");
    assert_int_equal(item->enclosures[0].length, FEED_UNSET);
    assert_string_equal(item->enclosures[1].url, "https://e/x");
    assert_null(item->enclosures[1].type);
    assert_string_equal(item->enclosures[2].url, "https://e/v.mp4");

    assert_int_equal(one_item(ITEM("<title>no audio</title>"))->enclosure_count, 0);
    assert_int_equal(one_item(ITEM("<enclosure type='audio/mpeg'/>"))->enclosure_count, 0);
    assert_int_equal(one_item(ITEM("<enclosure url=''/>"))->enclosure_count, 0);
    struct feed *pdf = parse(ITEM("<enclosure url='https://e/p.pdf' type='application/pdf'/>"));
    assert_int_equal(pdf->items[0].enclosure_count, 0);
    assert_true(warned(pdf, "application/pdf"));
    /* As written where it is absolute, blanks around cut. */
    assert_string_equal(one_item(ITEM("<enclosure url=' HTTPS://E.org/a b.mp3 '/>"))->enclosures[0].url,
                        "HTTPS://E.org/a b.mp3");
    assert_string_equal(one_item(ITEM("<enclosure url='//cdn.example/a.mp3'/>"))->enclosures[0].url,
                        "https://cdn.example/a.mp3");
    assert_string_equal(one_item(ITEM("<enclosure url='https://e/a.mp3' type='text/html'/>"))->enclosures[0].url,
                        "https://e/a.mp3");
    /* media: only where there is no enclosure. */
    assert_string_equal(one_item(ITEM("<media:content url='https://e/i.jpg' medium='image'/><media:content "
                                      "url='https://e/m.mp3' type='audio/mpeg' fileSize='9'/>"))
                            ->enclosures[0]
                            .url,
                        "https://e/m.mp3");
    assert_string_equal(
        one_item(ITEM("<media:group><media:content url='https://e/m.mp3' medium='audio'/></media:group>"))
            ->enclosures[0]
            .url,
        "https://e/m.mp3");
    assert_int_equal(
        one_item(ITEM("<media:content url='https://e/m.mp3'/><enclosure url='https://e/e.mp3'/>"))->enclosure_count, 1);
}

static void numbers_and_flags(void **state) {
    (void)state;
    struct feed *feed = parse(ITEM("<itunes:season>Two</itunes:season><itunes:episode> 12 "
                                   "</itunes:episode><itunes:explicit>maybe</itunes:explicit>"));
    assert_int_equal(feed->items[0].season, FEED_UNSET);
    assert_int_equal(feed->items[0].episode, 12);
    assert_int_equal(feed->items[0].explicit_content, FEED_UNSET);
    assert_true(warned(feed, "season"));
    const struct feed_item *item =
        one_item(ITEM("<podcast:season name='x'>3</podcast:season><podcast:episode "
                      "display='e'>4.0</podcast:episode><itunes:episode>5</itunes:episode>"));
    assert_int_equal(item->season, 3);
    assert_int_equal(item->episode, 5);
}

static void guids(void **state) {
    (void)state;
    const struct feed_item *item = one_item(ITEM("<guid>https://example.org/p/1</guid>"));
    assert_true(item->guid_is_permalink);
    assert_string_equal(item->link, "https://example.org/p/1");
    assert_null(one_item(ITEM("<guid isPermaLink='false'>https://example.org/p/1</guid>"))->link);
    assert_null(one_item(ITEM("<guid> </guid>"))->guid);
}

static void namespaces_by_uri(void **state) {
    (void)state;
    static const char *const uris[] = {
        "http://www.itunes.com/dtds/podcast-1.0.dtd", "http://www.itunes.com/DTDs/Podcast-1.0.dtd",
        "https://www.itunes.com/dtds/podcast-1.0.dtd", "http://itunes.com/dtds/podcast-1.0.dtd/"};
    for (size_t i = 0; i < ARRAY_LENGTH(uris); i++) {
        const char *text = arena_format(
            arena, "<rss xmlns:q='%s'><channel><item><q:duration>5:00</q:duration></item></channel></rss>", uris[i]);
        assert_int_equal(one_item(text)->duration_s, 300);
    }
    static const char *const podcast[] = {
        "https://podcastindex.org/namespace/1.0",
        "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md"};
    for (size_t i = 0; i < ARRAY_LENGTH(podcast); i++) {
        const char *text = arena_format(
            arena, "<rss xmlns:p='%s'><channel><item><p:transcript url='https://e/t.srt'/></item></channel></rss>",
            podcast[i]);
        assert_int_equal(one_item(text)->transcript_count, 1);
    }
    /* A prefix that means something else; one that nobody declared. */
    assert_int_equal(
        one_item(
            "<rss "
            "xmlns:itunes='urn:other'><channel><item><itunes:duration>5:00</itunes:duration></item></channel></rss>")
            ->duration_s,
        FEED_UNSET);
    assert_int_equal(
        one_item("<rss><channel><item><itunes:duration>5:00</itunes:duration></item></channel></rss>")->duration_s,
        300);
    /* An element of a namespace that has the name of RSS's own. */
    assert_string_equal(
        one_item("<rss xmlns:x='urn:x'><channel><item><x:title>No</x:title><title>Yes</title></item></channel></rss>")
            ->title,
        "Yes");
    assert_string_equal(
        one_item(
            "<rss xmlns='http://backend.userland.com/rss2'><channel><item><title>Yes</title></item></channel></rss>")
            ->title,
        "Yes");
    assert_string_equal(
        one_item("<rss xmlns='http://www.w3.org/2005/Atom'><channel><item><title>Yes</title></item></channel></rss>")
            ->title,
        "Yes");
    assert_string_equal(
        one_item(ITEM("<media:title>Media</media:title><itunes:title>It</itunes:title><title>Plain</title>"))->title,
        "Plain");
    assert_string_equal(one_item(ITEM("<itunes:title>It</itunes:title>"))->title, "It");
}

static void atom(void **state) {
    (void)state;
    struct feed *feed =
        parse("<feed xmlns='http://www.w3.org/2005/Atom' xmlns:fh='http://purl.org/syndication/history/1.0'><title "
              "type='html'>A &amp;amp; B</title><subtitle>Sub</subtitle>"
              "<link href='https://example.org/'/><link rel='self' href='self.atom'/><link rel='next' "
              "href='/p2'/><link rel='prev-archive' href='/old'/><fh:archive/><fh:complete/>"
              "<updated>2006-01-02T15:04:05Z</updated><author><name>Ann</name><email>a@e</email></author><logo>https://"
              "e/logo.png</logo><category term='News'/><rights>(c)</rights>"
              "<entry><title>E1</title><id>urn:1</id><link href='https://e/1'/><link rel='enclosure' "
              "href='https://e/1.mp3' type='audio/mpeg' length='5'/>"
              "<published>2006-01-02T15:04:05Z</published><updated>2007-01-02T15:04:05Z</updated><content "
              "type='html'>&lt;p&gt;C&lt;/p&gt;</content><author><name>Ben</name></author></entry>"
              "<entry><title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>X "
              "<b>Y</b></div></title><id>urn:2</id><updated>2007-01-02T15:04:05Z</updated><summary>S</summary></"
              "entry></feed>");
    assert_int_equal(feed->kind, FEED_ATOM);
    assert_string_equal(feed->title, "A & B");
    assert_string_equal(feed->description, "Sub");
    assert_string_equal(feed->link, "https://example.org/");
    assert_string_equal(feed->self_url, "https://example.org/show/self.atom");
    assert_string_equal(feed->next_url, "https://example.org/p2");
    assert_string_equal(feed->previous_archive_url, "https://example.org/old");
    assert_true(feed->archive && feed->complete);
    assert_int_equal(feed->built_ms, 1136214245000);
    assert_string_equal(feed->author, "Ann");
    assert_string_equal(feed->image, "https://e/logo.png");
    assert_string_equal(feed->categories[0], "News");
    assert_int_equal(feed->item_count, 2);
    const struct feed_item *item = feed->items;
    assert_string_equal(item->guid, "urn:1");
    assert_false(item->guid_is_permalink);
    assert_string_equal(item->link, "https://e/1");
    assert_string_equal(item->enclosures[0].url, "https://e/1.mp3");
    assert_int_equal(item->enclosures[0].length, 5);
    assert_int_equal(item->date_ms, 1136214245000);
    assert_string_equal(item->summary, "<p>C</p>");
    assert_string_equal(item->author, "Ben");
    assert_string_equal(item[1].title, "X Y");
    assert_int_equal(item[1].date_ms, 1167750245000);
    assert_string_equal(item[1].summary, "S");
    /* Prefixed, and without a namespace at all. */
    assert_string_equal(
        one_item("<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:entry><a:title>P</a:title></a:entry></a:feed>")
            ->title,
        "P");
    assert_string_equal(one_item("<feed><entry><title>Q</title><id>i</id></entry></feed>")->guid, "i");
}

static void rdf(void **state) {
    (void)state;
    struct feed *feed = parse(
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' "
        "xmlns:dc='http://purl.org/dc/elements/1.1/'>"
        "<channel "
        "rdf:about='x'><title>Old</title><link>https://e/</link></channel><image><url>https://e/i.png</url></image>"
        "<item><title>I</title><link>https://e/1</link><dc:date>2006-01-02</dc:date><dc:creator>Ann</dc:creator></"
        "item></rdf:RDF>");
    assert_int_equal(feed->kind, FEED_RDF);
    assert_string_equal(feed->title, "Old");
    assert_string_equal(feed->image, "https://e/i.png");
    assert_int_equal(feed->item_count, 1);
    assert_string_equal(feed->items[0].title, "I");
    assert_true(feed->items[0].date_valid);
    assert_string_equal(feed->items[0].author, "Ann");
}

static void encodings(void **state) {
    (void)state;
    struct feed_settings none = {0};
#define CASE(bytes, header, wanted_encoding, wanted_title)                                                             \
    do {                                                                                                               \
        struct feed_settings settings = {.content_type = header};                                                      \
        struct feed *read = parse_bytes(bytes, sizeof(bytes) - 1, &settings);                                          \
        assert_string_equal(read->encoding, wanted_encoding);                                                          \
        assert_string_equal(read->title, wanted_title);                                                                \
    } while (0)
#define XML(encoding, title)                                                                                           \
    "<?xml version='1.0' encoding='" encoding "'?><rss><channel><title>" title "</title></channel></rss>"
    CASE(XML("UTF-8", "caf\xc3\xa9"), NULL, "UTF-8", "caf\u00e9");
    CASE("\xEF\xBB\xBF" XML("ISO-8859-1", "caf\xc3\xa9"), "text/xml; charset=iso-8859-1", "UTF-8", "caf\u00e9");
    CASE(XML("ISO-8859-1", "caf\xe9 \x93q\x94 \x80"), NULL, "windows-1252", "caf\u00e9 \u201cq\u201d \u20ac");
    /* Says UTF-8, is windows-1252; mixed even. */
    CASE(XML("UTF-8", "caf\xe9 \x93q\x94"), NULL, "UTF-8", "caf\u00e9 \u201cq\u201d");
    CASE(XML("UTF-8", "caf\xe9 caf\xc3\xa9"), NULL, "UTF-8", "caf\u00e9 caf\u00e9");
    /* HTTP above the declaration; but not where it says Latin of what is UTF-8. */
    CASE(XML("ISO-8859-1", "caf\xc3\xa9"), "application/rss+xml; charset=\"utf-8\"", "UTF-8", "caf\u00e9");
    CASE(XML("windows-1251", "\xe9"), "text/xml; charset=windows-1252", "windows-1252", "\u00e9");
    CASE(XML("UTF-8", "caf\xc3\xa9"), "text/xml; charset=ISO-8859-1", "UTF-8", "caf\u00e9");
    CASE(XML("windows-1251", "\xcf\xf0\xe8"), NULL, "windows-1251", "\u041f\u0440\u0438");
    CASE(XML("Shift_JIS", "\x83\x65\x83\x58"), NULL, "shift_jis", "\u30c6\u30b9");
    CASE(XML("koi8-r", "\xf0"), NULL, "koi8-r", "\u041f");
    CASE(XML("made-up", "caf\xc3\xa9"), NULL, "UTF-8", "caf\u00e9");
    CASE(XML("UTF-16", "caf\xc3\xa9"), NULL, "UTF-8", "caf\u00e9");
    static const char utf16[] =
        "\xFF\xFE<\0r\0s\0s\0>\0<\0c\0h\0a\0n\0n\0e\0l\0>\0<\0t\0i\0t\0l\0e\0>\0\xe9\0\x3d\xd8\x00\xde<\0/"
        "\0t\0i\0t\0l\0e\0>\0<\0/\0c\0h\0a\0n\0n\0e\0l\0>\0<\0/\0r\0s\0s\0>\0";
    CASE(utf16, NULL, "UTF-16LE", "\u00e9\U0001F600");
    static const char big[] = "\0<\0r\0s\0s\0>\0<\0c\0h\0a\0n\0n\0e\0l\0>\0<\0t\0i\0t\0l\0e\0>\0\xe9\xd8\x3d\0<\0/"
                              "\0t\0i\0t\0l\0e\0>\0<\0/\0c\0h\0a\0n\0n\0e\0l\0>\0<\0/\0r\0s\0s\0>";
    CASE(big, NULL, "UTF-16BE", "\u00e9\uFFFD");
    const char *mixed = XML("UTF-8", "\xe9");
    assert_true(warned(parse_bytes(mixed, strlen(mixed), &none), "1 bytes are not valid UTF-8"));
    const char *unknown = XML("made-up", "x");
    assert_true(warned(parse_bytes(unknown, strlen(unknown), &none), "made-up"));
}

static void broken_markup(void **state) {
    (void)state;
    /* Never closed: an item, a title, the document. */
    struct feed *feed = parse("<rss><channel><title>S</title><item><title>1<item><title>2</title><link>https://e/"
                              "2<guid>g2</guid></item><item><title>3");
    assert_int_equal(feed->item_count, 3);
    assert_string_equal(feed->items[0].title, "1");
    assert_string_equal(feed->items[1].title, "2");
    assert_string_equal(feed->items[1].link, "https://e/2");
    assert_string_equal(feed->items[1].guid, "g2");
    assert_string_equal(feed->items[2].title, "3");
    assert_true(feed->cut_off);
    /* HTML that nobody escaped, end tags without a start, attributes of all sorts. */
    feed = parse("<rss><channel></p><item><description>a <br> b <img src=x alt=\"q\" checked> "
                 "<p>c</description></b><title>T</title><enclosure url=https://e/a.mp3 type='audio/mpeg' "
                 "type='x'/></item></channel></rss>");
    assert_string_equal(feed->items[0].title, "T");
    assert_string_equal(feed->items[0].enclosures[0].url, "https://e/a.mp3");
    assert_string_equal(feed->items[0].enclosures[0].type, "audio/mpeg");
    assert_false(feed->cut_off);
    assert_true(warned(feed, "tags"));
    /* A quote that is never closed costs its own tag. */
    feed = parse("<rss><channel><item><description><a href=\"x>link</a> "
                 "text</description><title>T</title></item></channel></rss>");
    assert_string_equal(feed->items[0].title, "T");
    assert_string_equal(one_item(ITEM("<title a='x & y < z'>T</title>"))->title, "T");
    assert_string_equal(one_item("<rss><channel><item><title>T</TITLE></item></channel></rss>")->title, "T");
    assert_string_equal(
        one_item("<rss><channel><item><!-- <title>No</title> --><title>Y</title></item></channel></rss>")->title, "Y");
    assert_string_equal(one_item("<rss><channel><item><?php echo 1 ?><title>Y</title></item></channel></rss>")->title,
                        "Y");
    /* Before the feed and behind it. */
    feed = parse("\n\n<br />\n<b>Warning</b>: something in x.php on line 3<br />\n<?xml "
                 "version='1.0'?><rss><channel><item><title>T</title></item></channel></"
                 "rss><rss><channel><item><title>U</title></item></channel></rss> trailing");
    assert_int_equal(feed->item_count, 1);
    assert_string_equal(feed->items[0].title, "T");
    assert_true(warned(feed, "before the feed"));
}

static void deep_nesting(void **state) {
    (void)state;
    struct text text;
    text_open(&text, 1u << 22);
    text_append(&text, "<rss><channel><item><title>T</title><description>");
    for (int i = 0; i < 20000; i++)
        text_append(&text, "<div>");
    text_append(&text, "deep");
    text_append(&text, "</description><guid>g</guid></item></channel></rss>");
    struct feed *feed = parse(text_value(&text));
    assert_string_equal(feed->items[0].guid, "g");
    assert_string_equal(feed->items[0].summary, "deep");
    assert_true(warned(feed, "too deep"));
    text_close(&text);
}

static void a_billion_laughs(void **state) {
    (void)state;
    struct feed *feed = parse(
        "<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a \"ha>]\"><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>"
        "<!ENTITY x SYSTEM 'file:///etc/passwd'>]><rss><channel><item><title>&c;&x;</title></item></channel></rss>");
    assert_string_equal(feed->items[0].title, "&c;&x;");
    assert_true(warned(feed, "DOCTYPE"));
}

static void bounds(void **state) {
    (void)state;
    struct text text;
    text_open(&text, 64u << 20);
    text_append(&text, "<rss><channel>");
    for (int i = 0; i < LIMIT_FEED_ITEMS + 5; i++)
        text_append_format(&text, "<item><title>%d</title></item>", i);
    text_append(&text, "</channel></rss>");
    struct feed *feed = feed_parse(arena, text_value(&text), text.length, NULL, NULL);
    assert_int_equal(feed->item_count, LIMIT_FEED_ITEMS);
    assert_true(warned(feed, "more than 50000 items"));

    text_reset(&text);
    text_append(&text, "<rss><channel>");
    for (int i = 0; i < 500; i++)
        text_append(&text, "<item><itunes:duration>x</itunes:duration></item>");
    text_append(&text, "</channel></rss>");
    feed = feed_parse(arena, text_value(&text), text.length, NULL, NULL);
    assert_int_equal(feed->warning_count, LIMIT_FEED_WARNINGS + 1);

    text_reset(&text);
    text_append(&text, "<rss><channel><item><title>T</title><description>");
    while (text.length < LIMIT_FEED_TEXT_BYTES + 1000)
        text_append(&text, "\u00e9\u00e9\u00e9 ");
    text_append(&text, "</description><guid>g</guid></item></channel></rss>");
    feed = feed_parse(arena, text_value(&text), text.length, NULL, NULL);
    assert_in_range(strlen(feed->items[0].summary), LIMIT_FEED_TEXT_BYTES - 8, LIMIT_FEED_TEXT_BYTES);
    assert_true(utf8_valid(feed->items[0].summary, strlen(feed->items[0].summary)));
    assert_string_equal(feed->items[0].guid, "g");

    struct feed_settings small = {.largest = 100};
    struct error err = {0};
    assert_null(feed_parse(arena, text_value(&text), text.length, &small, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    text_close(&text);
}

static void memory_does_not_grow_with_the_document(void **state) {
    (void)state;
    struct arena *own = arena_open();
    struct feed_parser *parser = feed_parser_open(own, NULL);
    const char *start = "<rss><channel><title>T</title><junk>";
    assert_true(feed_parser_add(parser, start, strlen(start), NULL));
    char *filler = memory_alloc(100000);
    for (size_t i = 0; i < 100000; i++)
        filler[i] = "<x>some &amp; text</x>"[i % 22];
    for (int i = 0; i < 400; i++)
        assert_true(feed_parser_add(parser, filler, 99990 / 22 * 22, NULL));
    free(filler);
    struct feed *feed = feed_parser_end(parser, NULL);
    feed_parser_close(parser);
    assert_string_equal(feed->title, "T");
    assert_true(arena_size(own) < 64 * KIB);
    arena_close(own);
}

static void what_is_no_feed(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *says;
    } cases[] = {
        {"", 0, "empty"},
        {" \n ", 3, "empty"},
        {"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>", 76, "a web page"},
        {"<!-- x --><HTML><body>hello", 27, "a web page"},
        {"<html xmlns='http://www.w3.org/1999/xhtml'><rss><channel/></rss></html>", 71, "a web page"},
        {"{\"error\": \"no\"}", 15, "JSON"},
        {"[{\"a\":1}]", 9, "JSON"},
        {"\x1f\x8b\x08\0\0\0\0\0", 8, "gzip"},
        {"PK\x03\x04xxxx", 8, "ZIP"},
        {"%PDF-1.7", 8, "PDF"},
        {"ID3\x04\0\0\0\0", 8, "MP3 audio"},
        {"\x89PNG\r\n\x1a\n", 8, "an image"},
        {"Not found", 9, "plain text"},
        {"<?xml version='1.0'?><opml version='2.0'><body/></opml>", 55, "another kind (<opml>)"},
        {"<?xml version='1.0'?>", 21, "XML"},
        {"\x00\x01\x02\x03", 4, "unknown kind"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error err = {0};
        if (feed_parse(arena, cases[i].bytes, cases[i].length, NULL, &err))
            fail_msg("case %zu was taken for a feed", i);
        assert_int_equal(err.code, ERROR_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("case %zu: %s", i, err.message);
    }
    /* A long web page is refused before its end. */
    struct feed_parser *parser = feed_parser_open(arena, NULL);
    char page[4096];
    memset(page, ' ', sizeof(page));
    memcpy(page, "<html><body>", 12);
    struct error err = {0};
    assert_false(feed_parser_add(parser, page, sizeof(page), &err));
    feed_parser_close(parser);
    feed_parser_close(NULL);
}

static void collisions_live_side_by_side(void **state) {
    (void)state;
    struct feed *feed = parse(RSS("<item><title>T</title><guid>a</guid></item><item><title>T</title><guid>b</guid></"
                                  "item><item><title>T</title><guid>a</guid></item>"));
    assert_int_equal(feed->item_count, 3);
    /* A live item is no episode. */
    assert_int_equal(
        parse(RSS("<podcast:liveItem><title>Live</title><enclosure url='https://e/s'/></podcast:liveItem>"))
            ->item_count,
        0);
    assert_null(parse(RSS("<podcast:liveItem><title>Live</title></podcast:liveItem>"))->title);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_feed),
        cmocka_unit_test(a_whole_item),
        cmocka_unit_test(how_many_items),
        cmocka_unit_test(titles_that_look_like_something_else),
        cmocka_unit_test(titles_with_everything_in_them),
        cmocka_unit_test(a_title_of_ten_thousand_characters),
        cmocka_unit_test(the_order_of_summaries),
        cmocka_unit_test(dates_of_all_kinds),
        cmocka_unit_test(durations_of_all_kinds),
        cmocka_unit_test(enclosures),
        cmocka_unit_test(numbers_and_flags),
        cmocka_unit_test(guids),
        cmocka_unit_test(namespaces_by_uri),
        cmocka_unit_test(atom),
        cmocka_unit_test(rdf),
        cmocka_unit_test(encodings),
        cmocka_unit_test(broken_markup),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(a_billion_laughs),
        cmocka_unit_test(bounds),
        cmocka_unit_test(memory_does_not_grow_with_the_document),
        cmocka_unit_test(what_is_no_feed),
        cmocka_unit_test(collisions_live_side_by_side),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
