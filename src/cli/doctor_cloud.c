/* What `tidemill doctor` asks AWS. */
#include "cli/doctor.h"

#define PURPOSE "doctor"
#define SKEW_MOST_MS ((int64_t)5 * 60 * 1000) /* AWS refuses what is signed with a clock that is off by more */

void doctor_credentials(struct doctor *doctor) {
    struct sts_identity identity = {0};
    struct error err = {0};
    if (!doctor->cloud)
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, NULL, &doctor->cloud_error);
    else if (!cloud_identity(doctor->cloud, &identity, &err))
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, NULL, &err);
    else {
        doctor->base_good = true;
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s (account %s)", identity.arn, identity.account);
    }
}

void doctor_role(struct doctor *doctor, struct doctor_site *it) {
    struct error err = {0};
    if (!doctor->base_good) {
        doctor_say(doctor, DOCTOR_NOT_ASKED, it->site->id, NULL, "not asked, as there are no credentials");
        return;
    }
    if (!cloud_site_credentials(doctor->cloud, it->account->account_id, it->site->id, PURPOSE, &err)) {
        doctor_say_error(doctor, DOCTOR_MISSING, it->site->id, NULL, &err);
        return;
    }
    it->role_taken = true;
    doctor_say(doctor, DOCTOR_OK, it->site->id, NULL, "%s",
               cloud_role_arn(doctor->cloud, doctor->context->arena, it->account->account_id));
}

void doctor_bucket(struct doctor *doctor, struct doctor_site *it) {
    struct error err = {0};
    const char *region = NULL;
    struct podcast_cloud cloud = cloud_podcast(doctor->cloud);
    struct object_store *store = cloud.open_bucket(cloud.to, it->account, PURPOSE, &err);
    if (store && s3_store_check(store, doctor->context->arena, &region, &err))
        doctor_say(doctor, DOCTOR_OK, it->site->id, NULL, "%s in %s", it->account->bucket,
                   region && *region ? region : cloud_region(doctor->cloud));
    else
        doctor_say_error(doctor, DOCTOR_MISSING, it->site->id, NULL, &err);
    object_store_close(store);
}

void doctor_search_function(struct doctor *doctor, struct doctor_site *it) {
    struct error err = {0};
    const char *name = arena_format(doctor->context->arena, "search-api-%s", it->site->id);
    if (cloud_function_check(doctor->cloud, it->account, PURPOSE, name, doctor->context->cancel, &err))
        doctor_say(doctor, DOCTOR_OK, it->site->id, NULL, "%s", name);
    else
        doctor_say_error(doctor, DOCTOR_MISSING, it->site->id, NULL, &err);
}

void doctor_distribution(struct doctor *doctor, struct doctor_site *it) {
    struct error err = {0};
    const char *domain = NULL;
    if (!it->account->distribution)
        doctor_say(doctor, DOCTOR_WARNING, it->site->id, "add cloudfrontId to its row in " ACCOUNTS_FILE,
                   "none is known, so copies of old pages stay until they expire");
    else if (cloud_distribution_check(doctor->cloud, doctor->context->arena, it->account, PURPOSE, &domain, &err))
        doctor_say(doctor, DOCTOR_OK, it->site->id, NULL, "%s%s%s", it->account->distribution, *domain ? ", " : "",
                   domain);
    else
        doctor_say_error(doctor, DOCTOR_MISSING, it->site->id, NULL, &err);
}

/* Any answer of a service carries its time, a refusal too. */
void doctor_cloud_clock(struct doctor *doctor) {
    struct arena *arena = doctor->context->arena;
    struct error err = {0};
    int64_t skew = 0;
    if (!doctor->cloud) {
        doctor_say(doctor, DOCTOR_NOT_ASKED, NULL, NULL, "not asked");
        return;
    }
    if (!cloud_clock_skew(doctor->cloud, arena, &skew, doctor->context->cancel, &err)) {
        doctor_say_error(doctor, DOCTOR_WARNING, NULL, NULL, &err);
        return;
    }
    int64_t apart = skew < 0 ? -skew : skew;
    if (apart > SKEW_MOST_MS)
        doctor_say(doctor, DOCTOR_WARNING, NULL, "sudo timedatectl set-ntp true",
                   "this clock is %lld s %s; calls are corrected, other programs' are not", (long long)(apart / 1000),
                   skew > 0 ? "behind" : "ahead");
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s",
                   apart < 2000
                       ? "the same as the service's"
                       : arena_format(arena, "%lld s %s", (long long)(apart / 1000), skew > 0 ? "behind" : "ahead"));
}
