/* Every ceiling on what outsiders can stretch, in one place, each with its reason. Sizes in bytes unless the name says
 * otherwise. */
#ifndef TIDEMILL_BASE_LIMITS_H
#define TIDEMILL_BASE_LIMITS_H

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* ---- base ---- */
#define LIMIT_JSON_BYTES (64 * MIB)   /* a manifest of 50,000 episodes is about 40 MB */
#define LIMIT_JSON_DEPTH 100          /* nothing we read nests deeper than 10 */
#define LIMIT_CONFIG_BYTES (1 * MIB)  /* tidemill.yaml, site.config.json, .env files: written by hand */
#define LIMIT_LOG_LINE (8 * KIB)      /* longer lines are cut, so that a hostile title cannot flood a log */
#define LIMIT_REDIRECTS 10            /* feed hosts chain trackers: 5 to 7 were seen */
#define LIMIT_HEADER_BYTES (64 * KIB) /* all response headers of one answer */

#endif
