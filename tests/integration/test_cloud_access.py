#!/usr/bin/env python3
"""tidemill podcast validate roles, access: who makes the automation roles; what each site's account lets the automation do, probed and cleaned up."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)
import cloud_sites as sites  # noqa: E402
import lying_s3  # noqa: E402
import pipeline as p  # noqa: E402

PROBE = "automation-tests/test-automation-access.txt"
STEPS = ["role", "s3", "search-api", "srt-indexing", "cloudfront"]
NOWHERE = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}


class Accounts:
    """moto with the sites deployed, the lying proxy in front of it, and a workspace."""

    def __init__(self, accounts=None):
        self.accounts = accounts

    def __enter__(self):
        self.scratch = p.Scratch()
        self.folder = self.scratch.__enter__()
        self.moto = s3_servers.or_skip(s3_servers.moto).__enter__()
        self.between = lying_s3.LyingS3(self.moto).__enter__()
        self.data = p.Data(self.folder)
        self.rows = sites.deploy(self.moto, sites.workspace(self.folder, self.accounts))
        sites.mapping(self.folder, self.rows)
        return self

    def __exit__(self, *fault):
        self.between.__exit__(*fault)
        self.moto.__exit__(*fault)
        self.scratch.__exit__(*fault)

    def change(self, site, **fields):
        sites.mapping(self.folder, {**self.rows, site: {**self.rows[site], **fields}})

    def validate(self, *more, expect=0, environment=None):
        """Reports by site, each its steps by name; no probe is left behind."""
        found = self.data.json("podcast", "validate", "access", *more, expect=expect, environment={**sites.environment(self.between), **(environment or {})})
        for row in self.rows.values():
            listed = self.moto.client("s3", self.moto.account(row["accountId"])).list_objects_v2(Bucket=row["bucketName"])
            assert not listed["KeyCount"], listed
        return {row["siteId"]: {**row, "steps": {step["step"]: step for step in row["steps"]}} for row in found}


def absent(between, function):
    """moto lets any function be asked for with DryRun."""
    between.tell({"lie": "error", "service": "lambda", "prefix": f"functions/{function}/", "status": 404, "code": "ResourceNotFoundException",
                  "message": f"Function not found: arn:aws:lambda:us-east-1:111111111111:function:{function}"})


def failed(report, *steps):
    assert not report["ok"]
    assert [name for name, step in report["steps"].items() if not step["ok"]] == list(steps), report
    return report["steps"][steps[0]]


def test_every_site_is_asked_and_nothing_is_left_behind():
    with Accounts() as there:
        found = there.validate()
        assert set(found) == set(sites.ACCOUNTS)
        for site, report in found.items():
            assert report["ok"] and list(report["steps"]) == STEPS, report
            assert report["accountId"] == sites.ACCOUNTS[site] and f"search-api-{site}" in report["steps"]["search-api"]["message"]
        assert there.between.count("PutObject", key=PROBE) == 3 and there.between.count("DeleteObject", key=PROBE) == 3
        assert there.between.count("AssumeRole") == 3
        text = there.data.call("podcast", "validate", "access", "--sites", "mill", environment=sites.environment(there.between)).stdout
        assert text.startswith("\nmill (account 222222222222, bucket mill-browse-dot-show)\n  ✅ role arn:aws:iam::222222222222:role/"), text
        assert text.count("✅") == 5 and text.endswith("\nSites: 1, failed: 0\n"), text
        # It was DryRun: no function ran.
        assert not [line for line in there.between.requests("Invoke") if line["status"] != 204]


def test_what_one_site_lacks_does_not_keep_the_others_from_being_asked():
    with Accounts() as there:
        absent(there.between, "srt-indexing-harbour")
        there.change("lighthouse", accountId="222222222222")
        found = there.validate(expect=1)
        assert found["mill"]["ok"]
        step = failed(found["harbour"], "srt-indexing")
        assert "there is no function srt-indexing-harbour in account 111111111111, region us-east-1" in step["message"], step
        step = failed(found["lighthouse"], "s3", "cloudfront")
        assert "it must belong to account 222222222222" in step["hint"], step
        there.change("mill", bucketName="mill-browse-dot-shop", cloudfrontId=None)
        step = failed(there.validate("--sites", "mill", expect=1)["mill"], "s3")
        assert "there is no bucket mill-browse-dot-shop" in step["message"]


def test_a_role_that_trusts_another_ends_the_site():
    with Accounts({"mill": "222222222222"}) as there:
        there.between.tell({"lie": "error", "service": "sts", "method": "POST", "after": 1, "status": 403, "code": "AccessDenied", "message": "not authorized to perform: sts:AssumeRole"})
        report = there.validate(expect=1)["mill"]
        step = failed(report, "role")
        assert list(report["steps"]) == ["role"]
        for words in ("arn:aws:iam::222222222222:role/browse-dot-show-automation-role", "arn:aws:sts::123456789012:user/moto"):
            assert words in step["message"], step
        assert "trust policy" in step["hint"]


def test_a_bucket_that_may_not_be_written_or_not_be_cleaned():
    with Accounts({"mill": "222222222222"}) as there:
        there.between.tell({"lie": "access_denied", "op": "PutObject"})
        step = failed(there.validate(expect=1)["mill"], "s3")
        assert step["message"].startswith("writing to s3://mill-browse-dot-show")
        # A put that took effect although it looked as if it had not: it is removed all the same.
        there.between.tell({"lie": "wrong_etag", "op": "PutObject"})
        failed(there.validate(expect=1)["mill"], "s3")
        assert there.between.count("DeleteObject", key=PROBE) >= 2
        there.between.tell({"lie": "access_denied", "op": ["HeadBucket", "ListObjectsV2"]})
        step = failed(there.validate(expect=1)["mill"], "s3")
        assert "s3:ListBucket" in step["hint"], step


def test_a_function_that_may_not_be_called():
    with Accounts({"mill": "222222222222"}) as there:
        there.between.tell({"lie": "error", "service": "lambda", "status": 403, "code": "AccessDeniedException", "message": "not authorized to perform: lambda:InvokeFunction"})
        step = failed(there.validate(expect=1)["mill"], "search-api", "srt-indexing")
        assert "lambda:InvokeFunction" in step["hint"], step


def test_a_distribution_that_the_role_may_not_look_at_but_invalidate():
    with Accounts({"mill": "222222222222"}) as there:
        identity = there.rows["mill"]["cloudfrontId"]
        # The first call is GetDistribution, which the role of today's Terraform may not.
        there.between.tell({"lie": "error", "service": "cloudfront", "at": [1], "status": 403, "code": "AccessDenied", "message": "not authorized to perform: cloudfront:GetDistribution"})
        report = there.validate()["mill"]
        assert report["steps"]["cloudfront"]["message"] == f"CloudFront: {identity}", report
        there.between.tell({"lie": "error", "service": "cloudfront", "status": 403, "code": "AccessDenied", "message": "no"})
        step = failed(there.validate(expect=1)["mill"], "cloudfront")
        assert "cloudfront:GetInvalidation" in step["hint"], step
        there.between.truth()
        there.change("mill", cloudfrontId="ENOTTHERE00000")
        assert "there is no distribution ENOTTHERE00000" in failed(there.validate(expect=1)["mill"], "cloudfront")["message"]


def test_who_is_the_role_already_takes_none():
    with Accounts({"mill": "222222222222"}) as there:
        keys = there.moto.account("222222222222", role=sites.ROLE)
        before = there.between.count("AssumeRole")
        own = {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_SESSION_TOKEN": keys["SessionToken"]}
        assert there.validate(environment=own)["mill"]["ok"]
        assert there.between.count("AssumeRole") == before
        # The same keys without a role's name; and keys of another account.
        assert there.validate("--role-name", "", environment=own)["mill"]["ok"]
        step = failed(there.validate("--role-name", "", expect=1)["mill"], "role")
        assert "the credentials are of account 123456789012, the site is in account 222222222222" in step["message"], step
        assert there.between.count("AssumeRole") == before
        assert there.validate("--role-name", "other-role")["mill"]["ok"]
        assert "role/other-role" in there.data.call("podcast", "validate", "access", "--role-name", "other-role", environment=sites.environment(there.between)).stdout


def test_credentials_are_found_where_the_aws_cli_has_them():
    with Accounts({"mill": "222222222222"}) as there:
        os.remove(os.path.join(there.folder, ".env.automation"))
        place = os.path.join(there.folder, ".aws")
        helper = sites.write(os.path.join(place, "helper.py"), "import json\nprint(json.dumps({'Version': 1, 'AccessKeyId': 'AKIAIOSFODNN7PROCESS', 'SecretAccessKey': 'abcdefgh12345678'}))\n")
        sites.write(os.path.join(place, "credentials"), "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = abcdefgh12345678\n")
        sites.write(os.path.join(place, "config"), (
            f"[default]\nregion = us-east-1\nservices = here\n[profile chained]\nsource_profile = default\nrole_arn = arn:aws:iam::333333333333:role/middle\n"
            f"services = here\n[profile helper]\ncredential_process = {sys.executable} {helper}\nendpoint_url = {there.between.endpoint}\n"
            f"[services here]\ns3 =\n  endpoint_url = {there.between.endpoint}\nsts =\n  endpoint_url = {there.between.endpoint}\n"
            f"lambda =\n  endpoint_url = {there.between.endpoint}\ncloudfront =\n  endpoint_url = {there.between.endpoint}\n"))
        for name in os.listdir(place):
            os.chmod(os.path.join(place, name), 0o600)
        files = {name: "" for name in (*sites.environment(there.between), "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE") if name != "AWS_EC2_METADATA_DISABLED"}
        for words, more, account in (([], {}, "123456789012"), (["--profile", "chained"], {}, "333333333333"), ([], {"AWS_PROFILE": "chained"}, "333333333333"),
                                     (["--profile", "helper"], {}, "123456789012")):
            around = {**files, **more}
            assert there.validate(*words, environment=around)["mill"]["ok"], (words, more)
            rows = there.data.json("doctor", *words, expect=None, environment={**sites.environment(there.between), **around})
            said = next(row for row in rows if row["check"] == "AWS credentials")
            assert f"(account {account})" in said["message"], said
        step = failed(there.validate("--profile", "nobody", expect=1, environment=files)["mill"], "role")
        assert "nobody" in step["message"], step


def test_a_role_whose_time_is_over_is_taken_again():
    with Accounts({"mill": "222222222222"}) as there:
        there.between.tell({"lie": "expired_token", "op": "PutObject", "times": 1}, {"lie": "expired_token", "service": "lambda", "times": 1})
        assert there.validate()["mill"]["ok"]
        assert there.between.count(lie="expired_token") == 2 and there.between.count("AssumeRole") == 3, there.between.counts()
        there.between.tell({"lie": "expired_token", "service": "lambda", "each": 0})
        step = failed(there.validate(expect=1)["mill"], "search-api", "srt-indexing")
        assert "ExpiredToken" in step["message"], step


def test_sites_without_an_account_and_workspaces_without_a_mapping():
    with Accounts({"mill": "222222222222"}) as there:
        sites.write(os.path.join(there.folder, "sites", "my-sites", "home", "site.config.json"), sites.config("home"))
        assert set(there.validate()) == {"mill"}
        report = there.validate("--sites", "home", expect=1)["home"]
        assert "home" in failed(report, "mapping")["message"]
        os.remove(os.path.join(there.folder, ".site-account-mappings.json"))
        result = there.data.call("podcast", "validate", "access", expect=3, environment=NOWHERE)
        assert ".site-account-mappings.json" in result.stderr
        assert "did you mean access" in there.data.call("podcast", "validate", "acess", expect=2).stderr


def test_roles_of_my_sites_and_of_origin_sites():
    for folder in ("my-sites", "origin-sites"):
        with p.Scratch() as root:
            data = p.Data(root)
            sites.workspace(root, folder=folder)
            found = data.json("podcast", "validate", "roles")
            assert found["ok"] and [(row["profile"], row["creators"], row["sites"]) for row in found["profiles"]] == [
                ("browse.show-1_admin-111111111111", ["harbour"], ["harbour", "lighthouse"]), ("browse.show-1_admin-222222222222", ["mill"], ["mill"])], found
            text = data.call("podcast", "validate", "roles").stdout
            assert "makes the role: harbour\n" in text and "uses it:        lighthouse\n" in text and text.count("✅") == 2 and text.endswith("Errors: 0, warnings: 0\n"), text


def test_roles_that_nobody_or_everybody_makes():
    with p.Scratch() as root:
        data = p.Data(root)
        sites.workspace(root)
        path = os.path.join(root, "sites", "my-sites", "{}", "terraform", "prod.tfvars")
        sites.write(path.format("lighthouse"), sites.tfvars("lighthouse", "browse.show-1_admin-111111111111", True))
        sites.write(path.format("mill"), sites.tfvars("mill", "your-profile", False))
        found = data.json("podcast", "validate", "roles", expect=1)
        assert not found["ok"] and [row["error"] for row in found["profiles"]] == ["2 sites make the role: harbour, lighthouse", None], found
        assert any("your-profile" in line for line in found["warnings"]), found
        sites.write(path.format("lighthouse"), sites.tfvars("lighthouse", "browse.show-1_admin-111111111111", False))
        data.call("podcast", "validate", "roles")  # a profile that nobody filled in is no error
        sites.write(path.format("harbour"), sites.tfvars("harbour", "browse.show-1_admin-111111111111", False))
        text = data.call("podcast", "validate", "roles", expect=1).stdout
        assert "❌ no site makes the role: harbour, lighthouse" in text and "set create_automation_role = true in one of them" in text, text
        sites.write(path.format("harbour"), 'aws_profile = "unfinished\n')
        found = data.json("podcast", "validate", "roles", expect=1)
        assert len(found["errors"]) == 1 and "prod.tfvars:1: " in found["errors"][0], json.dumps(found)


if __name__ == "__main__":
    p.run_tests(sys.modules[__name__])
