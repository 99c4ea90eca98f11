#include "http/flow_pages.h"

#include <string.h>

#include "http/asset.h"
#include "http/handlers.h"
#include "http/page.h"
#include "http/reply.h"

#define CONSOLE_POLICY                                                                                                 \
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

void console_front(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    reply_moved(request, response, "/console/machines");
}

void console_page(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    struct page_head head = {
        .base = "/console/",
        .title = "tidemill",
        .description = "State machines, their executions and schedules.",
        .theme_color = "#175c68",
        .theme_color_dark = "#7fc4cf",
        .site_name = "tidemill",
        .type = "website",
    };
    size_t length;
    char *page = page_fill(request->arena, "flow/console.html", &head, &length);
    reply_text(request, response, REPLY_HTML, page, length, "no-cache");
    response->policy = CONSOLE_POLICY;
}

void console_file(void *to, const struct server_request *request, struct server_response *response) {
    const char *folder = request_parameter(request, "folder"), *file = request_parameter(request, "file");
    if (strcmp(folder, "site") == 0)
        asset_send(request, response, file);
    else if (strcmp(folder, "flow") == 0)
        asset_send(request, response, arena_format(request->arena, "flow/%s", file));
    else
        reply_absent(request, response);
    (void)to;
}
