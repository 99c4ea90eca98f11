/* The AWS tools' shared files: the first line picks which of the two, the rest is the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/profile.h"
#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum aws_section_kind kinds[] = {AWS_SECTION_PROFILE, AWS_SECTION_SSO_SESSION, AWS_SECTION_SERVICES};
    if (size < 1 || size > 65536)
        return 0;
    struct arena *arena = arena_open();
    struct error err = {0};
    struct aws_config *config = aws_config_new(arena);
    enum aws_config_file file = data[0] == 'c' ? AWS_FILE_CREDENTIALS : AWS_FILE_CONFIG;
    char *text = malloc(size);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    bool good = aws_config_parse(config, file, "file", text, size - 1, &err);
    free(text); /* nothing may point into it */
    if (!good && (err.code != ERROR_CONFIG && err.code != ERROR_LIMIT))
        abort(); /* a refusal says why */
    for (size_t kind = 0; good && kind < sizeof(kinds) / sizeof(*kinds); kind++) {
        size_t count;
        const char *const *names = aws_config_names(config, arena, kinds[kind], &count);
        for (size_t i = 0; i < count; i++) {
            const struct aws_section *section = aws_config_section(config, kinds[kind], names[i]);
            if (!section || strcmp(aws_section_name(section), names[i]) != 0 || !*names[i])
                abort(); /* what is named is found */
            const char *value = aws_section_value(section, "region");
            const char *nested = aws_section_nested(section, "s3", "endpoint_url");
            if ((value && !*value) || (nested && (!*nested || strchr(nested, '\n'))))
                abort();
        }
    }
    arena_close(arena);
    return 0;
}
