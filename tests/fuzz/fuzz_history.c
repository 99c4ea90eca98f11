/* What people and scripts left on disk: a history file, a crontab, a mail command. Whatever they hold, the new entry
 * stands on top once, nothing grows when nothing is added, and the second change leaves what the first made. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "podcast/automate_notice.h"
#include "podcast/automate_unit.h"
#include "podcast/history_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_history(const char *old, size_t length) {
    TEXT_OWNED char *once = history_merge(old, length, "## fuzzed\n\n---\n");
    if (!text_starts(once, "# Ingestion Pipeline Run History\n\n") || !strstr(once, "\n## fuzzed\n\n---\n\n"))
        abort();
    TEXT_OWNED char *twice = history_merge(once, strlen(once), "## second\n\n---\n");
    const char *first = strstr(once, "\n## fuzzed\n");
    const char *kept = strstr(twice, "\n## fuzzed\n");
    /* From the older entry on the file is as it was. */
    if (!kept || strcmp(first, kept) != 0)
        abort();
}

static void try_crontab(struct arena *arena, const char *text) {
    static const char line[] = "0 * * * * fuzzed # tidemill podcast automate install";
    const char *with = unit_cron_merge(arena, text, line);
    if (!unit_cron_find(arena, with) || strcmp(unit_cron_merge(arena, with, line), with) != 0)
        abort();
    const char *without = unit_cron_merge(arena, with, NULL);
    if (unit_cron_find(arena, without) || strcmp(unit_cron_merge(arena, without, NULL), without) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *text = arena_text_part(arena, (const char *)data, size);
    try_history(text, strlen(text));
    try_crontab(arena, text);
    const char **words = notice_words(arena, text, NULL);
    for (size_t i = 0; words && words[i]; i++) {
        if (strlen(words[i]) > size)
            abort();
    }
    return 0;
}
