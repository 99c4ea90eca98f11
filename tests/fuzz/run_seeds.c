/* Runs a fuzz target once over every file of a folder, so that the seeds are tests under every sanitizer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    static uint8_t bytes[1 << 22];
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    /* An exact-size copy lets the sanitizer see a read past the end. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        return 1;
    for (size_t i = 0; i < size; i++)
        exact[i] = bytes[i];
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

int main(int argc, char **argv) {
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "no seeds: %s\n", argc > 1 ? argv[1] : "(no folder named)");
        return 1;
    }
    int failed = 0;
    int ran = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        failed += run_file(path);
        ran++;
    }
    closedir(folder);
    printf("%d seeds\n", ran);
    return failed || !ran;
}
