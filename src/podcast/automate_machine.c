#include "podcast/automate_machine.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/text.h"

enum { VALUE_BYTES = 4096 };

struct supplies {
    struct arena *arena;
    const char *folder;
    bool mains_on;          /* a supply from outside gives power */
    bool discharging;       /* a battery does */
    int64_t percent, count; /* of the batteries together */
};

/* "" where it cannot be read. */
static const char *value_of(struct supplies *supplies, const char *name, const char *file) {
    char *data = NULL;
    size_t length = 0;
    const char *path = arena_format(supplies->arena, "%s/%s/%s", supplies->folder, name, file);
    return file_read(supplies->arena, path, VALUE_BYTES, &data, &length, NULL) ? text_trim(data) : "";
}

static bool take_supply(void *to, const char *name, bool is_folder, struct error *err) {
    (void)is_folder; /* they are links */
    (void)err;
    struct supplies *supplies = to;
    const char *type = value_of(supplies, name, "type");
    if (strcmp(type, "Mains") == 0 || text_starts(type, "USB"))
        supplies->mains_on |= strcmp(value_of(supplies, name, "online"), "1") == 0;
    int64_t percent = 0;
    if (strcmp(type, "Battery") != 0 || strcmp(value_of(supplies, name, "scope"), "Device") == 0 ||
        !text_to_int64(value_of(supplies, name, "capacity"), &percent))
        return true;
    supplies->percent += percent;
    supplies->count++;
    supplies->discharging |= strcmp(value_of(supplies, name, "status"), "Discharging") == 0;
    return true;
}

void automate_power_read(const char *folder, struct automate_power *power) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct supplies supplies = {.arena = arena, .folder = folder};
    *power = (struct automate_power){.on_ac = true, .percent = -1};
    if (!file_list(folder, take_supply, &supplies, NULL) || !supplies.count)
        return;
    power->percent = (int)(supplies.percent / supplies.count);
    power->on_ac = supplies.mains_on || !supplies.discharging;
}

void automate_power_pmset(const char *text, struct automate_power *power) {
    *power = (struct automate_power){.on_ac = strstr(text, "'Battery Power'") == NULL, .percent = -1};
    const char *sign = strchr(text, '%');
    const char *start = sign;
    while (start && start > text && start[-1] >= '0' && start[-1] <= '9')
        start--;
    if (start && start < sign && sign - start <= 3)
        power->percent = (int)strtol(start, NULL, 10);
}

bool automate_network_there(const char *const *hosts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct addrinfo wish = {.ai_socktype = SOCK_STREAM};
        struct addrinfo *found = NULL;
        int result = getaddrinfo(hosts[i], NULL, &wish, &found);
        if (result == 0)
            freeaddrinfo(found);
        /* A name server that says "there is no such name" was reached. */
        if (result == 0 || result == EAI_NONAME)
            return true;
    }
    return count == 0;
}
