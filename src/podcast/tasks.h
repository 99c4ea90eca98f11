/* The tasks of a podcast run, which machines/podcast-run.asl.json puts in order. Each is safe to run twice, and does
 * what it finds to be done. What went wrong with one episode fails its task, by a name that Retry and Catch can look
 * for; what went wrong with a part of a site is in the run's report alone.
 *
 *   podcast.sites       {"sites": ids, absent: all} -> {"sites":[{"site"}], "rss","audio","respell","index",
 *                       "remote","preSync","upload","refresh","invalidate": whether, "remotePhases":[{"phase"}],
 *                       "fetchJobs","transcribeJobs","cloudJobs": how many at once}
 *   podcast.fetch       {"site"} -> {"site","failed": errors}; feeds and manifest
 *   podcast.work        {"phase","sites":[{"site"}]} -> {"items":[{"site","episode"}],"left"}; what is to be done in
 * the phase "download" or "transcribe" and was not tried in this run; `left` more than the first 500 are for another
 * execution podcast.download    {"site","episode"} -> the same podcast.settle      {"site"} -> {"site","failed"};
 * manifest and feeds' own transcripts, after the downloads podcast.transcribe  {"site","episode"} -> the same
 *   podcast.finish      {"site"} -> {"site","failed"}; new versions of audio take the place of old ones
 *   podcast.respell     {"site"} -> {"site","failed"}
 *   podcast.index       {"site"} -> {"site","failed"}
 *   podcast.presync     {"site"} -> {"site","failed"}; takes what the cloud has. This one and the next four fail as
 *                       Podcast.TryAgain where a Retry may help
 *   podcast.upload      {"site"} -> {"site","failed"}
 *   podcast.refresh     {"site"} -> {"site","failed"}; the search function takes the new index, if one is owed
 *   podcast.invalidate  {"site"} -> {"site","failed"}; CloudFront drops its copies of what was uploaded
 *   podcast.remote      {"site","phase": "rss","audio","index"} -> {"site","failed"}; a function of the site's account
 *                       does the phase
 *   podcast.failed      {"task","item":{"site","episode"},"error":{"Error","Cause"}} -> {"site","failed":1}; notes a
 *                       failure that the task did not note itself (it ran out of time, say)
 *   podcast.report      {} -> {"sites","failed","downloaded","transcribed","nothingNew","left"} */
#ifndef TIDEMILL_PODCAST_TASKS_H
#define TIDEMILL_PODCAST_TASKS_H

#include <stddef.h>

#include "run/task.h"

struct run;

enum { PODCAST_RUN_TASKS = 16 };

/* Fills the table, for this run, and returns the count of rows. */
size_t podcast_run_tasks(struct run *run, struct task rows[PODCAST_RUN_TASKS]);

#endif
