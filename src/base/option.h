/* The one declaration of every setting (DESIGN section 6). A row gives the parser, the default, --help, `tidemill
 * config`, the man page and the completions.
 *
 * Values come from, in rising strength: the default, tidemill.yaml, files of the systems that users already have
 * (.env), the environment, flags. Each value knows where it came from. A room below cli/ never sees this table:
 * commands copy what a room needs into that room's own settings struct. */
#ifndef TIDEMILL_BASE_OPTION_H
#define TIDEMILL_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum option_type {
    OPTION_BOOL, /* flag without value, or =true/false; --no-NAME is false */
    OPTION_TEXT,
    OPTION_INTEGER,  /* within least..most */
    OPTION_SIZE,     /* bytes; suffixes k, m, g (1024) */
    OPTION_DURATION, /* ms, s, m, h, d suffixes; kept in milliseconds */
    OPTION_CHOICE,   /* one of `choices`, separated by | */
    OPTION_LIST,     /* separated by commas; may be repeated */
    OPTION_PATH,
};

struct option_row {
    const char *name; /* "transcribe.provider": the key in tidemill.yaml */
    const char *flag; /* "provider" for --provider; NULL: no flag */
    char letter;      /* 'v' for -v; 0: none */
    enum option_type type;
    const char *otherwise;   /* the default as text; NULL: unset */
    const char *environment; /* "TIDEMILL_PROVIDER|WHISPER_API_PROVIDER": the first that is set counts; NULL: none */
    const char *choices;     /* for OPTION_CHOICE */
    int64_t least, most;     /* for numbers */
    bool secret;             /* prints as ***; registered with redact_add */
    const char *value_name;  /* "DIR" in --help */
    const char *help;        /* one sentence, no full stop */
};

enum option_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENV_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

struct options;

/* `rows` (count of them) live longer than the options. Refuses a faulty table: two rows of one name or flag, a default
 * that does not parse. */
struct options *options_open(const struct option_row *rows, size_t count, struct error *err);
void options_close(struct options *options);

/* Reads tidemill.yaml: nested mappings make dotted names. Unknown keys are errors that suggest the near one; file, line
 * and key are named. */
bool options_read_yaml(struct options *options, const char *path, struct error *err);
/* Reads KEY=value lines of a .env file for the rows whose `environment` names the key; others are left alone. */
bool options_read_env_file(struct options *options, const char *path, struct error *err);
/* Takes the environment: `get` is getenv, or a test's. */
bool options_read_environment(struct options *options, const char *(*get)(const char *name), struct error *err);
/* Takes flags out of argv[1..]: --flag value, --flag=value, -v; "--" ends them. What is no flag is collected in *words
 * (borrowed, count in *word_count, the array is freed by the caller). Only rows for which `allowed` says true are flags
 * of this command. ERROR_USAGE with the near name. */
bool options_read_flags(struct options *options, int argc, char **argv,
                        bool (*allowed)(void *to, const struct option_row *row), void *to, char ***words,
                        size_t *word_count, struct error *err);
/* Sets one value from text as if it had come from `origin`. */
bool options_set(struct options *options, const char *name, const char *value, enum option_origin origin,
                 const char *place, struct error *err);

/* Values by name; a name that is in no row ends the program (a defect). Texts live as long as the options. */
const char *options_text(const struct options *options, const char *name); /* NULL when unset */
bool options_bool(const struct options *options, const char *name);
int64_t options_integer(const struct options *options, const char *name); /* also bytes and milliseconds */
bool options_is_set(const struct options *options, const char *name);     /* from anywhere but the default */
/* The entries of a list; *count of them. */
const char *const *options_list(const struct options *options, const char *name, size_t *count);
/* Where a value came from: "default", "tidemill.yaml:12", "environment WHISPER_API_PROVIDER", "flag --jobs". */
const char *options_origin(const struct options *options, const char *name);
const struct option_row *options_rows(const struct options *options, size_t *count);

#endif
