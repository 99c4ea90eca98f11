#include "web/fetch.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "web/url.h"

enum {
    PAGE_DEADLINE_MS = 15 * 60 * 1000, /* a feed that drips for longer is given up */
    SHOWN_URL_BYTES = 300,
};

/* ---- one page ---- */

struct page {
    struct arena *arena;
    const char *copy_path; /* NULL: no copy */
    bool keep_content;
    struct feed_parser *parser;
    struct file_writer *copy;
    uint64_t bytes;
};

static void page_drop(struct page *page) {
    feed_parser_close(page->parser);
    page->parser = NULL;
    file_writer_abort(page->copy);
    page->copy = NULL;
    page->bytes = 0;
}

static bool page_begin(void *to, const struct http_response *response, struct error *err) {
    struct page *page = to;
    page_drop(page);
    struct feed_settings settings = {
        .url = response->url,
        .content_type = http_response_header(response, "content-type"),
        .keep_content = page->keep_content,
    };
    page->parser = feed_parser_open(page->arena, &settings);
    if (page->copy_path)
        page->copy = file_writer_open(page->copy_path, 0644, err);
    return !page->copy_path || page->copy;
}

static bool page_piece(void *to, const void *data, size_t length, struct error *err) {
    struct page *page = to;
    page->bytes += length;
    if (!feed_parser_add(page->parser, data, length, err))
        return false;
    return !page->copy || file_writer_write(page->copy, data, length, err);
}

static bool page_restart(void *to, struct error *err) {
    (void)err;
    page_drop(to);
    return true;
}

/* Parses the end and puts the copy in place. */
static struct feed *page_end(struct page *page, const char *url, struct error *err) {
    struct feed *feed = feed_parser_end(page->parser, err);
    if (!feed) {
        char shown[SHOWN_URL_BYTES];
        error_context(err, "%s", redact_url(url, shown, sizeof(shown)));
        return NULL;
    }
    struct file_writer *copy = page->copy;
    page->copy = NULL;
    return copy && !file_writer_commit(copy, err) ? NULL : feed;
}

/* A feed, or NULL with *not_modified, or NULL with an error. */
static struct feed *fetch_page(struct http_client *client, struct arena *arena,
                               const struct feed_fetch_request *request, const char *url, bool first, struct page *page,
                               struct http_response *response, struct error *err) {
    const struct http_header headers[] = {
        {"Accept", "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"},
        {"If-None-Match", first ? request->etag : NULL},
        {"If-Modified-Since", first ? request->last_modified : NULL},
    };
    const struct http_sink sink = {page_begin, page_piece, page_restart, page};
    const struct http_request asked = {
        .url = url,
        .headers = headers,
        .header_count = ARRAY_LENGTH(headers),
        .user = request->user,
        .password = request->password,
        .largest_body = LIMIT_FEED_BYTES,
        .deadline_ms = PAGE_DEADLINE_MS,
        .sink = &sink,
        .cancel = request->cancel,
    };
    if (!http_perform(client, arena, &asked, response, err))
        return NULL;
    if (response->status == 304) {
        if (!first || (!request->etag && !request->last_modified))
            error_set(err, ERROR_HTTP, "the server answered 304 although nothing was known before");
        return NULL;
    }
    return page_end(page, url, err);
}

/* ---- pages put together ---- */

/* A set of texts by their hash: open addressing, twice as many places as texts. */
struct seen {
    const char **places;
    size_t size;
    size_t count;
};

static bool seen_put(struct arena *arena, struct seen *seen, const char *text);

static void seen_grow(struct arena *arena, struct seen *seen) {
    struct seen larger = {.size = seen->size ? seen->size * 2 : 1024};
    larger.places = arena_alloc_array(arena, larger.size, sizeof(*larger.places));
    for (size_t i = 0; i < seen->size; i++) {
        if (seen->places[i])
            seen_put(arena, &larger, seen->places[i]);
    }
    *seen = larger;
}

/* False if it was there already. */
static bool seen_put(struct arena *arena, struct seen *seen, const char *text) {
    if (seen->count * 2 >= seen->size)
        seen_grow(arena, seen);
    size_t at = hash_fnv1a(text, strlen(text)) & (seen->size - 1);
    while (seen->places[at]) {
        if (strcmp(seen->places[at], text) == 0)
            return false;
        at = (at + 1) & (seen->size - 1);
    }
    seen->places[at] = text;
    seen->count++;
    return true;
}

struct merge {
    struct arena *arena;
    const struct feed_fetch_request *request;
    struct seen keys;
    struct seen urls;
    struct feed_item *items;
    size_t count;
    size_t capacity;
};

static const char *item_key(const struct feed_item *item) {
    if (item->guid)
        return item->guid;
    return item->enclosure_count ? item->enclosures[0].url : NULL;
}

/* Adds what is new; false when the page brought nothing that its reader does not know. */
static bool merge_page(struct merge *merge, const struct feed *page) {
    bool news = false;
    for (size_t i = 0; i < page->item_count && merge->count < LIMIT_FEED_ITEMS; i++) {
        const struct feed_item *item = &page->items[i];
        const char *key = item_key(item);
        /* Within one page a repeated guid is the feed's own affair; a later page only adds. */
        bool fresh = !key || seen_put(merge->arena, &merge->keys, key);
        if (!fresh && merge->urls.count > 1)
            continue;
        merge->items = arena_grow(merge->arena, merge->items, merge->count, &merge->capacity, sizeof(*merge->items));
        merge->items[merge->count++] = *item;
        news = news || !merge->request->known || !merge->request->known(merge->request->known_to, item);
    }
    return news;
}

static const char *next_page(const struct feed *page) {
    return page->next_url ? page->next_url : page->previous_archive_url;
}

/* Whether `url` is to be fetched; else *problem may say why not. */
static bool page_wanted(struct merge *merge, const char *url, unsigned pages, const char **problem) {
    if (!url_is_web(url)) {
        *problem = "the next page's address is no URL of the web";
        return false;
    }
    if (!seen_put(merge->arena, &merge->urls, url_normal(merge->arena, url))) {
        *problem = "the pages go round in a circle";
        return false;
    }
    if (pages >= LIMIT_FEED_PAGES) {
        *problem = arena_format(merge->arena, "there are more than %d pages", LIMIT_FEED_PAGES);
        return false;
    }
    if (merge->count >= LIMIT_FEED_ITEMS) {
        *problem = arena_format(merge->arena, "there are more than %d items", LIMIT_FEED_ITEMS);
        return false;
    }
    return true;
}

/* False only when it was cancelled; other failures are noted in the result. */
static bool follow_pages(struct http_client *client, struct arena *arena, const struct feed_fetch_request *request,
                         const struct feed *first, struct feed_fetch_result *result, struct error *err) {
    struct merge merge = {.arena = arena, .request = request};
    struct feed *whole = arena_alloc(arena, sizeof(*whole));
    *whole = *first;
    seen_put(arena, &merge.urls, url_normal(arena, request->url));
    if (result->final_url)
        seen_put(arena, &merge.urls, url_normal(arena, result->final_url));
    merge.urls.count = 1; /* both are the first page */
    bool news = merge_page(&merge, first);
    const struct feed *page = first;
    while (news && next_page(page) && page_wanted(&merge, next_page(page), result->pages, &result->pages_problem)) {
        const char *url = next_page(page);
        struct page reading = {.arena = arena, .keep_content = request->keep_content};
        struct http_response response;
        struct error why = {0};
        page = fetch_page(client, arena, request, url, false, &reading, &response, &why);
        page_drop(&reading);
        if (!page) {
            if (why.code == ERROR_CANCELLED)
                return error_copy(err, &why);
            result->pages_problem = arena_text(arena, why.message);
            break;
        }
        result->pages++;
        news = merge_page(&merge, page);
    }
    whole->items = merge.items;
    whole->item_count = merge.count;
    result->feed = whole;
    return true;
}

bool feed_fetch(struct http_client *client, struct arena *arena, const struct feed_fetch_request *request,
                struct feed_fetch_result *result, struct error *err) {
    struct page page = {.arena = arena, .copy_path = request->copy_path, .keep_content = request->keep_content};
    struct http_response response = {0};
    struct error why = {0};
    url_redact_secrets(request->url);
    struct feed *feed = fetch_page(client, arena, request, request->url, true, &page, &response, &why);
    struct feed_fetch_result made = {
        .bytes = page.bytes,
        .attempts = response.attempts,
        .final_url = response.url,
        .permanent_url = response.permanent_url,
        .pages = feed ? 1 : 0,
        .feed = feed,
    };
    page_drop(&page);
    if (why.code != ERROR_NONE)
        return error_copy(err, &why);
    made.etag = http_response_header(&response, "etag");
    made.last_modified = http_response_header(&response, "last-modified");
    made.content_type = http_response_header(&response, "content-type");
    if (!feed) {
        made.not_modified = true;
        made.etag = made.etag ? made.etag : request->etag;
        made.last_modified = made.last_modified ? made.last_modified : request->last_modified;
    } else if (!request->one_page && next_page(feed) && !follow_pages(client, arena, request, feed, &made, err)) {
        return false;
    }
    *result = made;
    return true;
}
