#include "http/app.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "http/reply.h"

static void hold_give(void *what) {
    struct hold *hold = what;
    catalog_manifest_give(hold->manifest);
    catalog_view_give(hold->view);
}

struct hold *hold_open(struct site_app *app, const struct server_request *request, struct server_response *response) {
    struct hold *hold = arena_alloc(request->arena, sizeof(*hold));
    hold->view = catalog_view_take(app->catalog);
    response->release = hold_give;
    response->release_what = hold;
    return hold;
}

struct hold *hold_site(struct site_app *app, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_open(app, request, response);
    hold->entry = catalog_find(hold->view, request_parameter(request, "site"));
    if (!hold->entry) {
        reply_absent(request, response);
        return NULL;
    }
    hold->base = app_base(request, hold->entry->site->id);
    return hold;
}

const struct catalog_manifest *hold_manifest(struct hold *hold, const struct server_request *request,
                                             struct server_response *response) {
    struct error err = {0};
    if (!hold->manifest && !(hold->manifest = catalog_manifest_take(hold->entry, &err))) {
        error_context(&err, "site %s", hold->entry->site->id);
        if (err.code == ERROR_ABSENT)
            err.code = ERROR_IO; /* it was there a moment ago */
        reply_failure(request, response, &err);
    }
    return hold->manifest;
}

struct object_store *hold_files(struct hold *hold, const struct server_request *request,
                                struct server_response *response) {
    struct error err = {0};
    struct object_store *files = catalog_files(hold->entry->live, &err);
    if (!files)
        reply_failure(request, response, &err);
    return files;
}

const char *app_origin(const struct server_request *request) {
    return arena_format(request->arena, "%s://%s", request->secure ? "https" : "http",
                        request->host[0] ? request->host : "localhost");
}

const char *app_base(const struct server_request *request, const char *site_id) {
    if (request->site_in_front && strcmp(request->host_site, site_id) == 0)
        return "/";
    return arena_format(request->arena, "/sites/%s/", site_id);
}

const char *app_site_title(const struct site *site) {
    return site->header.primary_title && site->header.primary_title[0] ? site->header.primary_title : site->id;
}

const char *app_site_tagline(struct arena *arena, const struct site *site) {
    const char *name = site->header.tagline_name, *suffix = site->header.tagline_suffix;
    return arena_format(arena, "Search the %s %s", name && name[0] ? name : app_site_title(site),
                        suffix && suffix[0] ? suffix : "archives");
}

const char *app_site_image(const struct server_request *request, const struct site *site, const char *base) {
    const char *image = site->metadata.open_graph_image_path;
    if (!image || !text_starts(image, "./assets/"))
        return "";
    const char *path = site_asset_path(request->arena, site, image);
    if (!path || access(path, R_OK) != 0)
        return "";
    struct text address;
    text_open(&address, 4096);
    text_append_format(&address, "%s%s", app_origin(request), base);
    text_append_percent(&address, image + 2, "/");
    const char *made = arena_text(request->arena, text_value(&address));
    text_close(&address);
    return made;
}
