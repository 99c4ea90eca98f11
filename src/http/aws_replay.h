/* The signatures seen of late, so that none is taken twice (aws_auth.h, refuse_replays). Any thread. */
#ifndef TIDEMILL_HTTP_AWS_REPLAY_H
#define TIDEMILL_HTTP_AWS_REPLAY_H

#include <stddef.h>
#include <stdint.h>

struct aws_replay;

enum aws_replay_answer { AWS_REPLAY_NEW, AWS_REPLAY_SEEN, AWS_REPLAY_FULL };

/* Remembers at most `most` signatures (a power of two). */
struct aws_replay *aws_replay_open(size_t most);
void aws_replay_close(struct aws_replay *replay); /* NULL is allowed */

/* Notes a right signature that is good until `good_until_ms`. Forgets those that are good no longer. FULL: there are
 * `most` that still are. */
enum aws_replay_answer aws_replay_note(struct aws_replay *replay, const char *signature, int64_t good_until_ms,
                                       int64_t now_ms);

#endif
