/* Drawings of any definition that compiles: the layout, the SVG and the tree. */
#include <stdint.h>

#include "base/limits.h"
#include "flow/draw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct definition_settings settings = {0};
    struct diagnostics *diagnostics = diagnostics_open();
    struct machine *machine = machine_compile((const char *)data, size, &settings, diagnostics);
    if (machine) {
        struct text out;
        text_open(&out, 16 * MIB);
        json_decref(flow_draw_layout(machine, NULL));
        flow_draw_svg(machine, &out, NULL);
        text_reset(&out);
        flow_draw_text(machine, &out, NULL);
        text_close(&out);
    }
    machine_close(machine);
    diagnostics_close(diagnostics);
    return 0;
}
