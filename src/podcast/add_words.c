/* What a site says about itself, out of the words of its feed. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "base/text.h"
#include "podcast/add_internal.h"
#include "podcast/text_map.h"

enum { TITLE_LONGEST = 40, HOSTS_MOST = 4, PLACEHOLDERS = 4, JOINED_WORDS = 4, TITLES_READ = 500 };

/* Letters without their accents (decomposed, marks left out), ASCII only and in lower case; anything else ends a word.
 */
static size_t words_of(struct arena *arena, const char *title, char ***words) {
    TEXT_OWNED char *valid = utf8_repair(title, strlen(title));
    utf8proc_uint8_t *bare = NULL;
    utf8proc_ssize_t size =
        utf8proc_map((const utf8proc_uint8_t *)valid, 0, &bare,
                     UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STRIPMARK);
    char *plain = arena_text(arena, size >= 0 ? (const char *)bare : valid);
    free(bare);
    size_t count = 0, capacity = 0, length = 0;
    *words = NULL;
    for (char *from = plain, *to = plain;; from++) {
        unsigned char c = (unsigned char)*from;
        if (c == '\'') /* "Don't" is one word */
            continue;
        if (c < 0x80 && isalnum(c)) {
            to[length++] = (char)tolower(c);
            continue;
        }
        if (length) {
            *words = arena_grow(arena, *words, count, &capacity, sizeof(**words));
            (*words)[count++] = arena_text_part(arena, to, length);
        }
        if (!c)
            return count;
        length = 0;
        to = from + 1;
    }
}

char *site_id_from_title(struct arena *arena, const char *title, size_t longest) {
    char **words;
    size_t count = words_of(arena, title, &words);
    bool hyphens = count > JOINED_WORDS;
    char *id = arena_alloc(arena, longest + 1);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(words[i]), more = size + (hyphens && length);
        if (length + more > longest) {
            if (length == 0) /* one word longer than an id */
                memcpy(id, words[i], longest);
            break;
        }
        if (hyphens && length)
            id[length++] = '-';
        memcpy(id + length, words[i], size);
        length += size;
    }
    return id;
}

/* The character that an entity names, as far as descriptions of podcasts use them; 0: none. */
static char entity(const char *name, size_t length) {
    static const struct {
        const char *name;
        char is;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"#39", '\''}, {"nbsp", ' '}};
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
        if (strlen(known[i].name) == length && !memcmp(known[i].name, name, length))
            return known[i].is;
    return 0;
}

char *add_plain(struct arena *arena, const char *text, size_t longest) {
    char *plain = arena_alloc(arena, strlen(text) + 1);
    size_t length = 0;
    for (const char *at = text; *at; at++) {
        char c = *at;
        const char *end = NULL;
        if (c == '<' && (isalpha((unsigned char)at[1]) || at[1] == '/' || at[1] == '!') && (end = strchr(at, '>'))) {
            at = end;
            c = ' ';
        } else if (c == '&' && (end = strchr(at, ';')) && end - at < 8) {
            char meant = entity(at + 1, (size_t)(end - at) - 1);
            if (meant) {
                c = meant;
                at = end;
            }
        }
        if (isspace((unsigned char)c) || (unsigned char)c < 0x20)
            c = ' ';
        if (c != ' ' || (length && plain[length - 1] != ' '))
            plain[length++] = c;
    }
    while (length && plain[length - 1] == ' ')
        length--;
    plain[length] = 0;
    if (length <= longest)
        return plain;
    size_t cut = utf8_cut(plain, longest > 3 ? longest - 3 : longest);
    for (size_t at = cut; at > longest / 2; at--)
        if (plain[at] == ' ') {
            cut = at;
            break;
        }
    plain[cut] = 0;
    return arena_format(arena, "%s…", plain);
}

static void set_text(json_t *json, const char *key, const char *text) {
    TEXT_OWNED char *valid = utf8_repair(text, strlen(text));
    json_object_set_new(json, key, json_string(valid));
}

/* "A, B and C": the hosts that the feed names, else its author. NULL when nobody is named. */
static char *host_names(struct arena *arena, const struct feed *feed) {
    const char *names[HOSTS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < feed->person_count && count < HOSTS_MOST; i++)
        if (text_equal(feed->persons[i].role, "host") && feed->persons[i].name && *feed->persons[i].name)
            names[count++] = feed->persons[i].name;
    const char *title = feed->title ? feed->title : "";
    if (!count && feed->author && *feed->author && !text_equal_nocase(feed->author, title))
        names[count++] = feed->author;
    char *list = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *between = i == 0 ? "" : i + 1 == count ? " and " : ", ";
        list = arena_format(arena, "%s%s%s", list ? list : "", between, add_plain(arena, names[i], 60));
    }
    return list;
}

/* What the speakers might say in the first minute: the model takes names and spellings from it. */
static char *prompt_text(struct adding *adding, const char *title) {
    char *hosts = host_names(adding->arena, adding->feed);
    if (hosts)
        return arena_format(adding->arena, "Hi, welcome to %s, with %s. Let's jump in!", title, hosts);
    return arena_format(adding->arena, "Hi, welcome to %s. Let's jump in!", title);
}

/* ---- placeholders: words that several episodes' titles share ---- */

struct counted {
    const char *word;
    size_t count, order;
};

static bool is_common(const char *word) {
    static const char *const common[] = {
        "about", "after",   "again",  "also",    "been",    "before",    "best",  "bonus",    "episode", "first",
        "from",  "full",    "have",   "here",    "into",    "just",      "live",  "more",     "next",    "over",
        "part",  "podcast", "season", "show",    "some",    "special",   "that",  "their",    "them",    "then",
        "there", "they",    "this",   "trailer", "what",    "when",      "where", "which",    "will",    "with",
        "year",  "years",   "your",   "yours",   "welcome", "interview", "feat",  "featuring"};
    for (size_t i = 0; i < ARRAY_LENGTH(common); i++)
        if (!strcmp(common[i], word))
            return true;
    return strlen(word) < 4 || isdigit((unsigned char)*word);
}

static int most_first(const void *a, const void *b) {
    const struct counted *left = *(struct counted *const *)a, *right = *(struct counted *const *)b;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

static json_t *placeholders(struct adding *adding, const char *title) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct text_map map, own;
    text_map_open(&map, arena);
    text_map_open(&own, arena);
    char **words;
    size_t count = words_of(arena, title, &words), distinct = 0, capacity = 0;
    for (size_t i = 0; i < count; i++)
        text_map_add(&own, words[i], words[i]);
    struct counted **list = NULL;
    for (size_t i = 0; i < adding->feed->item_count && i < TITLES_READ; i++) {
        if (adding->feed->items[i].title_missing)
            continue;
        count = words_of(arena, adding->feed->items[i].title, &words);
        for (size_t j = 0; j < count; j++) {
            struct counted *row = text_map_get(&map, words[j]);
            if (is_common(words[j]) || text_map_find(&own, words[j]))
                continue;
            if (!row) {
                row = arena_alloc(arena, sizeof(*row));
                *row = (struct counted){words[j], 0, distinct};
                text_map_add(&map, words[j], row);
                list = arena_grow(arena, list, distinct, &capacity, sizeof(struct counted *));
                list[distinct++] = row;
            }
            row->count++;
        }
    }
    if (distinct)
        qsort(list, distinct, sizeof(struct counted *), most_first);
    json_t *json = json_array();
    for (size_t i = 0; i < distinct && i < PLACEHOLDERS; i++)
        json_array_append_new(json, json_string(list[i]->word));
    if (!distinct)
        json_array_append_new(json, json_string("hello there"));
    return json;
}

/* ---- the configuration, its keys in the order that users know ---- */

static json_t *header_json(struct adding *adding, const char *title) {
    const char *primary = add_plain(adding->arena, title, TITLE_LONGEST);
    const char *link = adding->feed->link && *adding->feed->link ? adding->feed->link : adding->url;
    json_t *json = json_object();
    set_text(json, "primaryTitle", primary);
    json_object_set_new(json, "includeTitlePrefix", json_false());
    set_text(json, "taglinePrimaryPodcastName", title);
    set_text(json, "taglinePrimaryPodcastExternalURL", link);
    set_text(json, "taglineSuffix", "archives");
    json_object_set_new(json, "extraHeightForLongTitle",
                        json_boolean(utf8_utf16_length(primary, strlen(primary)) > 22));
    json_object_set_new(json, "includeAIUseDisclosure", json_true());
    return json;
}

static json_t *metadata_json(struct adding *adding, const char *title, const char *domain) {
    struct arena *arena = adding->arena;
    const char *about = adding->feed->description ? add_plain(arena, adding->feed->description, 200) : "";
    bool local = text_ends(domain, ".localhost");
    json_t *json = json_object();
    set_text(json, "pageTitle", arena_format(arena, "Search %s", title));
    set_text(json, "canonicalUrl", arena_format(arena, "%s://%s", local ? "http" : "https", domain));
    set_text(json, "openGraphImagePath", adding->card);
    set_text(json, "metaDescription", *about ? about : arena_format(arena, "Search every word ever said on %s", title));
    set_text(json, "metaTitle", arena_format(arena, "Search %s", title));
    return json;
}

json_t *add_podcast_row(struct adding *adding) {
    json_t *json = json_object();
    set_text(json, "id", adding->result->podcast_id);
    set_text(json, "rssFeedFile", arena_format(adding->arena, "%s.xml", adding->result->podcast_id));
    set_text(json, "title", adding->result->title);
    set_text(json, "status", "active");
    set_text(json, "url", adding->url);
    return json;
}

static void set_language(json_t *json, const char *language) {
    size_t length = language ? strspn(language, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;
    if (length < 2 || length > 3)
        return;
    char code[4] = {0};
    for (size_t i = 0; i < length; i++)
        code[i] = (char)tolower((unsigned char)language[i]);
    json_object_set_new(json, "language", json_string(code));
}

json_t *add_config(struct adding *adding) {
    const char *title = adding->result->title;
    const char *domain = adding->settings->domain
                             ? adding->settings->domain
                             : arena_format(adding->arena, "%s.localhost", adding->result->site_id);
    json_t *podcasts = json_array();
    json_array_append_new(podcasts, add_podcast_row(adding));
    json_t *json = json_object();
    set_text(json, "id", adding->result->site_id);
    set_text(json, "domain", domain);
    json_object_set_new(json, "appHeader", header_json(adding, title));
    json_object_set_new(json, "socialAndMetadata", metadata_json(adding, title, domain));
    json_object_set_new(json, "includedPodcasts", podcasts);
    set_text(json, "whisperTranscriptionPrompt", prompt_text(adding, title));
    set_text(json, "themeColor", adding->light);
    set_text(json, "themeColorDark", adding->dark);
    json_object_set_new(json, "searchPlaceholderOptions", placeholders(adding, title));
    set_language(json, adding->feed->language);
    return json;
}
