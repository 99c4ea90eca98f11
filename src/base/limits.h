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

/* ---- store, run ---- */
#define LIMIT_LIST_NAMES 50000 /* names of one folder held at a time: 5 MB; a larger folder is read in passes */
#define LIMIT_PUT_RIVALS 64    /* writers of one key at the same time; more is a defect of the caller */
#define LIMIT_WORKER_MESSAGE (64 * MIB) /* between a program and its worker: a transcript of 12 hours is about 5 MB */
#define LIMIT_WORKER_STDERR (4 * KIB)   /* what is kept of what a worker wrote: the last lines tell why it died */
#define LIMIT_WORKER_MEMORY (4 * GIB)   /* of a task that names no ceiling of its own: the largest model and its work */
#define LIMIT_WORKER_FILE_BYTES                                                                                        \
    (16 * GIB)                 /* one file that a worker writes: 24 hours of uncompressed audio, or a loop */
#define LIMIT_WORKER_FILES 256 /* descriptors open in a worker */

#endif
