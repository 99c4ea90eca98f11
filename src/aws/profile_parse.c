#include <stdlib.h>
#include <string.h>

#include "aws/profile.h"
#include "aws/profile_parts.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

/* The state of reading one file. */
struct reader {
    struct aws_config *config;
    enum aws_config_file file;
    const char *path;
    unsigned line;
    bool any_section;
    struct aws_section *section; /* NULL: none yet, or one that is passed over */
    struct text value;           /* of the property whose lines are being read */
    const char *name;            /* of it; NULL: there is none */
    struct error *err;
};

struct aws_config *aws_config_new(struct arena *arena) {
    struct aws_config *config = arena_alloc(arena, sizeof(*config));
    config->arena = arena;
    config->end = &config->first;
    return config;
}

const char *aws_section_name(const struct aws_section *section) {
    return section->name;
}

static struct aws_section *find_section(const struct aws_config *config, enum aws_section_kind kind, const char *name) {
    for (struct aws_section *section = config->first; section; section = section->next) {
        if (section->kind == kind && strcmp(section->name, name) == 0)
            return section;
    }
    return NULL;
}

const struct aws_section *aws_config_section(const struct aws_config *config, enum aws_section_kind kind,
                                             const char *name) {
    return find_section(config, kind, name);
}

const char *const *aws_config_names(const struct aws_config *config, struct arena *arena, enum aws_section_kind kind,
                                    size_t *count) {
    const char **names = arena_alloc_array(arena, config->count + 1, sizeof(*names));
    *count = 0;
    for (const struct aws_section *section = config->first; section; section = section->next) {
        if (section->kind == kind)
            names[(*count)++] = section->name;
    }
    return names;
}

static struct aws_property *find_property(const struct aws_section *section, const char *name) {
    for (size_t i = 0; i < section->count; i++) {
        if (strcmp(section->properties[i].name, name) == 0)
            return &section->properties[i];
    }
    return NULL;
}

const char *aws_section_value(const struct aws_section *section, const char *name) {
    const struct aws_property *property = find_property(section, name);
    return property && *property->value ? property->value : NULL;
}

/* What stands before the '=' of a line, in lower case, in `arena`; NULL if there is no name or no '='. */
static char *name_of(struct arena *arena, const char *line, const char **after) {
    const char *sign = strchr(line, '=');
    if (!sign)
        return NULL;
    char *name = text_trim(arena_text_part(arena, line, (size_t)(sign - line)));
    for (char *c = name; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    *after = sign + 1;
    return *name ? name : NULL;
}

/* Ends a value where white space and '#' or ';' follow it. */
static void cut_comment(char *value) {
    for (char *c = value; *c; c++) {
        if ((*c == '#' || *c == ';') && (c == value || c[-1] == ' ' || c[-1] == '\t')) {
            *c = 0;
            return;
        }
    }
}

const char *aws_section_nested(const struct aws_section *section, const char *outer, const char *name) {
    const char *value = aws_section_value(section, outer), *found = NULL;
    /* A value on the line of the outer name has no properties within. */
    if (!value || *value != '\n')
        return NULL;
    char *rest = arena_text(section->arena, value + 1);
    while (rest) {
        const char *after;
        const char *inner = name_of(section->arena, strsep(&rest, "\n"), &after);
        if (!inner || strcmp(inner, name) != 0)
            continue;
        char *copy = arena_text(section->arena, after);
        cut_comment(copy);
        found = text_trim(copy);
    }
    return found && *found ? found : NULL;
}

static bool fault(const struct reader *reader, const char *what) {
    return error_set(reader->err, ERROR_CONFIG, "%s, line %u: %s", reader->path, reader->line, what);
}

/* Puts the property that was being read into its section. */
static bool end_property(struct reader *reader) {
    const char *name = reader->name;
    struct aws_section *section = reader->section;
    reader->name = NULL;
    if (!name || !section)
        return true;
    struct aws_property *property = find_property(section, name);
    if (!property) {
        if (section->count == LIMIT_AWS_PROPERTIES)
            return error_set(reader->err, ERROR_LIMIT, "%s, line %u: the section has more than %d properties",
                             reader->path, reader->line, LIMIT_AWS_PROPERTIES);
        section->properties = arena_grow(reader->config->arena, section->properties, section->count, &section->capacity,
                                         sizeof(*section->properties));
        property = &section->properties[section->count++];
        property->name = name;
    }
    property->value = arena_text(reader->config->arena, text_value(&reader->value));
    if (strcmp(name, "aws_secret_access_key") == 0)
        reader->config->files[reader->file].has_secret = true;
    return true;
}

/* Finds the section of that name or makes it; reader->section stays NULL for one that another hides. */
static bool enter(struct reader *reader, enum aws_section_kind kind, const char *name, bool prefixed) {
    struct aws_config *config = reader->config;
    struct aws_section *section = find_section(config, kind, name);
    if (!section) {
        if (config->count == LIMIT_AWS_SECTIONS)
            return error_set(reader->err, ERROR_LIMIT, "%s, line %u: there are more than %d sections", reader->path,
                             reader->line, LIMIT_AWS_SECTIONS);
        section = arena_alloc(config->arena, sizeof(*section));
        *section = (struct aws_section){
            .kind = kind, .name = arena_text(config->arena, name), .prefixed = prefixed, .arena = config->arena};
        *config->end = section;
        config->end = &section->next;
        config->count++;
    } else if (prefixed && !section->prefixed) {
        section->count = 0; /* [profile default] hides [default] */
        section->prefixed = true;
    } else if (!prefixed && section->prefixed && reader->file == AWS_FILE_CONFIG) {
        section = NULL;
    }
    reader->section = section;
    return true;
}

/* "[profile x]", "[profile 'x y']": the part after the word; NULL if the header has another word. */
static const char *name_after(struct arena *arena, const char *header, const char *word) {
    size_t length = strlen(word);
    if (strncmp(header, word, length) != 0 || (header[length] != ' ' && header[length] != '\t'))
        return NULL;
    char *name = text_trim(arena_text(arena, header + length));
    size_t size = strlen(name);
    if (size >= 2 && (*name == '"' || *name == '\'') && name[size - 1] == *name) {
        name[size - 1] = 0;
        name++;
    }
    return *name ? name : NULL;
}

static bool read_header(struct reader *reader, char *line) {
    struct arena *arena = reader->config->arena;
    char *end = strchr(line, ']');
    if (!end)
        return fault(reader, "a section's name has no ']'");
    const char *rest = text_trim(end + 1);
    if (*rest && *rest != '#' && *rest != ';')
        return fault(reader, "something follows the section's name");
    *end = 0;
    const char *header = text_trim(line + 1);
    reader->section = NULL;
    reader->any_section = true;
    if (!*header)
        return fault(reader, "a section has no name");
    const char *profile = name_after(arena, header, "profile");
    if (reader->file == AWS_FILE_CREDENTIALS)
        return profile || enter(reader, AWS_SECTION_PROFILE, header, false);
    if (profile)
        return enter(reader, AWS_SECTION_PROFILE, profile, strcmp(profile, "default") == 0);
    if (strcmp(header, "default") == 0)
        return enter(reader, AWS_SECTION_PROFILE, header, false);
    const char *session = name_after(arena, header, "sso-session");
    if (session)
        return enter(reader, AWS_SECTION_SSO_SESSION, session, false);
    const char *services = name_after(arena, header, "services");
    return !services ||
           enter(reader, AWS_SECTION_SERVICES, services, false); /* [preview], [plugins], ...: passed over */
}

static bool read_property(struct reader *reader, char *line) {
    const char *after = NULL;
    if (!reader->any_section)
        return fault(reader, "a property stands before the first section");
    const char *name = name_of(reader->config->arena, line, &after);
    if (!name)
        return fault(reader, after ? "a property has no name" : "a property has no '='");
    char *value = line + (after - line);
    cut_comment(value);
    reader->name = name;
    text_reset(&reader->value);
    text_append(&reader->value, text_trim(value));
    return true;
}

static bool read_line(struct reader *reader, char *line) {
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\r')
        line[length - 1] = 0;
    bool indented = *line == ' ' || *line == '\t';
    const char *start = line + strspn(line, " \t");
    if (!*start || *line == '#' || *line == ';')
        return true;
    if (indented && reader->name) {
        /* It goes on with the value, comments and all; or is a property within. */
        text_append_char(&reader->value, '\n');
        text_append(&reader->value, text_trim(line));
        return true;
    }
    if (*start == '#' || *start == ';')
        return true;
    if (indented)
        return fault(reader, reader->any_section ? "a line goes on with no property"
                                                 : "a line stands before the first section");
    if (!end_property(reader))
        return false;
    return *line == '[' ? read_header(reader, line) : read_property(reader, line);
}

bool aws_config_parse(struct aws_config *config, enum aws_config_file file, const char *path, const char *text,
                      size_t length, struct error *err) {
    static const char mark[] = "\xEF\xBB\xBF";
    struct reader reader = {.config = config, .file = file, .path = path, .err = err};
    /* A zero byte ends nothing: what follows it would be left out unseen. */
    if (memchr(text, 0, length))
        return error_set(err, ERROR_CONFIG, "%s: it has zero bytes in it", path);
    char *copy = memory_text_part(text, length), *rest = copy;
    if (text_starts(rest, mark))
        rest += strlen(mark);
    text_open(&reader.value, length + 1);
    bool good = true;
    while (good && rest) {
        reader.line++;
        good = read_line(&reader, strsep(&rest, "\n"));
    }
    good = good && end_property(&reader);
    text_close(&reader.value);
    memory_wipe(copy, length);
    free(copy);
    return good;
}
