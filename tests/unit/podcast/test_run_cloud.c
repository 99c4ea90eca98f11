/* Phases 1, 5 and 6 of a run against a cloud that can be told to fail. */
#include "base/file.h"
#include "podcast/manifest.h"
#include "podcast/run_site.h"
#include "unit/podcast/cloud_world.h"

static void an_empty_side_gets_all_of_the_cloud(void **state) {
    struct world *world = *state;
    world_fill_there(world, "a");
    world_run_well(world);
    const struct run_site_record *record = &world->report.sites[0];
    assert_int_equal(record->files_downloaded, 3);
    assert_int_equal(record->missing_locally, 3);
    assert_string_equal(world_here(world, "a", WORLD_AUDIO), "sound");
    /* The manifest that came was used: its episode is in the index now, and that went up. */
    assert_int_equal(record->index_entries, 1);
    assert_non_null(world_there(world, "a", WORLD_ENTRIES));
    assert_non_null(world_there(world, "a", WORLD_INDEX));
    assert_int_equal(record->uploaded, 2);
    assert_true(record->had_previous_files);
    assert_int_equal(world->invoked, 1);
    assert_string_equal(text_value(&world->calls), "search-api-a {\"forceFreshDBFileDownload\":true}\n");
    assert_string_equal(text_value(&world->paths), "/" WORLD_ENTRIES "\n/" WORLD_INDEX "\n");
    world_run_idle(world);
}

static void an_empty_cloud_gets_all_of_this_side(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_write(world, "a", "rss/a b%.xml", "<rss/>");
    world_write(world, "a", "transcripts/.processing-lock.json", "{}");
    world_run_well(world);
    const struct run_site_record *record = &world->report.sites[0];
    assert_int_equal(record->files_downloaded, 0);
    assert_int_equal(record->uploaded, 6);
    assert_int_equal(record->to_upload, 6);
    assert_int_equal(record->audio_synced, 1);
    assert_int_equal(record->transcripts_synced, 1);
    assert_int_equal(record->manifest_synced, 1);
    assert_int_equal(record->rss_synced, 1);
    assert_int_equal(record->entries_synced, 1);
    assert_int_equal(record->index_synced, 1);
    assert_false(record->had_previous_files);
    assert_string_equal(world_there(world, "a", MANIFEST_KEY), world_manifest);
    assert_null(world_there(world, "a", "transcripts/.processing-lock.json"));
    assert_non_null(strstr(text_value(&world->paths), "/rss/a%20b%25.xml\n"));
    assert_int_equal(world->invalidated, 1);
    world_run_idle(world);
}

/* Defect of the older scripts: names only were compared, so that what was corrected here never went up. */
static void what_changed_under_its_name_goes_up(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    world_write(world, "a", "rss/pod.xml", "<rss>1</rss>");
    world_run_well(world);
    world_write(world, "a", "rss/pod.xml", "<rss>2</rss>");
    world_run_well(world);
    assert_int_equal(world->report.sites[0].uploaded, 1);
    assert_string_equal(world_there(world, "a", "rss/pod.xml"), "<rss>2</rss>");
    assert_string_equal(text_value(&world->paths), "/rss/pod.xml\n");
    world_run_idle(world);
}

static void a_failed_listing_is_not_emptiness(void **state) {
    struct world *world = *state;
    world_write(world, "a", MANIFEST_KEY, world_manifest);
    world_write(world, "a", WORLD_SRT, world_srt);
    world_put(world, "a", WORLD_AUDIO, "sound");
    world->list_fails = "a";
    world->settings.skip_rss = false;
    world->settings.site_count = 2;
    world_fill_here(world, "b");
    assert_int_equal(world_run(world), 1);
    assert_true(world_error(world, 0, "pre-sync"));
    assert_true(world_error(world, 0, "upload"));
    assert_true(world_warning(world, 0, "phase 1 failed"));
    assert_false(world_error(world, 0, "episode \""));
    assert_int_equal(world->report.sites[0].pre_sync.outcome, RUN_FAILED);
    assert_int_equal(world->report.sites[0].index.outcome, RUN_OK);
    assert_null(world_there(world, "a", MANIFEST_KEY));
    /* The other went on. */
    assert_int_equal(world->report.sites[1].s3_sync.outcome, RUN_OK);
    assert_non_null(world_there(world, "b", WORLD_AUDIO));
    /* Whoever says so has it done all the same. */
    world->settings.skip_pre_sync = true;
    assert_int_equal(world_run(world), 1);
    assert_true(world_error(world, 0, "episode \"First\""));
}

static void a_role_that_is_denied_fails_its_site_alone(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_fill_here(world, "b");
    world->settings.site_count = 2;
    world->role_denied = "a";
    assert_int_equal(world_run(world), 1);
    assert_true(world_error(world, 0, "the role cannot be taken; let it trust the automation user"));
    assert_int_equal(world->report.sites[0].s3_sync.outcome, RUN_FAILED);
    assert_int_equal(world->report.sites[0].index.outcome, RUN_OK);
    assert_int_equal(world->report.sites[1].error_count, 0);
    /* Refusals are not tried again: twice for a, twice for b. */
    assert_int_equal(world->opened, 4);
    assert_string_equal(text_value(&world->calls), "search-api-b {\"forceFreshDBFileDownload\":true}\n");
}

static void a_site_without_account_is_told_and_goes_on_here(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world->settings.site_count = 2;
    world->accounts.rows = &world->rows[1];
    world->accounts.count = 1;
    assert_int_equal(world_run(world), 1);
    assert_true(world_error(world, 0, "has no row for the site a"));
    assert_false(world_warning(world, 0, "phase 1 failed"));
    assert_int_equal(world->report.sites[0].index.outcome, RUN_OK);
    assert_int_equal(world->report.sites[1].error_count, 0);
}

/* Its row was lost, not its copy in the cloud. */
static void a_deployed_site_without_account_is_not_fetched_anew(void **state) {
    static const char *deployed[] = {"a"};
    struct world *world = *state;
    world_write(world, "a", MANIFEST_KEY, world_manifest);
    world->settings.skip_rss = false;
    world->accounts.count = 0;
    world->accounts.deployed = deployed;
    world->accounts.deployed_count = 1;
    assert_int_equal(world_run(world), 1);
    assert_true(world_warning(world, 0, "phase 1 failed"));
    assert_false(world_error(world, 0, "episode \""));
}

static void a_refresh_is_tried_again_within_the_run(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world->refusals = 2;
    world_run_well(world);
    assert_int_equal(world->invoked, 3);
    assert_int_equal(world->report.sites[0].refresh.outcome, RUN_OK);
    world_run_idle(world);
}

static void a_refresh_that_failed_is_owed(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world->refusals = 1000;
    world->refusal = ERROR_DENIED;
    assert_int_equal(world_run(world), 1);
    assert_true(world_error(world, 0, "search refresh"));
    assert_int_equal(world->invoked, 1);
    assert_int_equal(world->invalidated, 1);
    world->refusals = 0;
    world_run_well(world);
    assert_int_equal(world->report.sites[0].uploaded, 0);
    assert_int_equal(world->invoked, 1);
    assert_int_equal(world->invalidated, 0);
    world_run_idle(world);
}

static void an_answer_that_tells_of_a_failure_is_one(void **state) {
    static const char *const answers[] = {"{\"statusCode\": 404, \"body\": \"{}\"}", "{\"errorMessage\": \"x\"}",
                                          "{\"status\": \"error\"}", "no json",
                                          "{\"statusCode\": 200, \"body\": \"{\\\"status\\\": \\\"error\\\"}\"}"};
    struct world *world = *state;
    world_fill_here(world, "a");
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        world->answer = answers[i];
        assert_int_equal(world_run(world), 1);
        assert_true(world_error(world, 0, "function search-api-a"));
    }
    world->answer = "null";
    world_run_well(world);
    assert_int_equal(world->invoked, 1);
    world_run_idle(world);
}

static void an_invalidation_that_failed_is_owed_under_its_name(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world->invalidation_refusals = 1000;
    world->refusal = ERROR_DENIED;
    assert_int_equal(world_run(world), 1);
    assert_true(world_error(world, 0, "invalidation"));
    assert_int_equal(world->invalidated, 1);
    world->invalidation_refusals = 0;
    world_run_well(world);
    assert_int_equal(world->invalidated, 1);
    assert_int_equal(world->invoked, 0);
    assert_string_equal(world->reference[0], world->reference[1]);
    world_run_idle(world);
    /* New uploads are another invalidation, of those alone. */
    world_write(world, "a", "rss/pod.xml", "<rss/>");
    world_run_well(world);
    assert_string_not_equal(world->reference[0], world->reference[1]);
    assert_string_equal(text_value(&world->paths), "/rss/pod.xml\n");
}

static void what_is_owed_grows_over_the_runs(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world->settings.skip_invalidation = true;
    world_run_well(world);
    assert_int_equal(world->invalidated, 0);
    world_write(world, "a", "rss/pod.xml", "<rss/>");
    world_run_well(world);
    world->settings.skip_invalidation = false;
    world_run_well(world);
    assert_int_equal(world->invalidated, 1);
    assert_non_null(strstr(text_value(&world->paths), "/rss/pod.xml\n"));
    assert_non_null(strstr(text_value(&world->paths), "/" WORLD_AUDIO "\n"));
    world_run_idle(world);
}

static void many_paths_become_folders(void **state) {
    struct world *world = *state;
    struct error err = {0};
    const char *keys[1001];
    keys[0] = WORLD_AUDIO;
    for (int i = 1; i < 1001; i++)
        keys[i] = arena_format(world->arena, "rss/%d.xml", i);
    struct podcast_state *own = podcast_state_open(scratch_path(world->scratch, "data/state/podcast.db"), &err);
    JSON_OWNED json_t *nothing = json_object();
    assert_true(state_owed_plan(own, "a", keys, 1000, 1, &err) && state_owed_settle(own, "a", nothing, &err));
    world->settings.skip_pre_sync = world->settings.skip_upload = true;
    world_run_well(world);
    assert_non_null(strstr(text_value(&world->paths), "/rss/999.xml\n"));
    assert_true(state_owed_plan(own, "a", keys, 1001, 2, &err) && state_owed_settle(own, "a", nothing, &err));
    podcast_state_close(own);
    world_run_well(world);
    assert_string_equal(text_value(&world->paths), "/audio/*\n/rss/*\n");
}

static const char one_more[] =
    "{\"lastUpdated\":\"2025-06-02T10:00:00.000Z\",\"episodes\":["
    "{\"sequentialId\":1,\"podcastId\":\"pod\",\"title\":\"First\",\"fileKey\":\"2024-01-01_First--1700000000000\","
    "\"originalAudioURL\":\"http://127.0.0.1:1/1.mp3\",\"summary\":\"\",\"publishedAt\":\"2024-01-01T08:00:00.000Z\"},"
    "{\"sequentialId\":2,\"podcastId\":\"pod\",\"title\":\"%s\",\"fileKey\":\"2024-01-0%d_%s--1700000000002\","
    "\"originalAudioURL\":\"http://127.0.0.1:1/%s.mp3\",\"summary\":\"\",\"publishedAt\":\"2024-01-0%dT08:00:00.000Z\"}"
    "]}";

static const char *with_one_more(struct world *world, const char *title, int day) {
    char text[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof(text), one_more, title, day, title, title, day);
#pragma GCC diagnostic pop
    return arena_text(world->arena, text);
}

static struct manifest *manifest_of(const char *text) {
    struct error err = {0};
    assert_non_null(text);
    struct manifest *manifest = manifest_parse(text, strlen(text), &err);
    if (!manifest)
        fail_msg("%s", err.message);
    return manifest;
}

/* Defect of the older scripts: a machine that was away for long pushed its old manifest over the cloud's. */
static void a_stale_manifest_takes_the_newer_one(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    world_put(world, "a", MANIFEST_KEY, with_one_more(world, "Second", 2));
    world_run_well(world);
    assert_string_equal(world_here(world, "a", MANIFEST_KEY), with_one_more(world, "Second", 2));
    assert_string_equal(world_there(world, "a", MANIFEST_KEY), with_one_more(world, "Second", 2));
    world_run_idle(world);
}

/* What the state remembers of each episode is about the index that was here, not about the one that came. */
static void an_index_from_elsewhere_gets_what_it_lacks(void **state) {
    struct world *world = *state;
    struct error err = {0};
    char *bytes = NULL;
    size_t length = 0;
    world_fill_here(world, "a");
    world_run_well(world);
    const char *path = scratch_path(world->scratch, "files/a/" WORLD_INDEX);
    assert_true(file_read(world->arena, path, 1 << 24, &bytes, &length, &err));
    world_write(world, "a", MANIFEST_KEY, with_one_more(world, "Second", 2));
    world_write(world, "a", "transcripts/pod/2024-01-02_Second--1700000000002.srt", world_srt);
    world_run_well(world);
    assert_int_equal(world->report.sites[0].index_entries, 1);
    assert_true(object_put_bytes(world->buckets, world_bucket_key(world, "a", WORLD_INDEX), bytes, length, NULL, &err));
    world_run_well(world);
    assert_int_equal(world->report.sites[0].files_downloaded, 1);
    assert_int_equal(world->report.sites[0].index_entries, 1);
    assert_int_equal(world->report.sites[0].index_synced, 1);
    world_run_idle(world);
}

static void manifests_that_both_changed_are_united(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    world_write(world, "a", MANIFEST_KEY, with_one_more(world, "Mine", 3));
    world_put(world, "a", MANIFEST_KEY, with_one_more(world, "Theirs", 2));
    world_run_well(world);
    assert_true(world_warning(world, 0, "both were united"));
    struct manifest *united = manifest_of(world_there(world, "a", MANIFEST_KEY));
    assert_int_equal(united->count, 3);
    assert_string_equal(manifest_find(united, 2)->title, "Theirs");
    assert_string_equal(manifest_find(united, 3)->title, "Mine");
    manifest_close(united);
    assert_string_equal(world_here(world, "a", MANIFEST_KEY), world_there(world, "a", MANIFEST_KEY));
    world_run_idle(world);
}

/* Rows get other numbers when two manifests are united; a version under way stays with its episode. */
static void a_version_under_way_follows_its_episode(void **state) {
    static const char *const keys[] = {"2024-01-03_Mine--1700000000002", "2024-01-03_Mine--1700000500000",
                                       "2024-01-02_Theirs--1700000000002"};
    struct world *world = *state;
    struct error err = {0};
    world_fill_here(world, "a");
    world_run_well(world);
    world_write(world, "a", MANIFEST_KEY, with_one_more(world, "Mine", 3));
    world_put(world, "a", MANIFEST_KEY, with_one_more(world, "Theirs", 2));
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        world_write(world, "a", arena_format(world->arena, "audio/pod/%s.mp3", keys[i]), keys[i]);
        world_write(world, "a", arena_format(world->arena, "transcripts/pod/%s.srt", keys[i]), world_srt);
    }
    struct podcast_state *own = podcast_state_open(scratch_path(world->scratch, "data/state/podcast.db"), &err);
    struct state_version version = {.episode = 2,
                                    .old_key = keys[0],
                                    .new_key = keys[1],
                                    .downloaded_ms = 1700000500000,
                                    .old_audio = "audio/pod/2024-01-03_Mine--1700000000002.mp3"};
    assert_true(state_version_write(own, "a", &version, &err));
    podcast_state_close(own);
    world->settings.skip_audio = false;
    world_run_well(world);
    struct manifest *united = manifest_of(world_here(world, "a", MANIFEST_KEY));
    assert_string_equal(manifest_find(united, 2)->title, "Theirs");
    assert_string_equal(manifest_find(united, 2)->file_key, keys[2]);
    assert_string_equal(manifest_find(united, 3)->title, "Mine");
    assert_string_equal(manifest_find(united, 3)->file_key, keys[1]);
    manifest_close(united);
    assert_non_null(world_here(world, "a", "audio/pod/2024-01-02_Theirs--1700000000002.mp3"));
    assert_null(world_here(world, "a", version.old_audio));
    world_run_idle(world);
}

static void a_manifest_that_cannot_be_read_does_not_come(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    world_put(world, "a", MANIFEST_KEY, "{\"episodes\": 7}");
    world_put(world, "a", "rss/pod.xml", "<rss/>");
    assert_int_equal(world_run(world), 1);
    assert_true(world_error(world, 0, "the cloud's " MANIFEST_KEY));
    assert_string_equal(world_here(world, "a", MANIFEST_KEY), world_manifest);
    assert_string_equal(world_here(world, "a", "rss/pod.xml"), "<rss/>");
    assert_string_equal(world_there(world, "a", MANIFEST_KEY), "{\"episodes\": 7}");
}

/* Whatever is newer: what is not understood is not replaced by what does not know it. */
static void a_manifest_that_cannot_be_united_is_left_in_the_cloud(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    world_write(world, "a", MANIFEST_KEY, with_one_more(world, "Mine", 3));
    memory_store_set(world->buckets, world_bucket_key(world, "a", MANIFEST_KEY), "{\"episodes\": 7}", 1000);
    assert_int_equal(world_run(world), 1);
    assert_true(world_error(world, 0, "the cloud's " MANIFEST_KEY));
    assert_string_equal(world_here(world, "a", MANIFEST_KEY), with_one_more(world, "Mine", 3));
    assert_string_equal(world_there(world, "a", MANIFEST_KEY), "{\"episodes\": 7}");
}

/* Somebody else writes the manifest while this one's audio is uploaded. */
static void write_meanwhile(void *to, const char *line) {
    struct world *world = to;
    if (strstr(line, "files to upload"))
        memory_store_set(world->buckets, world_bucket_key(world, "a", MANIFEST_KEY), with_one_more(world, "Theirs", 2),
                         1000);
}

static void a_manifest_that_came_during_the_upload_is_united(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    world->settings.say = write_meanwhile;
    world->settings.say_to = world;
    /* Once without a conflict before, once with one. */
    for (int i = 0; i < 2; i++) {
        world_write(world, "a", MANIFEST_KEY, with_one_more(world, i ? "Other" : "Mine", i ? 4 : 3));
        if (i)
            world_put(world, "a", MANIFEST_KEY, with_one_more(world, "First", 5));
        world_run_well(world);
        struct manifest *united = manifest_of(world_there(world, "a", MANIFEST_KEY));
        bool theirs = false;
        bool mine = false;
        for (size_t j = 0; j < united->count; j++) {
            theirs |= strcmp(united->episodes[j]->title, "Theirs") == 0;
            mine |= strcmp(united->episodes[j]->title, i ? "Other" : "Mine") == 0;
        }
        manifest_close(united);
        assert_true(theirs);
        assert_true(mine);
        assert_string_equal(world_here(world, "a", MANIFEST_KEY), world_there(world, "a", MANIFEST_KEY));
    }
}

/* It was made without knowing of the cloud's. */
static void an_index_made_without_a_pre_sync_takes_no_others_place(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    memory_store_set(world->buckets, world_bucket_key(world, "a", WORLD_INDEX), "theirs", 1000);
    world_write(world, "a", MANIFEST_KEY, with_one_more(world, "Second", 2));
    world_write(world, "a", "transcripts/pod/2024-01-02_Second--1700000000002.srt", world_srt);
    world->presync_fails = true;
    assert_int_equal(world_run(world), 1);
    assert_int_equal(world->report.sites[0].index_entries, 1);
    assert_string_equal(world_there(world, "a", WORLD_INDEX), "theirs");
    assert_true(world_warning(world, 0, WORLD_INDEX ": changed here and in the cloud: it was left there"));
    world->presync_fails = false;
    world_run_well(world);
    assert_string_not_equal(world_there(world, "a", WORLD_INDEX), "theirs");
    world_run_idle(world);
}

/* What could not be brought here is known to the process that tried; the notes of one that was killed tell of the
 * failure alone. */
static void a_killed_run_that_goes_on_fetches_nothing_that_the_cloud_may_have(void **state) {
    struct world *world = *state;
    struct run run = {.settings = &world->settings};
    struct run_source source = {.site = &world->sites[0]};
    struct run_site_record record = {.site = source.site};
    struct run_site site = {
        .run = &run, .source = &source, .site = source.site, .arena = world->arena, .record = &record};
    pthread_mutex_init(&run.note_lock, NULL);
    pthread_mutex_init(&run.say_lock, NULL);
    run.notes = json_pack("{s:{s:b}}", "podcast.presync/a#0", "looked", 1);
    site.lock = &run.say_lock;
    assert_true(run_may_fetch(&site, false));
    json_object_set_new(json_object_get(run.notes, "podcast.presync/a#0"), "errors", json_pack("[s]", "x"));
    assert_false(run_may_fetch(&site, false));
    source.presynced = true;
    assert_true(run_may_fetch(&site, false));
    json_decref(run.notes);
    pthread_mutex_destroy(&run.say_lock);
    pthread_mutex_destroy(&run.note_lock);
}

static void what_changed_in_the_cloud_alone_is_left_there(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    world_put(world, "a", WORLD_AUDIO, "other sound");
    world->settings.skip_pre_sync = true;
    world_run_well(world);
    assert_true(world_warning(world, 0, "it was left there"));
    assert_string_equal(world_there(world, "a", WORLD_AUDIO), "other sound");
    world->settings.skip_pre_sync = false;
    world_run_well(world);
    assert_string_equal(world_here(world, "a", WORLD_AUDIO), "other sound");
    world_run_idle(world);
}

static void the_newer_of_two_changes_wins_and_is_listed(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    world_write(world, "a", WORLD_AUDIO, "mine");
    /* Far in the future, so that it is newer than the file, whose time is the system's. */
    memory_store_set(world->buckets, world_bucket_key(world, "a", WORLD_AUDIO), "theirs", 4102444800000);
    world_run_well(world);
    assert_true(world_warning(world, 0, "changed here and in the cloud"));
    assert_string_equal(world_here(world, "a", WORLD_AUDIO), "theirs");
    world_write(world, "a", WORLD_AUDIO, "mine again");
    memory_store_set(world->buckets, world_bucket_key(world, "a", WORLD_AUDIO), "theirs again", 1000);
    world_run_well(world);
    assert_string_equal(world_there(world, "a", WORLD_AUDIO), "mine again");
    assert_int_equal(world->report.sites[0].pre_conflicts, 1);
    world_run_idle(world);
}

static void a_dry_run_tells_and_does_nothing(void **state) {
    struct world *world = *state;
    world_put(world, "a", MANIFEST_KEY, world_manifest);
    world_put(world, "a", WORLD_AUDIO, "sound");
    world_write(world, "a", "rss/pod.xml", "<rss/>");
    world->settings.dry_run = true;
    world->settings.skip_rss = false;
    world_run(world);
    assert_true(world_plan(world, 0, "download " WORLD_AUDIO " (5 bytes) from the cloud"));
    assert_true(world_plan(world, 0, "upload rss/pod.xml (6 bytes) to the cloud"));
    assert_true(world_plan(world, 0, "call search-api-a"));
    /* What would come from the cloud would not be fetched from its feed. */
    assert_false(world_plan(world, 0, "1.mp3"));
    assert_null(world_here(world, "a", WORLD_AUDIO));
    assert_null(world_there(world, "a", "rss/pod.xml"));
    assert_int_equal(world->invoked, 0);
    assert_int_equal(world->invalidated, 0);
}

static void only_the_folders_asked_for(void **state) {
    static const char *const folders[] = {"rss", "transcripts"};
    struct world *world = *state;
    world_fill_here(world, "a");
    world_put(world, "a", WORLD_AUDIO, "other sound");
    world->settings.sync_folders = folders;
    world->settings.sync_folder_count = 2;
    world_run_well(world);
    assert_int_equal(world->report.sites[0].uploaded, 1);
    assert_non_null(world_there(world, "a", WORLD_SRT));
    assert_null(world_there(world, "a", MANIFEST_KEY));
    assert_string_equal(world_here(world, "a", WORLD_AUDIO), "sound");
}

static void what_a_run_removed_does_not_come_back(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_write(world, "a", "audio/pod/old*[1].mp3", "old");
    world_write(world, "a", "audio/pod/old-other.mp3", "other");
    world_run_well(world);
    const char *key = "audio/pod/old*[1].mp3";
    struct error err = {0};
    struct podcast_state *own = podcast_state_open(scratch_path(world->scratch, "data/state/podcast.db"), &err);
    assert_true(state_retire(own, "a", &key, 1, &err));
    podcast_state_close(own);
    assert_true(file_remove(scratch_path(world->scratch, "files/a/audio/pod/old*[1].mp3"), &err));
    world_run_idle(world);
    assert_null(world_here(world, "a", key));
    assert_string_equal(world_there(world, "a", key), "old");
    world->settings.delete_removed = true;
    world_run_well(world);
    assert_null(world_there(world, "a", key));
    assert_non_null(world_there(world, "a", "audio/pod/old-other.mp3"));
    assert_int_equal(world->report.sites[0].removed_in_cloud, 1);
    assert_string_equal(text_value(&world->paths), "/audio/pod/old%2A%5B1%5D.mp3\n");
    world_run_idle(world);
}

static void retire(struct world *world, const char *key) {
    struct error err = {0};
    struct podcast_state *own = podcast_state_open(scratch_path(world->scratch, "data/state/podcast.db"), &err);
    assert_true(state_retire(own, "a", &key, 1, &err));
    podcast_state_close(own);
    assert_true(file_remove(scratch_path(world->scratch, arena_format(world->arena, "files/a/%s", key)), &err));
}

static void only_the_folders_asked_for_lose_old_files(void **state) {
    static const char *const folders[] = {"rss"};
    struct world *world = *state;
    world_fill_here(world, "a");
    world_write(world, "a", "audio/pod/old.mp3", "old");
    world_run_well(world);
    retire(world, "audio/pod/old.mp3");
    world->settings.delete_removed = true;
    world->settings.sync_folders = folders;
    world->settings.sync_folder_count = 1;
    world_run_well(world);
    assert_string_equal(world_there(world, "a", "audio/pod/old.mp3"), "old");
    world->settings.sync_folder_count = 0;
    world_run_well(world);
    assert_null(world_there(world, "a", "audio/pod/old.mp3"));
}

/* The manifest that is there may name them. */
static void old_files_stay_until_all_is_uploaded(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_write(world, "a", "audio/pod/old.mp3", "old");
    world_run_well(world);
    retire(world, "audio/pod/old.mp3");
    world_write(world, "a", MANIFEST_KEY, with_one_more(world, "Second", 2));
    world->settings.delete_removed = true;
    world->puts_fail = true;
    assert_int_equal(world_run(world), 1);
    assert_string_equal(world_there(world, "a", "audio/pod/old.mp3"), "old");
    assert_int_equal(world->invoked, 0);
    world->puts_fail = false;
    world_run_well(world);
    assert_null(world_there(world, "a", "audio/pod/old.mp3"));
    assert_int_equal(world->invoked, 1);
    world_run_idle(world);
}

/* What somebody deleted here by hand comes back: only what a run removed is known to be meant. */
static void what_vanished_here_comes_back(void **state) {
    struct world *world = *state;
    struct error err = {0};
    world_fill_here(world, "a");
    world_run_well(world);
    assert_true(file_remove(scratch_path(world->scratch, arena_format(world->arena, "files/a/%s", WORLD_AUDIO)), &err));
    world_run_well(world);
    assert_int_equal(world->report.sites[0].files_downloaded, 1);
    assert_string_equal(world_here(world, "a", WORLD_AUDIO), "sound");
    world_run_idle(world);
}

static void the_cloud_does_the_phases(void **state) {
    struct world *world = *state;
    world->settings.site_count = 2;
    world->settings.fetch_jobs = 1; /* one site at a time, so that the order is known */
    world->settings.in_cloud = true;
    world->settings.skip_rss = world->settings.skip_audio = false;
    world_run_well(world);
    assert_string_equal(text_value(&world->calls), "rss-retrieval-a {}\nrss-retrieval-b {}\n"
                                                   "whisper-transcription-a {}\nwhisper-transcription-b {}\n"
                                                   "srt-indexing-a {}\nsrt-indexing-b {}\n"
                                                   "search-api-a {\"forceFreshDBFileDownload\":true}\n"
                                                   "search-api-b {\"forceFreshDBFileDownload\":true}\n");
    assert_int_equal(world->opened, 0);
    assert_string_equal(text_value(&world->paths), "/episode-manifest/*\n/rss/*\n/search-entries/*\n/search-index/*\n"
                                                   "/transcripts/*\n");
    world->answer = "{\"status\": \"error\", \"message\": \"no manifest\"}";
    assert_int_equal(world_run(world), 1);
    assert_true(
        world_error(world, 0, "function rss-retrieval-a: it answered that it failed (status 200): no manifest"));
    assert_int_equal(world->report.sites[0].index.outcome, RUN_FAILED);
}

static void the_report_has_its_names(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world_run_well(world);
    JSON_OWNED json_t *json = run_report_json(&world->report);
    const json_t *row = json_array_get(json_object_get(json, "sites"), 0);
    static const char *const names[] = {"s3PreSyncSuccess",
                                        "s3PreSyncDuration",
                                        "s3PreSyncFilesDownloaded",
                                        "preConsistencyCheckSuccess",
                                        "filesMissingLocally",
                                        "postConsistencyCheckSuccess",
                                        "filesToUpload",
                                        "filesInSync",
                                        "s3SyncSuccess",
                                        "s3SyncTotalFilesUploaded",
                                        "searchApiRefreshSuccess",
                                        "cloudfrontInvalidationSuccess",
                                        "comprehensiveSyncResult",
                                        "syncGap"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (!json_object_get(row, names[i]))
            fail_msg("no %s", names[i]);
    }
    assert_int_equal(json_get_int(row, "s3SyncTotalFilesUploaded", 0), 5);
    TEXT_OWNED char *text = run_report_text(&world->report);
    static const char *const lines[] = {
        "Phase 1 - Pre-sync",      "Phase 5 - Final Sync", "S3 Upload", "Search-API Refresh",
        "CloudFront Invalidation", "Files in sync",        "to S3: 5"};
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        if (!strstr(text, lines[i]))
            fail_msg("no \"%s\" in %s", lines[i], text);
    }
}

static void a_local_run_asks_nobody(void **state) {
    struct world *world = *state;
    world_fill_here(world, "a");
    world->settings.cloud = NULL;
    world->settings.accounts = NULL;
    world_run_well(world);
    assert_int_equal(world->opened + world->invoked + world->invalidated, 0);
    TEXT_OWNED char *text = run_report_text(&world->report);
    assert_null(strstr(text, "Phase 1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_empty_side_gets_all_of_the_cloud),
        TEST(an_empty_cloud_gets_all_of_this_side),
        TEST(what_changed_under_its_name_goes_up),
        TEST(a_failed_listing_is_not_emptiness),
        TEST(a_role_that_is_denied_fails_its_site_alone),
        TEST(a_site_without_account_is_told_and_goes_on_here),
        TEST(a_deployed_site_without_account_is_not_fetched_anew),
        TEST(a_refresh_is_tried_again_within_the_run),
        TEST(a_refresh_that_failed_is_owed),
        TEST(an_answer_that_tells_of_a_failure_is_one),
        TEST(an_invalidation_that_failed_is_owed_under_its_name),
        TEST(what_is_owed_grows_over_the_runs),
        TEST(many_paths_become_folders),
        TEST(a_stale_manifest_takes_the_newer_one),
        TEST(an_index_from_elsewhere_gets_what_it_lacks),
        TEST(manifests_that_both_changed_are_united),
        TEST(a_version_under_way_follows_its_episode),
        TEST(a_manifest_that_cannot_be_read_does_not_come),
        TEST(a_manifest_that_cannot_be_united_is_left_in_the_cloud),
        TEST(a_manifest_that_came_during_the_upload_is_united),
        TEST(an_index_made_without_a_pre_sync_takes_no_others_place),
        TEST(a_killed_run_that_goes_on_fetches_nothing_that_the_cloud_may_have),
        TEST(what_changed_in_the_cloud_alone_is_left_there),
        TEST(the_newer_of_two_changes_wins_and_is_listed),
        TEST(a_dry_run_tells_and_does_nothing),
        TEST(only_the_folders_asked_for),
        TEST(what_a_run_removed_does_not_come_back),
        TEST(only_the_folders_asked_for_lose_old_files),
        TEST(old_files_stay_until_all_is_uploaded),
        TEST(what_vanished_here_comes_back),
        TEST(the_cloud_does_the_phases),
        TEST(the_report_has_its_names),
        TEST(a_local_run_asks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
