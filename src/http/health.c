/* /healthz tells the truth: 200 when every site can be searched and a run could write, else 503 with what is wrong.
 * Details that name files are in the log only. */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "http/app.h"
#include "http/flow_server.h"
#include "http/handlers.h"
#include "http/reply.h"

static json_t *state(bool good, const char *error) {
    return good ? json_string("ok") : json_string(error);
}

/* Is the data folder readable, and has its disk room? */
static bool check_disk(const struct site_app *app, json_t *answer) {
    const char *data = app->settings->workspace.data;
    struct statvfs disk;
    bool readable = access(data, R_OK | X_OK) == 0;
    bool known = statvfs(data, &disk) == 0;
    uint64_t space = known ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
    bool room = known && space >= app->settings->disk_floor;
    json_object_set_new(answer, "data", state(readable, "unreadable"));
    json_object_set_new(answer, "disk",
                        json_pack("{s:o, s:I, s:I}", "state", state(room, known ? "full" : "unknown"), "freeBytes",
                                  (json_int_t)space, "floorBytes", (json_int_t)app->settings->disk_floor));
    return readable && room;
}

/* What is not there yet (a new site before its first run) is no failure. */
static bool check_site(const struct catalog_entry *entry, json_t *rows) {
    struct error manifest_error = {0}, index_error = {0};
    struct catalog_facts facts;
    uint64_t passages;
    bool listed = catalog_facts(entry, &facts, &manifest_error);
    bool searched = catalog_index_look(entry->live, &passages, &index_error);
    bool indexed = searched || index_error.code == ERROR_ABSENT;
    json_t *row = json_object();
    json_object_set_new(row, "id", json_string(entry->site->id));
    json_object_set_new(row, "manifest", state(listed, error_name(manifest_error.code)));
    json_object_set_new(row, "index", state(searched, error_name(index_error.code)));
    if (listed)
        json_object_set_new(row, "episodes", json_integer((json_int_t)facts.episodes));
    if (searched)
        json_object_set_new(row, "passages", json_integer((json_int_t)passages));
    if (!listed)
        log_warn("http", "site %s: the manifest cannot be read: %s", entry->site->id, manifest_error.message);
    if (!indexed)
        log_warn("http", "site %s: the index cannot be read: %s", entry->site->id, index_error.message);
    json_array_append_new(rows, row);
    return listed && indexed;
}

static bool check_engine(const struct site_app *app, json_t *answer) {
    struct error err = {0};
    if (!app->settings->flow)
        return true;
    bool good = flow_server_healthy(app->settings->flow, &err);
    json_object_set_new(answer, "engine", state(good, error_name(err.code)));
    if (!good)
        log_warn("http", "the engine does not work: %s", err.message);
    return good;
}

void health(void *to, const struct server_request *request, struct server_response *response) {
    struct site_app *app = to;
    struct hold *hold = hold_open(app, request, response);
    JSON_OWNED json_t *answer = json_object();
    json_object_set_new(answer, "status", json_null()); /* stays in front */
    json_object_set_new(answer, "version", json_string(app->settings->version));
    json_object_set_new(answer, "uptimeSeconds",
                        json_integer((clock_monotonic_ms(app->clock) - app->started_ms) / 1000));
    bool good = check_disk(app, answer);
    json_t *rows = json_array();
    for (size_t i = 0; i < hold->view->count; i++)
        good &= check_site(&hold->view->entries[i], rows);
    for (size_t i = 0; i < hold->view->failure_count; i++) {
        json_array_append_new(rows, json_pack("{s:s%, s:s}", "id", hold->view->failures[i].id,
                                              strlen(hold->view->failures[i].id), "config",
                                              error_name(hold->view->failures[i].error.code)));
        good = false;
    }
    json_object_set_new(answer, "sites", rows);
    good &= check_engine(app, answer);
    json_object_set_new(answer, "status", json_string(good ? "ok" : "failing"));
    reply_json(request, response, good ? 200 : 503, answer, NULL);
}
