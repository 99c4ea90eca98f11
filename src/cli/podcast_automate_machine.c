/* Power and network of this machine, for an unattended run and the status. */
#include <string.h>

#include "base/file.h"
#include "base/program.h"
#include "cli/podcast_automate.h"
#include "podcast/automate_machine.h"

#define POWER_FOLDER "/sys/class/power_supply"
enum { HOSTS_MOST = 8, PMSET_MS = 10000 };

void automate_cli_power(const struct automate_cli *cli, struct automate_power *power) {
    *power = (struct automate_power){.on_ac = true, .percent = -1};
    if (file_is_folder(POWER_FOLDER)) {
        automate_power_read(POWER_FOLDER, power);
        return;
    }
    ARENA_OWNED struct arena *arena = arena_open();
    static const char *const words[] = {"pmset", "-g", "batt", NULL};
    struct program_call call = {.words = words, .clock = cli->context->clock, .deadline_ms = PMSET_MS};
    struct program_end end;
    if (program_run_well(arena, &call, &end, NULL))
        automate_power_pmset(end.out, power);
}

/* ---- the network: where the first feeds are ---- */

/* "example.org" of "https://me:pass@example.org:8443/feed"; "" where there is none. */
static const char *host_of(struct arena *arena, const char *url) {
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    size_t length = strcspn(start, "/?#");
    for (const char *at = memchr(start, '@', length); at; at = memchr(start, '@', length)) {
        length -= (size_t)(at + 1 - start);
        start = at + 1;
    }
    if (*start == '[')
        return arena_text_part(arena, start + 1, strcspn(start + 1, "]"));
    const char *colon = memchr(start, ':', length);
    return arena_text_part(arena, start, colon ? (size_t)(colon - start) : length);
}

bool automate_cli_network(struct automate_cli *cli) {
    struct command_context *context = cli->context;
    if (options_bool(context->options, "run.skip-rss-retrieval"))
        return true;
    ARENA_OWNED struct arena *arena = arena_open();
    struct site_list list = {0};
    if (!workspace_sites(arena, &cli->workspace, &list, NULL))
        return true; /* the run will say what is wrong */
    const char *hosts[HOSTS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < list.count && count < HOSTS_MOST; i++) {
        const struct site *site = list.sites[i];
        for (size_t j = 0; j < site->podcast_count && count < HOSTS_MOST; j++) {
            const char *host = site->podcasts[j].active ? host_of(arena, site->podcasts[j].url) : "";
            bool known = !*host;
            for (size_t k = 0; k < count; k++)
                known |= strcmp(hosts[k], host) == 0;
            if (!known)
                hosts[count++] = host;
        }
    }
    return automate_network_there(hosts, count);
}
