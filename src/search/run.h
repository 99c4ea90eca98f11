/* Words waiting to be written: gathered in memory by term, and when that is full written to a scratch file as a sorted
 * run (external merge sort: Knuth, The Art of Computer Programming, volume 3, section 5.4). Lists are those of
 * posting.h, with the serial number of the put in place of the episode's number, so that a put that was overtaken is
 * told apart. Inside this room only. */
#ifndef TIDEMILL_SEARCH_RUN_H
#define TIDEMILL_SEARCH_RUN_H

#include "base/error.h"
#include "search/posting.h"

struct run_builder;

struct run_builder *run_builder_open(void);
void run_builder_close(struct run_builder *builder);
/* The words of one episode come by passage, and in a passage by position; serials rise. */
void run_builder_word(struct run_builder *builder, const char *term, uint32_t length, uint32_t passage,
                      uint32_t position);
void run_builder_end_episode(struct run_builder *builder, uint32_t serial);
size_t run_builder_memory(const struct run_builder *builder);

/* A run in a scratch file. */
struct run {
    int fd;
    uint64_t start;
    uint64_t end;
};

/* Writes what was gathered at *at of `fd` and moves *at behind it; the builder is empty again. */
bool run_spill(struct run_builder *builder, int fd, uint64_t *at, struct run *run, struct error *err);

/* Reads a run term by term. */
struct run_reader {
    struct run run;
    uint64_t next;
    struct bytes buffer;
    size_t at;
    bool ended;
    /* the term in hand; the pointers lead into the buffer until the next step */
    const char *term;
    uint32_t length;
    struct posting_list list;
};
void run_reader_start(struct run_reader *reader, const struct run *run);
bool run_reader_next(struct run_reader *reader, struct error *err); /* sets `ended` behind the last */
void run_reader_close(struct run_reader *reader);

/* Writes or reads all of `length` bytes at `at`. */
bool run_write(int fd, uint64_t at, const void *data, size_t length, struct error *err);
bool run_read(int fd, uint64_t at, void *data, size_t length, struct error *err);

#endif
