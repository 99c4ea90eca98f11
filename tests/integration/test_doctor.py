#!/usr/bin/env python3
"""tidemill doctor: each thing that can be missing is named once, with the command that mends it; nothing is changed by looking."""

import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)
import cloud_sites as sites  # noqa: E402
import lying_s3  # noqa: E402
import pipeline as p  # noqa: E402

CLEAN = {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL")}
NOWHERE = {**CLEAN, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}


def tree(folder):
    """Every path below a folder with its size and time of change."""
    found = {}
    for place, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(place, name)
            facts = os.lstat(path)
            found[os.path.relpath(path, folder)] = (facts.st_size, facts.st_mtime_ns)
    return found


def doctor(data, *more, expect=0, environment=None):
    """The answers by check and site; the data directory is as it was."""
    before = tree(data.folder)
    rows = data.json("doctor", *more, expect=expect, environment={**NOWHERE, **(environment or {})})
    assert tree(data.folder) == before, "doctor changed something"
    found = {}
    for row in rows:
        found.setdefault((row["check"], row["site"]), []).append(row)
    return found


def one(found, check, site=None):
    rows = found[check, site]
    assert len(rows) == 1, rows
    return rows[0]


def is_there(found, check, state, site=None, said="", mend=""):
    rows = found.get((check, site), [])
    fitting = [row for row in rows if row["state"] == state and said in row["message"] and mend in (row["mend"] or "")]
    assert len(fitting) == 1, (check, site, state, said, mend, rows)


def install(data):
    with p.Scratch() as folder:
        data.install_model(p.scripted_model(folder))


def test_a_new_data_directory_lacks_sites_and_model_and_nothing_of_aws_is_asked():
    with p.Scratch() as folder:
        data = p.Data(os.path.join(folder, "data"))
        found = doctor(data, expect=1)
        is_there(found, "data directory", "ok")
        is_there(found, "owner", "ok", said="nobody")
        is_there(found, "database", "ok", said="SQLite 3.")
        is_there(found, "media worker", "ok", said="libavcodec")
        is_there(found, "clock", "ok", said="Z")
        is_there(found, "speech model", "missing", said="base is not here", mend="tidemill model get base")
        is_there(found, "speech model", "warning", said="silero", mend="tidemill model get silero-v6.2.0")
        is_there(found, "sites", "missing", mend="tidemill podcast add")
        is_there(found, "cloud", "not-needed", said=".site-account-mappings.json")
        assert not any(check.startswith("AWS") or check in ("role", "bucket") for check, _ in found)
        text = data.call("doctor", expect=1, environment=NOWHERE).stdout
        assert "❌ " in text and "     tidemill model get base\n" in text and "\n✅ " in text and text.endswith(" missing\n"), text
        # Every command that mends is a command.
        for rows in found.values():
            for row in rows:
                if row["mend"] and row["mend"].startswith("tidemill "):
                    data.call(*row["mend"].split()[1:3], "--help")


def test_all_is_well_on_a_machine_without_a_cloud():
    with p.Scratch() as folder:
        data = p.Data(folder)
        install(data)
        sites.write(os.path.join(folder, "sites", "my-sites", "harbour", "site.config.json"), sites.config("harbour"))
        found = doctor(data, "--model", "tiny.en")
        assert one(found, "sites")["message"].startswith("1 in ")
        is_there(found, "configuration", "ok", "harbour")
        is_there(found, "mapping", "not-needed", "harbour")
        is_there(found, "cloud", "not-needed")


def test_what_is_wrong_on_this_machine_is_named_with_what_mends_it():
    with p.Scratch() as folder:
        data = p.Data(folder)
        install(data)
        path = os.path.join(folder, "models", "ggml-tiny.en.bin")
        place = os.path.join(folder, "sites", "my-sites")
        wrong = sites.config("lighthouse")
        wrong["appHeader"]["primaryTitle"] = "x" * 60
        sites.write(os.path.join(place, "harbour", "site.config.json"), "{ no json")
        sites.write(os.path.join(place, "lighthouse", "site.config.json"), wrong)
        found = doctor(data, "--model", "tiny.en", expect=1)
        is_there(found, "sites", "missing", "harbour", said="site.config.json: line 1", mend="correct the file")
        is_there(found, "configuration", "missing", "lighthouse", said="1 errors", mend="tidemill podcast check --sites lighthouse")
        is_there(found, "speech model", "ok", said="tiny.en is here")
        os.remove(path)
        is_there(doctor(data, "--model", "tiny.en", expect=1), "speech model", "missing", said="tiny.en", mend="tidemill model get tiny.en")
        is_there(doctor(data, "--provider", "openai", expect=1), "speech model", "missing", mend="OPENAI_API_KEY")
        is_there(doctor(data, "--provider", "openai", expect=1, environment={"OPENAI_API_KEY": "sk-1234567890"}), "speech model", "ok")
        assert "lighthouse" in data.call("doctor", "--sites", "lighthous", expect=2, environment=NOWHERE).stderr


def test_the_owner_is_named():
    with p.Scratch() as folder:
        data = p.Data(folder)
        server = data.start("serve", "--listen", "127.0.0.1:0")
        try:
            while "127.0.0.1" not in server.stdout.readline():
                assert server.poll() is None, server.stderr.read()
            rows = data.json("doctor", expect=1, environment=NOWHERE)
            owner = next(row for row in rows if row["check"] == "owner")
            assert owner["state"] == "ok" and "running server" in owner["message"], owner
        finally:
            server.terminate()
            server.communicate()


def test_all_is_well_in_two_accounts():
    with p.Scratch() as folder, s3_servers.or_skip(s3_servers.moto) as moto:
        data = p.Data(folder)
        install(data)
        rows = sites.deploy(moto, sites.workspace(folder))
        sites.mapping(folder, rows)
        found = doctor(data, "--model", "tiny.en", environment=sites.environment(moto))
        is_there(found, "automation keys", "ok", said="key AKIA..., region us-east-1")
        is_there(found, "AWS credentials", "ok", said="(account 123456789012)")
        is_there(found, "AWS clock", "ok")
        is_there(found, "role makers", "ok", said="3 sites in 2 profiles")
        is_there(found, "deployed sites", "ok", said="3 in")
        for site, row in rows.items():
            is_there(found, "mapping", "ok", site, said=row["accountId"])
            is_there(found, "role", "ok", site, said=f"arn:aws:iam::{row['accountId']}:role/browse-dot-show-automation-role")
            is_there(found, "bucket", "ok", site, said=row["bucketName"])
            is_there(found, "search function", "ok", site, said=f"search-api-{site}")
            is_there(found, "distribution", "ok", site, said=row["cloudfrontId"])
        only = doctor(data, "--model", "tiny.en", "--sites", "mill", environment=sites.environment(moto))
        assert {site for _, site in only} == {None, "mill"}
        text = data.call("doctor", "--model", "tiny.en", environment={**NOWHERE, **sites.environment(moto)}).stdout
        assert sites.KEYS["AWS_SECRET_ACCESS_KEY"] not in text and sites.KEYS["AWS_ACCESS_KEY_ID"] not in text


def test_what_is_missing_in_the_cloud_is_named_with_what_mends_it():
    with p.Scratch() as folder, s3_servers.or_skip(s3_servers.moto) as moto, lying_s3.LyingS3(moto) as between:
        data = p.Data(folder)
        install(data)
        rows = sites.deploy(moto, sites.workspace(folder))
        changed = {site: dict(row) for site, row in rows.items()}
        changed["harbour"]["bucketName"] = "harbour-browse-dot-shop"        # no such bucket
        changed["lighthouse"]["accountId"] = "222222222222"                 # the wrong account: another's bucket
        changed["mill"]["cloudfrontId"] = "ENOTTHERE00000"
        sites.mapping(folder, changed)
        # moto lets any function be asked for with DryRun.
        between.tell({"lie": "error", "service": "lambda", "prefix": "functions/search-api-lighthouse/", "status": 404, "code": "ResourceNotFoundException", "message": "Function not found"})
        found = doctor(data, "--model", "tiny.en", expect=1, environment=sites.environment(between))
        is_there(found, "bucket", "missing", "harbour", said="there is no bucket harbour-browse-dot-shop", mend="bucketName in .site-account-mappings.json")
        is_there(found, "search function", "ok", "harbour")
        is_there(found, "bucket", "missing", "lighthouse", said="bucket lighthouse-browse-dot-show", mend="it must belong to account 222222222222")
        is_there(found, "search function", "missing", "lighthouse", said="there is no function search-api-lighthouse in account 222222222222, region us-east-1")
        is_there(found, "distribution", "missing", "mill", said="ENOTTHERE00000", mend="cloudfrontId")
        is_there(found, "bucket", "ok", "mill")


def test_a_role_that_trusts_another_is_named_and_nothing_more_is_asked_of_its_account():
    with p.Scratch() as folder, s3_servers.or_skip(s3_servers.moto) as moto, lying_s3.LyingS3(moto) as between:
        data = p.Data(folder)
        install(data)
        rows = sites.deploy(moto, sites.workspace(folder, {"mill": "222222222222"}))
        sites.mapping(folder, rows)
        # The first call of STS is GetCallerIdentity.
        between.tell({"lie": "error", "service": "sts", "method": "POST", "after": 1, "status": 403, "code": "AccessDenied",
                      "message": "User: arn:aws:iam::123456789012:user/a is not authorized to perform: sts:AssumeRole on resource: that role"})
        found = doctor(data, "--model", "tiny.en", expect=1, environment=sites.environment(between))
        is_there(found, "AWS credentials", "ok")
        is_there(found, "role", "missing", "mill", said="the role arn:aws:iam::222222222222:role/browse-dot-show-automation-role cannot be taken by arn:aws:", mend="trust policy")
        for check in ("bucket", "search function", "distribution"):
            is_there(found, check, "not-asked", "mill")


def test_keys_that_are_missing_or_open_to_others_and_a_mapping_that_is_wrong():
    with p.Scratch() as folder, s3_servers.or_skip(s3_servers.moto) as moto:
        data = p.Data(folder)
        install(data)
        rows = sites.deploy(moto, sites.workspace(folder, {"mill": "222222222222"}))
        sites.mapping(folder, rows)
        around = sites.environment(moto)
        path = sites.env_automation(folder)
        os.chmod(path, 0o644)
        is_there(doctor(data, "--model", "tiny.en", environment=around), "automation keys", "warning", said="can be read by others", mend="chmod 600")
        sites.env_automation(folder, AWS_SECRET_ACCESS_KEY=None, SCHEDULED_RUN_MAIN_AWS_PROFILE=None)
        found = doctor(data, "--model", "tiny.en", expect=1, environment=around)
        is_there(found, "automation keys", "missing", said="AWS_SECRET_ACCESS_KEY")
        is_there(found, "automation keys", "missing", said="SCHEDULED_RUN_MAIN_AWS_PROFILE")
        is_there(found, "AWS credentials", "missing")
        is_there(found, "role", "not-asked", "mill")
        os.remove(path)
        found = doctor(data, "--model", "tiny.en", expect=1, environment=around)
        is_there(found, "automation keys", "warning", said="is not there")
        is_there(found, "AWS credentials", "missing")
        sites.env_automation(folder)
        rows["mill"]["accountId"] = "2222"
        sites.mapping(folder, rows)
        is_there(doctor(data, "--model", "tiny.en", expect=1, environment=around), "mapping", "missing", "mill", said="2222")
        sites.mapping(folder, {})
        is_there(doctor(data, "--model", "tiny.en", expect=1, environment=around), "mapping", "missing", "mill", said=".deployed-sites.json")


def test_a_service_that_cannot_be_reached_is_an_answer():
    with p.Scratch() as folder:
        data = p.Data(folder)
        install(data)
        sites.workspace(folder, {"mill": "222222222222"})
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
            found = doctor(data, "--model", "tiny.en", "--endpoint-url", nobody, expect=1)
        is_there(found, "AWS credentials", "missing", said="127.0.0.1")
        is_there(found, "role", "not-asked", "mill")


def test_a_clock_that_is_off_is_told():
    with p.Scratch() as folder, s3_servers.or_skip(s3_servers.moto) as moto:
        data = p.Data(folder)
        install(data)
        rows = sites.deploy(moto, sites.workspace(folder, {"mill": "222222222222"}))
        sites.mapping(folder, rows)
        fixed = os.path.join(os.path.dirname(p.TIDEMILL), "tidemill_fixed")
        if not os.path.exists(fixed):
            p.skip("tidemill_fixed is not built")
        rows = data.json("doctor", "--model", "tiny.en", expect=None, program=fixed, environment={**NOWHERE, **sites.environment(moto)})
        clock = next(row for row in rows if row["check"] == "AWS clock")
        assert clock["state"] == "warning" and "behind" in clock["message"] and "set-ntp" in clock["mend"], clock


def test_who_starts_the_nightly_run_and_how_it_went():
    with p.Scratch() as folder:
        data = p.Data(folder)
        install(data)
        sites.write(os.path.join(folder, "sites", "my-sites", "harbour", "site.config.json"), sites.config("harbour"))
        is_there(doctor(data, "--model", "tiny.en"), "nightly run", "warning", mend="tidemill podcast automate install")
        data.call("podcast", "automate", "install", "--with", "cron", "--print", expect=None)  # shown, not written
        is_there(doctor(data, "--model", "tiny.en"), "nightly run", "warning", mend="tidemill podcast automate install")
        agent = os.path.join(folder, "Library", "LaunchAgents", "tidemill.podcast.plist")
        sites.write(agent, "<!-- tidemill podcast automate install -->\n")
        is_there(doctor(data, "--model", "tiny.en"), "nightly run", "ok", said=f"launchd: {agent}")
        records = os.path.join(folder, "automation-logs")
        sites.write(os.path.join(records, "last-pipeline-run.json"), {"lastSuccessTimestamp": 1767323045000, "lastAttemptTimestamp": 1767409445000, "consecutiveFailures": 2})
        is_there(doctor(data, "--model", "tiny.en"), "nightly run", "warning", said="2 in a row", mend="tidemill podcast automate status")
        sites.write(os.path.join(records, "automation-config.json"), {"enabled": False, "timestamp": 1767323045000})
        is_there(doctor(data, "--model", "tiny.en"), "nightly run", "warning", said="switched off", mend="tidemill podcast automate enable")


if __name__ == "__main__":
    p.run_tests(sys.modules[__name__])
