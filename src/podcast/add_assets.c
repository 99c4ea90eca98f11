/* The pictures of a new site, all made from the show's cover. */
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/add_internal.h"
#include "podcast/art_worker.h"

/* The pictures' names and sizes are those that the page's head and older sites have. */
static const struct {
    const char *name;
    int side;
} icons[] = {
    {"assets/apple-touch-icon.png", 180},
    {"assets/favicon-96x96.png", 96},
    {"assets/web-app-manifest-192x192.png", 192},
    {"assets/web-app-manifest-512x512.png", 512},
};

static bool fetch_cover(struct adding *adding, const char **bytes, size_t *length, struct error *err) {
    struct http_request request = {
        .url = adding->feed->image,
        .largest_body = LIMIT_COVER_BYTES,
        .cancel = adding->settings->cancel,
    };
    struct http_response response = {0};
    if (!http_perform(adding->client, adding->arena, &request, &response, err))
        return false;
    *bytes = response.body;
    *length = response.body_length;
    return true;
}

/* An ICO file around one PNG picture of 32 by 32: six bytes of header, sixteen of directory (as Windows has read them
 * since Vista). */
static bool write_ico(struct adding *adding, struct error *err) {
    struct art small;
    const uint8_t *png = NULL;
    size_t length = 0;
    if (!art_resize(adding->arena, &adding->art, 32, 32, &small, err) ||
        !art_png(adding->arena, &small, &png, &length, err))
        return false;
    uint8_t head[22] = {0, 0, 1, 0, 1, 0, 32, 32, 0, 0, 1, 0, 24, 0};
    for (size_t i = 0; i < 4; i++) {
        head[14 + i] = (uint8_t)(length >> (8 * i));
        head[18 + i] = (uint8_t)(sizeof(head) >> (8 * i));
    }
    uint8_t *ico = arena_alloc(adding->arena, sizeof(head) + length);
    memcpy(ico, head, sizeof(head));
    memcpy(ico + sizeof(head), png, length);
    return add_write(adding, "assets/favicon.ico", ico, sizeof(head) + length, err);
}

static bool write_icons(struct adding *adding, struct error *err) {
    struct art made;
    const uint8_t *png = NULL;
    size_t length = 0;
    for (size_t i = 0; i < sizeof(icons) / sizeof(icons[0]); i++)
        if (!art_resize(adding->arena, &adding->art, icons[i].side, icons[i].side, &made, err) ||
            !art_png(adding->arena, &made, &png, &length, err) || !add_write(adding, icons[i].name, png, length, err))
            return false;
    adding->card = "./assets/social-cards/open-graph-card-1200x630.png";
    return write_ico(adding, err) && art_card(adding->arena, &adding->art, adding->light, 1200, 630, &made, err) &&
           art_png(adding->arena, &made, &png, &length, err) && add_write(adding, adding->card + 2, png, length, err);
}

/* The first letter of the title on the site's colour. */
static bool write_svg(struct adding *adding, struct error *err) {
    const char *title = adding->result->title;
    uint32_t code = 0;
    size_t size = utf8_decode(title, strlen(title), &code);
    TEXT_SCOPED struct text svg;
    text_open(&svg, 4 * KIB);
    text_append_format(&svg,
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\"><rect width=\"64\" "
                       "height=\"64\" rx=\"14\" fill=\"%s\"/><text x=\"32\" y=\"45\" font-size=\"38\" "
                       "font-family=\"sans-serif\" font-weight=\"700\" text-anchor=\"middle\" fill=\"#fff\">",
                       adding->light);
    text_append_xml(&svg, arena_text_part(adding->arena, title, size));
    text_append(&svg, "</text></svg>\n");
    return add_write(adding, "assets/favicon.svg", text_value(&svg), svg.length, err);
}

static bool write_manifest(struct adding *adding, bool has_icons, struct error *err) {
    json_t *list = json_array();
    for (size_t i = 2; has_icons && i < sizeof(icons) / sizeof(icons[0]); i++) {
        const char *sizes = arena_format(adding->arena, "%dx%d", icons[i].side, icons[i].side);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "src", icons[i].name + strlen("assets/"), "sizes",
                                              sizes, "type", "image/png", "purpose", "any"));
    }
    JSON_OWNED json_t *json =
        json_pack("{s:s, s:s, s:o, s:s, s:s, s:s}", "name", adding->result->title, "short_name",
                  add_plain(adding->arena, adding->result->title, 20), "icons", list, "theme_color", adding->light,
                  "background_color", adding->dark, "display", "standalone");
    TEXT_OWNED char *text = json_text(json, 2);
    return add_write(adding, "assets/site.webmanifest", text, strlen(text), err);
}

/* The cover as it came, beside what is made from it. False when it cannot be used; err says why. */
static bool take_cover(struct adding *adding, struct error *why) {
    const char *bytes = NULL;
    size_t length = 0;
    if (!adding->feed->image || !*adding->feed->image)
        return error_set(why, ERROR_ABSENT, "the feed names no picture");
    if (!fetch_cover(adding, &bytes, &length, why))
        return false;
    const char *extension = art_extension(bytes, length);
    if (!extension)
        return error_set(why, ERROR_UNSUPPORTED, "is no JPEG, PNG, WebP or GIF picture");
    const struct add_settings *settings = adding->settings;
    bool decoded = settings->worker ? art_decode_apart(adding->arena, settings->worker, settings->scratch, bytes,
                                                       length, &adding->art, why)
                                    : art_decode(adding->arena, bytes, length, &adding->art, why);
    return decoded && add_write(adding, arena_format(adding->arena, "assets/cover.%s", extension), bytes, length, why);
}

bool add_assets(struct adding *adding, struct error *err) {
    struct error why = {0};
    memcpy(adding->light, "#734ee4", ART_COLOUR_SIZE);
    memcpy(adding->dark, "#2f6a9e", ART_COLOUR_SIZE);
    adding->card = "TO_BE_ADDED";
    bool has_cover = take_cover(adding, &why);
    if (has_cover)
        art_colours(&adding->art, adding->light, adding->dark);
    else if (why.code == ERROR_CANCELLED || why.code == ERROR_FULL)
        return error_copy(err, &why);
    else
        add_warn(adding, "no cover: %s", why.message);
    return (!has_cover || write_icons(adding, err)) && write_svg(adding, err) && write_manifest(adding, has_cover, err);
}
