/* Probabilities become stretches of speech, window by window, with what is known so far only. For this room only. */
#ifndef TIDEMILL_SPEECH_ACTIVITY_SPANS_H
#define TIDEMILL_SPEECH_ACTIVITY_SPANS_H

#include "speech/activity.h"

struct activity_spans {
    struct activity_rule rule; /* filled */
    int64_t start_ms;          /* of the stream: nothing is padded to before it */
    int64_t now_ms;            /* end of the last window */
    bool speaking;             /* the last window was speech */
    int64_t run_from;          /* since when */
    bool open;                 /* a stretch has begun and is not finished */
    int64_t from;
    int64_t until;
};

/* The rule with its defaults filled in. */
struct activity_rule activity_rule_filled(const struct activity_rule *rule);
void activity_spans_begin(struct activity_spans *spans, const struct activity_rule *rule, int64_t start_ms);
/* The next window; true when a stretch is finished: a pause of bridge_ms has followed it. */
bool activity_spans_window(struct activity_spans *spans, float probability, struct span *done);
/* The stream ends at end_ms; true when a stretch was open. */
bool activity_spans_end(struct activity_spans *spans, int64_t end_ms, struct span *done);

#endif
