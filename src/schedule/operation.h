/* The operations behind api.h, one row each. Private to schedule/. They run with the lock held, writing ones in a
 * transaction that is rolled back when they fail. */
#ifndef TIDEMILL_SCHEDULE_OPERATION_H
#define TIDEMILL_SCHEDULE_OPERATION_H

#include "schedule/api.h"
#include "schedule/shape.h"
#include "schedule/store.h"

struct schedule_call {
    struct schedules *schedules;
    struct arena *arena;
    const struct schedule_request *request;
    const char *name; /* what stood behind the first part of the path; NULL: nothing */
    int64_t now_ms;
};

typedef bool schedule_operation(struct schedule_call *call, json_t **answer, struct api_error *error);

schedule_operation schedule_create_schedule, schedule_get_schedule, schedule_update_schedule, schedule_delete_schedule,
    schedule_list_schedules, schedule_create_group, schedule_get_group, schedule_delete_group, schedule_list_groups,
    schedule_tag, schedule_untag, schedule_list_tags;

/* The first query field of a name; NULL: there is none. */
const char *schedule_query(const struct schedule_call *call, const char *name);

/* An error of the database as the service would tell it: InternalServerException. The cause is logged. Returns false.
 */
bool schedule_broken(const struct error *err, struct api_error *error);

/* Is there such a group? ResourceNotFoundException else. */
bool schedule_group_exists(struct schedule_call *call, const char *group, struct api_error *error);

/* MaxResults and NextToken of a list. The token is the key of the last item that was given, in hexadecimal. */
struct schedule_page {
    int64_t limit;
    const char *after; /* in the arena; "" at the beginning */
};
bool schedule_page_read(struct schedule_call *call, struct schedule_page *page, struct api_error *error);
json_t *schedule_page_token(struct schedule_call *call, const char *last);

/* Milliseconds as a number of seconds. */
json_t *schedule_time(int64_t ms);

extern const struct shape schedule_name_shape;  /* Name of a schedule or group */
extern const struct shape schedule_group_shape; /* GroupName */
extern const struct shape schedule_prefix_shape;
extern const struct shape schedule_tags_shape[]; /* members: Key, Value */

#endif
