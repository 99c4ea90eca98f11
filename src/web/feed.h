/* Podcast feeds: RSS 0.91 to 2.0, RSS 1.0 (RDF) and Atom 1.0 (RFC 4287) and 0.3, read into one form. Elements are known
 * by namespace URI, never by prefix (case, scheme, "www." and a last slash of the URI are not looked at; a prefix that
 * nobody declared counts as its usual namespace).
 *
 * Feeds are taken as they are: wrong or missing encodings, HTML entities, bare '&', control characters and tags that
 * are never closed cost nothing but a warning. A bad field costs that field. There are no DTDs, no entities but the
 * five of XML and HTML's names, and no network: "a billion laughs" is a feed with odd titles. Texts are valid UTF-8
 * without control characters (line ends and tabs stay in long texts, become blanks in short ones). Texts that are not
 * there are NULL. */
#ifndef TIDEMILL_WEB_FEED_H
#define TIDEMILL_WEB_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* A duration, a number, a season that is not there. */
#define FEED_UNSET (-1)

struct feed_enclosure {
    const char *url;  /* as written if absolute, else resolved; trimmed */
    const char *type; /* lower case, without parameters; NULL */
    int64_t length;   /* bytes as the feed says, often wrong; FEED_UNSET */
};

/* podcast:transcript */
struct feed_transcript {
    const char *url;
    const char *type; /* "application/x-subrip", "text/vtt", … lower case */
    const char *language;
    const char *rel; /* "captions" or NULL */
};

/* podcast:person, and authors (role "author") */
struct feed_person {
    const char *name;
    const char *role;  /* lower case; "host" when the feed says nothing, as the namespace has it */
    const char *group; /* lower case; "cast" when the feed says nothing */
    const char *href;
    const char *image;
};

struct feed_item {
    const char *guid;
    bool guid_is_permalink; /* RSS: true unless isPermaLink="false"; Atom: false */
    const char *title;      /* trimmed, runs of white space are one blank; "Untitled Episode" when missing or blank */
    bool title_missing;
    bool title_cut;       /* it was longer than LIMIT_FEED_TITLE_BYTES */
    const char *date_raw; /* pubDate, dc:date, published, updated: the first that is there */
    bool date_valid;
    int64_t date_ms; /* UTC, when date_valid */
    const char *link;
    const char *author;
    const char *summary;     /* the first non-empty of itunes:summary, summary, description, content:encoded (and Atom's
                                content); trimmed; "" if none */
    const char *description; /* Only with keep_content: each as its own element had it. */
    const char *content;
    const char *subtitle;
    int64_t duration_s; /* FEED_UNSET */
    const struct feed_enclosure
        *enclosures;          /* the best for listening first: audio, then unknown, then video; else in their order */
    size_t enclosure_count;   /* 0: an item without audio */
    int64_t season;           /* FEED_UNSET */
    int64_t episode;          /* FEED_UNSET */
    const char *episode_type; /* "full", "trailer", "bonus", or what else is there, lower case; NULL */
    const char *image;        /* URL */
    int explicit_content;     /* 1 yes, 0 no, FEED_UNSET */
    bool block;               /* itunes:block "yes" */
    const char *chapters_url;
    const char *chapters_type;
    const struct feed_transcript *transcripts;
    size_t transcript_count;
    const struct feed_person *persons;
    size_t person_count;
};

enum feed_kind { FEED_RSS, FEED_RDF, FEED_ATOM };

struct feed {
    enum feed_kind kind;
    const char *encoding; /* what the bytes were read as: "UTF-8", "windows-1252", "UTF-16LE", … */
    const char *title;
    const char *description;
    const char *link;
    const char *language;
    const char *image; /* itunes:image, else image/url, logo, icon */
    const char *author;
    const char *owner_name;
    const char *owner_email;
    const char *copyright;
    const char *const *categories; /* "Society & Culture", "Society & Culture > Documentary" */
    size_t category_count;
    int explicit_content;
    const char *type;                 /* "episodic", "serial", lower case */
    const char *new_feed_url;         /* itunes:new-feed-url */
    const char *self_url;             /* atom:link rel="self" */
    const char *next_url;             /* RFC 5005: rel="next" */
    const char *previous_archive_url; /* RFC 5005: rel="prev-archive" */
    bool archive;                     /* RFC 5005: fh:archive */
    bool complete;                    /* RFC 5005: fh:complete; itunes:complete is `ended` */
    bool ended;                       /* itunes:complete "yes": no more episodes */
    const char *hub_url;              /* rel="hub" */
    const char *podcast_guid;         /* podcast:guid */
    int locked;                       /* podcast:locked: 1 yes, 0 no, FEED_UNSET */
    const char *funding_url;          /* podcast:funding */
    int64_t ttl_minutes;              /* FEED_UNSET */
    int64_t built_ms;                 /* lastBuildDate, updated; 0 when unknown */
    const struct feed_person *persons;
    size_t person_count;
    const struct feed_item *items; /* in the feed's order */
    size_t item_count;
    const char *const
        *warnings; /* what was mended or left out, at most LIMIT_FEED_WARNINGS and one line for the rest */
    size_t warning_count;
    bool cut_off; /* the document ended before its root was closed */
};

struct feed_settings {
    const char *url;          /* where it came from, for relative URLs; NULL */
    const char *content_type; /* the HTTP header, for its charset (RFC 7303 section 3.2: above the XML declaration,
                                 below a byte order mark); NULL */
    bool keep_content;        /* fill description and content of items, not only summary */
    size_t largest;           /* bytes; 0: LIMIT_FEED_BYTES */
};

/* A parser that takes a feed in pieces. Memory is bounded by what is kept of the feed, never by the size of the
 * document. One thread. */
struct feed_parser;
/* Results are made in `arena`; `settings` (NULL: none) is borrowed for the call. */
struct feed_parser *feed_parser_open(struct arena *arena, const struct feed_settings *settings);
/* Takes the next piece. ERROR_INVALID as soon as it is clear that this is no feed (a web page, JSON, gzip, an image):
 * the message says what it is. ERROR_LIMIT when it is too large. */
bool feed_parser_add(struct feed_parser *parser, const void *bytes, size_t length, struct error *err);
/* Ends the document. NULL and ERROR_INVALID if it was no feed. To be called once, after the last piece. */
struct feed *feed_parser_end(struct feed_parser *parser, struct error *err);
void feed_parser_close(struct feed_parser *parser); /* NULL is allowed; what is in the arena stays */

/* All at once. NULL on failure, as above. */
struct feed *feed_parse(struct arena *arena, const void *bytes, size_t length, const struct feed_settings *settings,
                        struct error *err);

const char *feed_kind_name(enum feed_kind kind); /* "RSS", "RSS 1.0", "Atom" */

#endif
