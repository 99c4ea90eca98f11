"""Sites in several accounts of a moto server: a workspace with its mapping, and for each site bucket, role, functions and distribution."""

import io
import json
import os
import zipfile

ROLE = "browse-dot-show-automation-role"
ACCOUNTS = {"harbour": "111111111111", "lighthouse": "111111111111", "mill": "222222222222"}  # two sites share an account
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


def config(site):
    return {
        "id": site, "domain": f"{site}.example.org",
        "appHeader": {"primaryTitle": site.title(), "includeTitlePrefix": False, "taglinePrimaryPodcastName": site.title(),
                      "taglinePrimaryPodcastExternalURL": f"https://example.org/{site}", "taglineSuffix": "archives",
                      "extraHeightForLongTitle": False, "includeAIUseDisclosure": False},
        "socialAndMetadata": {"pageTitle": site, "canonicalUrl": f"https://{site}.example.org", "openGraphImagePath": "./assets/social-cards/card.jpg", "metaDescription": "About", "metaTitle": site},
        "includedPodcasts": [{"id": site + "-cast", "rssFeedFile": site + ".xml", "title": site.title(), "status": "active", "url": f"https://example.org/{site}.xml"}],
        "whisperTranscriptionPrompt": "Hello.", "themeColor": "#112233", "themeColorDark": "#223344", "searchPlaceholderOptions": ["tide"],
    }


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text if isinstance(text, str) else json.dumps(text, indent=2))
    return path


def tfvars(site, profile, creates):
    return (f'# {site}\naws_region = "us-east-1"\naws_profile = "{profile}"\nsite_id = "{site}"\ns3_bucket_name = "{site}-browse-dot-show"\n'
            f'custom_domain_name = ""\ncreate_automation_role = {str(creates).lower()}\ntags = {{\n  a = ["b"] # c\n}}\n')


def env_automation(root, **changes):
    words = {**KEYS, "AWS_REGION": "us-east-1", "SCHEDULED_RUN_MAIN_AWS_PROFILE": "main", **changes}
    path = write(os.path.join(root, ".env.automation"), "".join(f"{name}={value}\n" for name, value in words.items() if value is not None))
    os.chmod(path, 0o600)
    return path


def workspace(root, accounts=None, folder="my-sites", **changes):
    """Sites, `.env.automation`, mapping and list of deployed sites below `root`; `changes` are fields of a site's row of the mapping."""
    accounts = ACCOUNTS if accounts is None else accounts
    first = set()
    for site, account in accounts.items():
        place = os.path.join(root, "sites", folder, site)
        write(os.path.join(place, "site.config.json"), config(site))
        write(os.path.join(place, "terraform", "prod.tfvars"), tfvars(site, f"browse.show-1_admin-{account}", account not in first))
        first.add(account)
    rows = {site: {"accountId": account, "bucketName": f"{site}-browse-dot-show", "cloudfrontId": f"E{site.upper()}", **changes.get(site, {})}
            for site, account in accounts.items()}
    mapping(root, rows)
    write(os.path.join(root, ".deployed-sites.json"), sorted(accounts))
    env_automation(root)
    return rows


def mapping(root, rows):
    write(os.path.join(root, ".site-account-mappings.json"), rows)


def package():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr("index.py", "def handler(event, context):\n    return event\n")
    return data.getvalue()


def distribution(site):
    return {"CallerReference": site, "Comment": site, "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "s3", "DomainName": f"{site}-browse-dot-show.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
            "DefaultCacheBehavior": {"TargetOriginId": "s3", "ViewerProtocolPolicy": "redirect-to-https", "MinTTL": 0,
                                     "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}}}


def deploy(moto, rows):
    """Makes in moto what the rows of a mapping speak of. Distributions get ids of moto's own, which are written into the rows."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    made = set()
    for site, row in rows.items():
        keys = moto.account(row["accountId"], role="setup")
        if row["accountId"] not in made:
            made.add(row["accountId"])
            moto.client("iam", keys).create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
        moto.client("s3", keys).create_bucket(Bucket=row["bucketName"])
        for kind in ("search-api", "srt-indexing"):
            moto.client("lambda", keys).create_function(
                FunctionName=f"{kind}-{site}", Runtime="python3.11", Role=f"arn:aws:iam::{row['accountId']}:role/{ROLE}", Handler="index.handler",
                Code={"ZipFile": package()})
        answer = moto.client("cloudfront", keys).create_distribution(DistributionConfig=distribution(site))
        row["cloudfrontId"] = answer["Distribution"]["Id"]
    return rows


def environment(place):
    """What the program needs to reach moto, or what stands in front of it, with the keys of `.env.automation` alone."""
    words = dict(place.environment())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        words.pop(name, None)
    return words
