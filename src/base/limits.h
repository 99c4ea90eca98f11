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
#define LIMIT_LIST_NAMES 200000         /* names of one folder held at a time: 25 MB; a larger one is read in passes */
#define LIMIT_S3_UPLOADS_TRIED 8        /* unfinished uploads of one key that a put looks at, the newest first */
#define LIMIT_PUT_RIVALS 64             /* writers of one key at the same time; more is a defect of the caller */
#define LIMIT_PUT_KEPT MIB              /* smaller objects that break off begin anew: less than a second's work */
#define LIMIT_WORKER_MESSAGE (64 * MIB) /* between a program and its worker: a transcript of 12 hours is about 5 MB */
#define LIMIT_WORKER_STDERR (4 * KIB)   /* what is kept of what a worker wrote: the last lines tell why it died */
#define LIMIT_WORKER_MEMORY (4 * GIB)   /* of a task that names no ceiling of its own: the largest model and its work */
#define LIMIT_WORKER_FILE_BYTES                                                                                        \
    (16 * GIB)                 /* one file that a worker writes: 24 hours of uncompressed audio, or a loop */
#define LIMIT_WORKER_FILES 256 /* descriptors open in a worker */
#define LIMIT_POOL_CALLS                                                                                               \
    100000                  /* tasks waiting and running in one pool: about 40 MB; state machines wait with more       \
                             */
#define LIMIT_POOL_STUCK 64 /* threads held by tasks that do not heed a cancel, beside those that work */

/* ---- aws ---- */
#define LIMIT_SIGV4_BYTES (1 * MIB)    /* a canonical request: the head of a request, each byte escaped at the worst */
#define LIMIT_SIGV4_FIELDS 1024        /* fields of a signed query: they are sorted */
#define LIMIT_AWS_XML_BYTES (16 * MIB) /* an answer's document: a page of 1,000 keys of 1,024 bytes, escaped, has 4 */
#define LIMIT_AWS_XML_DEPTH 32         /* elements within elements: S3's and CloudFront's have up to 8 */
#define LIMIT_AWS_XML_ELEMENTS 200000  /* a page of 1,000 objects with their owners has 12,000 */
#define LIMIT_AWS_NAMES 10000          /* hosts, quotas, buckets that calls remember; what comes later is not kept */
#define LIMIT_AWS_WAIT_MS 120000       /* a service that asks for a longer pause is not waited for */
#define LIMIT_AWS_FORM_BYTES (2 * MIB) /* a call as a form: a message of 256 KiB, each byte as three */
#define LIMIT_AWS_MESSAGE_BYTES 400    /* of a service's words in an error's message */

/* ---- aws: credentials ---- */
#define LIMIT_ENV_ENTRIES 4096   /* lines of a .env file: written by hand, and looked through from end to end */
#define LIMIT_AWS_SECTIONS 4096  /* of the config file: tools that list every account and role write a thousand */
#define LIMIT_AWS_PROPERTIES 256 /* of one section; the SDKs know about 60 */
#define LIMIT_AWS_ROLES 8        /* source_profile after source_profile: two are common, none needs more than four */
#define LIMIT_AWS_TOKEN_BYTES                                                                                          \
    (64 * KIB)                            /* a token in a file; STS takes web identities of at most 20,000 characters  \
                                           */
#define LIMIT_AWS_ANSWER_BYTES (64 * KIB) /* credentials as JSON, from a metadata service or a process: about 2 KB */
#define LIMIT_AWS_PROCESS_ARGUMENTS 128   /* of a credential_process; real ones have ten */
#define LIMIT_AWS_PROCESS_MS 60000        /* it may ask another service, but nobody is there to type */

/* ---- flow: state machines (the figures of the service: "Quotas", Step Functions developer guide) ---- */
#define LIMIT_FLOW_PAYLOAD (256 * KIB) /* bytes of an input, output or result */
#define LIMIT_FLOW_PAYLOAD_DEPTH                                                                                       \
    90 /* of a payload: it is stored two levels down, and what is read is at most LIMIT_JSON_DEPTH */
#define LIMIT_FLOW_STORED_DEPTH 110     /* as stored: LIMIT_JSON_DEPTH, within batches, lists and frames */
#define LIMIT_FLOW_VARIABLES (10 * MIB) /* the service's: of an execution; here of each scope */
#define LIMIT_FLOW_VARIABLE_SMALL KIB   /* shorter ones are as few as the names in a definition */
#define LIMIT_FLOW_EXPRESS_SECONDS 300  /* of an Express execution, which has no other end to its history */
#define LIMIT_FLOW_EVENTS 25000         /* of one execution's history */
#define LIMIT_FLOW_PENDING                                                                                             \
    (512 * MIB) /* history not yet written, of one execution: a slice of states with full payloads */
#define LIMIT_FLOW_INLINE_CONCURRENCY 40 /* iterations of an inline Map at a time */
#define LIMIT_FLOW_RUN_CONCURRENCY 1000  /* child executions of a distributed Map at a time (the service: 10,000) */
#define LIMIT_FLOW_CACHED 2000           /* executions kept in memory though they only wait: about 4 KB each */
#define LIMIT_FLOW_ITEMS 100000000       /* of one distributed Map, as the service */
#define LIMIT_FLOW_ITEM_FILE (512 * MIB) /* a file that an ItemReader reads whole */
#define LIMIT_FLOW_SLICE_BYTES (8 * MIB) /* of new history, after which a round is written */
#define LIMIT_FLOW_SLICE 200             /* states that one execution runs before others get their turn */

/* ---- web, http client ---- */
#define LIMIT_HTTP_BODY_BYTES (64 * MIB) /* an answer kept in memory; nothing that we ask for is larger */
#define LIMIT_HTTP_ERROR_BODY_BYTES                                                                                    \
    (64 * KIB)                    /* the body of an answer that is an error: a sentence or a small document */
#define LIMIT_HTTP_HEADERS 256    /* header lines of one answer; about 40 is usual */
#define LIMIT_URL_BYTES (8 * KIB) /* RFC 9110 section 4.1 asks for 8,000; signed audio URLs reach 2,000 */
#define LIMIT_FEED_BYTES                                                                                               \
    (64 * MIB)                 /* the largest real feeds are about 30 MB: 5,000 episodes with their notes twice        \
                                */
#define LIMIT_FEED_ITEMS 50000 /* of one feed with its pages; daily for 130 years */
#define LIMIT_FEED_PAGES 500   /* RFC 5005 pages followed; 100 items a page is usual */
#define LIMIT_FEED_DEPTH 64    /* elements within elements; real feeds reach 8, XHTML notes 20 */
#define LIMIT_FEED_TAG_BYTES (64 * KIB)   /* one tag with its attributes, one comment's or instruction's kept part */
#define LIMIT_FEED_TITLE_BYTES 10000      /* titles and other short texts; longer ones are cut with a note */
#define LIMIT_FEED_TEXT_BYTES (256 * KIB) /* a description; show notes with a transcript inside were seen at 150 KB */
#define LIMIT_FEED_LIST 64                /* enclosures, transcripts, categories of one item or feed */
#define LIMIT_FEED_PERSONS 200            /* persons of one item or feed */
#define LIMIT_FEED_WARNINGS 100           /* kept; the rest is counted */
#define LIMIT_AUDIO_BYTES (4 * GIB)       /* one episode: 24 hours at 320 kbit/s are 3.5 GB */

/* ---- search ---- */
#define LIMIT_SEARCH_QUERY_BYTES 1024     /* nobody types more; a pasted page must not be parsed */
#define LIMIT_SEARCH_QUERY_WORDS 64       /* each costs a list that is read */
#define LIMIT_SEARCH_QUERY_DEPTH 32       /* parentheses within parentheses: the parser recurses */
#define LIMIT_SEARCH_DEPTH 1000000        /* offset + limit: so many hits are kept while searching, 40 bytes each */
#define LIMIT_SEARCH_HITS 1000            /* hits of one answer: their texts are fetched and marked */
#define LIMIT_SEARCH_MERGE 16             /* neighbours in one hit: about four minutes of speech */
#define LIMIT_SEARCH_READERS 1000         /* indexes asked at once */
#define LIMIT_SEARCH_TERM_BYTES 64        /* no spoken word is longer; a "word" of a damaged text may be */
#define LIMIT_SEARCH_LIST_BYTES (1 * GIB) /* one term's list, read whole: about 40 times that of "the" in 900 hours */
#define LIMIT_SEARCH_MEMORY                                                                                            \
    (32 * MIB) /* words waiting in memory while an index is built; then they go to a scratch file */
#define LIMIT_PASSAGE_BYTES                                                                                            \
    (64 * KIB - 1)                   /* a passage is 7 to 15 s of speech, some 250 bytes; positions in it fit 16 bits */
#define LIMIT_EPISODE_PASSAGES 65535 /* 24 hours make about 9,000; a passage's number fits 16 bits */
#define LIMIT_EPISODE_TEXT_BYTES (256 * MIB) /* all passages of one episode */
#define LIMIT_EPISODE_NUMBER 0x1FFFFFFF      /* fits the 30 bits that the lists keep for it */
#define LIMIT_EPISODE_FIELD_BYTES                                                                                      \
    (64 * KIB) /* title, key and podcast of an episode: feeds with titles of 10,000 characters exist */

/* ---- podcast ---- */
#define LIMIT_SITES 10000                 /* folders of one workspace that are loaded */
#define LIMIT_SITE_PODCASTS 1000          /* of one site: each costs a fetch in every run */
#define LIMIT_MANIFEST_EPISODES 200000    /* of one site; LIMIT_JSON_BYTES ends before it */
#define LIMIT_MANIFEST_NUMBER 10000000    /* of an episode, where numbers index a table */
#define LIMIT_CLOUD_ANSWER (6 * MIB)      /* of a function called in the cloud: the service gives no more */
#define LIMIT_SPELLING_RULES 20000        /* misspellings of one file; written by hand */
#define LIMIT_SPELLING_BYTES 200          /* one misspelling: a short phrase */
#define LIMIT_TRANSCRIPT_BYTES (64 * MIB) /* an SRT file, or its search entries; 24 hours are about 3 MB */
#define LIMIT_CHECK_ISSUES 100000         /* kept of one check; the rest is counted */
#define LIMIT_TFVARS_ENTRIES 1000         /* variables of one site's Terraform; there are about 20 */
#define LIMIT_API_LIMIT 100               /* hits of one search response */
#define LIMIT_API_IDS 10000               /* episodeIds of one request */
#define LIMIT_COVER_BYTES (20 * MIB)      /* a show's picture; Apple asks for at most 3000 by 3000 pixels */
#define LIMIT_COVER_PIXELS 40000000       /* decoded: 120 MB of RGB would follow from 6300 by 6300 */

/* ---- podcast: unattended ---- */
#define LIMIT_HISTORY_ENTRIES 1000          /* runs in the history file for people: three years of nights */
#define LIMIT_HISTORY_BYTES (2 * MIB)       /* of that file; an editor shall open it at once */
#define LIMIT_HISTORY_READ_BYTES (64 * MIB) /* of one that the scripts left, which never cut it */
#define LIMIT_PROGRAM_OUTPUT (1 * MIB)      /* kept of what a helper program (crontab, systemctl, mail) says */
#define LIMIT_PROGRAM_WORDS 64              /* of a command written by hand */
#define LIMIT_AUTOMATE_LOG (4 * MIB)        /* of a log, before it is set aside as NAME.1 */
#define LIMIT_NOTICE_ERRORS 20              /* named in a notice; a person reads no more */

/* ---- speech ---- */
#define LIMIT_AUDIO_MS ((int64_t)48 * 3600 * 1000) /* the longest published episodes are day-long live streams */
#define LIMIT_AUDIO_GAP_MS                                                                                             \
    ((int64_t)600 * 1000)          /* a larger jump of a file's clock is damage, not a hole to be filled with silence */
#define LIMIT_SRT_BYTES (16 * MIB) /* a transcript of a day is about 2 MB */
#define LIMIT_CUES 400000          /* a cue each half second for two days */
#define LIMIT_WORDS 2000000        /* ten words a second for two days */
#define LIMIT_GATE_FINDINGS 200    /* nobody reads more of one file; the rest is counted */
#define LIMIT_SPEECH_ANSWER (32 * MIB) /* a service's verbose_json of an hour with word times is about 2 MB */
#define LIMIT_MODEL_BYTES (8 * GIB)    /* a model file; the largest published one is 3.1 GB */
#define LIMIT_MODEL_DIMENSION 1000000  /* of a tensor; the largest is the vocabulary, 51,866 */
#define LIMIT_MODEL_TOKEN_BYTES 512    /* one token of the vocabulary; the longest is 256 spaces */

/* ---- http: the server ---- */
#define LIMIT_SERVER_CONNECTIONS 512       /* at a time; with their buffers 16 MiB at most */
#define LIMIT_SERVER_PER_ADDRESS 64        /* a browser opens 6; a household or an office has several */
#define LIMIT_SERVER_HEAD_BYTES (32 * KIB) /* request line and headers; browsers send about 1 KiB */
#define LIMIT_SERVER_BODY_BYTES (64 * KIB) /* a search request with thousands of episode ids is 20 KiB */
#define LIMIT_SERVER_STACK_BYTES (1 * MIB) /* of each server thread; the deepest call uses about 100 KiB */
#define LIMIT_SERVER_LARGE_BYTES                                                                                       \
    (5 * MIB)                                /* a call of an AWS protocol: a definition of 1 MB, all escaped, and more \
                                              */
#define LIMIT_SERVER_LARGE_ALL (64 * MIB)    /* bodies over LIMIT_SERVER_BODY_BYTES held at a time, all together */
#define LIMIT_AUTH_REPLAYS ((size_t)1 << 20) /* signatures remembered: 1,700 calls a second for ten minutes, 48 MB */
#define LIMIT_SERVER_PACK_BYTES (8 * MIB)    /* larger texts are sent as they are, not compressed on the fly */

/* ---- flow: what the API takes and tells ---- */
#define LIMIT_FLOW_SHOWN_BYTES                                                                                         \
    (4 * KIB) /* of a wrong value in a message; the longest that is allowed and shown whole is 3,096 */
#define LIMIT_FLOW_FIELD_FAULTS 20      /* faults of one request that are listed */
#define LIMIT_FLOW_MACHINES 100000      /* the service's quota of registered machines; of activities too */
#define LIMIT_FLOW_VERSIONS 1000        /* the service's: of one machine */
#define LIMIT_FLOW_ALIASES 100          /* the service's: of one machine */
#define LIMIT_FLOW_TAGS 50              /* the service's: of one resource */
#define LIMIT_FLOW_PAGE_BYTES (6 * MIB) /* one page of a history: a thousand events may carry 256 KiB each */

/* ---- podcast run ---- */
#define LIMIT_FEED_TRANSCRIPT_BYTES                                                                                    \
    (16 * MIB) /* a feed's own transcript; word-timed JSON of five hours is about 8 MB */

/* ---- schedule ---- */
#define LIMIT_ZONE_BYTES (64 * KIB)   /* a compiled time zone; the largest has 3.5 KB */
#define LIMIT_ZONE_NAME 50            /* EventBridge Scheduler's; the longest name in the database has 32 */
#define LIMIT_SCHEDULE_EXPRESSION 256 /* EventBridge Scheduler's */
#define LIMIT_SCHEDULE_RATE 1000000   /* the value of rate(): in days 2,700 years; the product must not overflow */
#define LIMIT_SCHEDULE_INPUT 262144   /* EventBridge Scheduler's payload of a target */
#define LIMIT_SCHEDULES 1000000       /* of one database: EventBridge Scheduler's quota of an account */
#define LIMIT_SCHEDULE_GROUPS 500     /* the same */

/* ---- flow: expressions ---- */
#define LIMIT_FLOW_EXPRESSION_BYTES                                                                                    \
    (64 * KIB)                    /* one path or intrinsic call; the service's literals end at 10,000 characters */
#define LIMIT_FLOW_PATH_STEPS 200 /* written by hand they have ten */
#define LIMIT_FLOW_PATH_DEPTH 32  /* filters within filters, calls within calls in paths */
#define LIMIT_FLOW_STATE_EVALUATION 8000000 /* by all expressions of one state together: below a second */
#define LIMIT_FLOW_EVALUATION 2000000       /* nodes looked at by one expression: a payload of 256 KiB has 128,000 */
#define LIMIT_FLOW_RESULTS 200000           /* nodes that a path selects: more than any payload has */
#define LIMIT_FLOW_RESULT_SIZE 1000000      /* nodes (and 16 bytes of text each) within what a path selects */
#define LIMIT_FLOW_DEPTH 1000               /* of the value that a path walks through; what is parsed has less */
#define LIMIT_FLOW_REGEX_BYTES 1000         /* a pattern in a filter */
#define LIMIT_FLOW_REGEX_STATES 4000    /* of its automaton, repetitions written out; each byte of text costs as much */
#define LIMIT_FLOW_INTRINSIC_NESTING 10 /* the service's */
#define LIMIT_FLOW_INTRINSIC_ITEMS                                                                                     \
    1000 /* of an array that States.ArrayRange or ArrayPartition makes: the service's                                  \
          */
#define LIMIT_FLOW_INTRINSIC_CHARACTERS 10000 /* that States.Hash and Base64 take: the service's */
#define LIMIT_FLOW_INTRINSIC_TEXT (1 * MIB)   /* that a function makes; a payload ends at 256 KiB */
#define LIMIT_FLOW_RULE_DEPTH 64              /* And, Or, Not within each other; templates too */

/* ---- flow: drawings ---- */
#define LIMIT_FLOW_DRAW_STATES 2000 /* of one picture: 200 are the most that anybody reads; these take 0.5 s */
#define LIMIT_FLOW_DRAW_BENDS 20000 /* bends of its transitions: 10 for each of so many states */

/* ---- flow: definitions ---- */
#define LIMIT_FLOW_DEFINITION_BYTES (1 * MIB) /* the service's own quota */
#define LIMIT_FLOW_STATES 10000     /* of one machine; real ones have tens, and each costs about 1 KB compiled */
#define LIMIT_FLOW_STATE_NAME 80    /* characters; the service's own quota */
#define LIMIT_FLOW_LABEL 40         /* characters of a distributed Map's Label; the service's own quota */
#define LIMIT_FLOW_DIAGNOSTICS 1000 /* kept of one check; nobody reads more, the rest is counted */

/* ---- sync ---- */
#define LIMIT_SYNC_PATTERN_BYTES 512 /* an include or exclude; a key has at most 1,024 bytes */
#define LIMIT_SYNC_LISTING_BLOCKS 8  /* of 64 KiB that a side's listing runs ahead of the comparison */
#define LIMIT_SYNC_LEFTOVER_MS                                                                                         \
    (7LL * 86400 * 1000)        /* what broken-off transfers left is gone on with for so long; then it goes */
#define LIMIT_SYNC_JOBS 64      /* objects at a time */
#define LIMIT_SYNC_UNREACHED 64 /* failures of the network in a row after which a service counts as gone */
#define LIMIT_SYNC_PENDING 512  /* objects that are there but not yet noted in the memory */

#endif
