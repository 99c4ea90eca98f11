#!/usr/bin/env python3
"""`tidemill sync` as a person uses it, against MinIO and moto: ways, rules, filters, plans, exit statuses, names; and the AWS CLI before and after it."""

import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

import lying_s3  # noqa: E402
import pipeline  # noqa: E402
import sync_cases as s  # noqa: E402

os.environ["LC_ALL"] = "C.UTF-8"  # for the CLI, which would not read the names otherwise

proxy = None  # MinIO behind it
moto = None
FILES = {"a.txt": b"one", "b/c d.txt": b"two", "b/é+%2F.txt": b"three", "empty": b""}


def fill(case, bodies=None, put=None):
    for key, data in (bodies or FILES).items():
        if put:
            put(key, data)
        else:
            case.write(key, data, age=60)  # the CLI tells times apart by seconds


def sums(bodies):
    return {key: s.md5(data) for key, data in bodies.items()}


def fresh(place=None, **options):
    proxy.truth()
    proxy.clear_log()
    return s.Case(place or proxy, **options)


def test_up_and_down():
    for place in (proxy, moto):
        with fresh(place) as case:
            fill(case)
            result = case.sync(case.local, case.remote)
            assert result.keys("copy-to-right") == sorted(FILES) and result.report["toRight"]["copied"] == 4, result
            case.same(sums(FILES))
            case.quiet(case.local, case.remote)
            other = os.path.join(case.folder, "other")
            os.makedirs(other)
            result = case.sync(case.remote, other)
            assert result.report["toRight"]["copiedBytes"] == 11, result.report
            case.same(sums(FILES), folder=other)
            case.quiet(case.remote, other, folder=other)
            times = {each["Key"][len(case.whole("")):]: each["LastModified"].timestamp() for each in case.client.list_objects_v2(Bucket=case.bucket)["Contents"]}
            assert {key: int(os.stat(case.path(key, other)).st_mtime) for key in FILES} == {key: int(time) for key, time in times.items()}
            # The same memory, whichever is named first.
            case.quiet(other, case.remote, folder=other)


def test_between_folders_and_between_buckets():
    with fresh() as case:
        fill(case)
        other = os.path.join(case.folder, "other")
        os.makedirs(other)
        case.sync(case.local, other)
        assert case.here() == case.here(other)
        case.quiet(case.local, other)
        case.sync(case.local, case.remote)
        proxy.clear_log()
        case.sync(case.remote, f"s3://{case.bucket}/copy")
        assert proxy.count("GetObject") == 0 and proxy.count("CopyObject") == 4, proxy.counts()
        case.quiet(case.remote, f"s3://{case.bucket}/copy")
        copied = case.client.list_objects_v2(Bucket=case.bucket, Prefix="copy/")["Contents"]
        assert {each["Key"][5:]: each["ETag"].strip('"') for each in copied} == sums(FILES)


def test_names_of_the_same_place():
    for prefix in ("site", "deep/er", None):
        with fresh(prefix=prefix) as case:
            fill(case)
            case.sync(case.local, case.remote)
            for left, right in (("local", case.remote), ("./local/", case.remote + "/"), ("local/../local/b/..", case.remote)):
                case.quiet(left, right)
            assert len(case.agreements()) == 1
            case.same(sums(FILES))
    with fresh(prefix="site") as case:
        case.client.put_object(Bucket=case.bucket, Key="sitemap.txt", Body=b"a neighbour")
        fill(case)
        case.sync(case.local, case.remote, "--delete")
        assert case.client.get_object(Bucket=case.bucket, Key="sitemap.txt")["Body"].read() == b"a neighbour"


def test_delete_and_the_brake():
    with fresh() as case:
        fill(case)
        fill(case, {f"x/{number}": b"x" for number in range(12)}, case.put)
        result = case.sync(case.local, case.remote)
        assert result.report["toRight"]["removed"] == 0 and len(case.there()) == 16
        result = case.sync(case.local, case.remote, "--delete", expect=1)
        assert result.report["heldBack"] == 12 and result.moved() == 0 and len(case.there()) == 16, result
        for brake in ("5", "50%", "25%"):
            assert case.sync(case.local, case.remote, "--delete", "--max-delete", brake, expect=1).report["heldBack"] == 12
        said = case.sync(case.local, case.remote, "--delete", expect=1, plain=True).out
        assert "12 removals held back; --max-delete allows more" in said and "held back: too much" in said, said
        result = case.sync(case.local, case.remote, "--delete", "--max-delete", "80%")
        assert result.keys("remove-right") == sorted(f"x/{number}" for number in range(12)), result
        case.same(sums(FILES))
        case.quiet(case.local, case.remote, "--delete")


def test_both_ways():
    with fresh() as case:
        fill(case)
        case.sync(case.local, case.remote, "--both")
        case.write("a.txt", b"changed here")
        case.put("b/c d.txt", b"changed there")
        case.write("new here", b"1")
        case.put("new there", b"2")
        os.remove(case.path("empty"))
        result = case.sync(case.local, case.remote, "--both")
        assert {line["key"]: line["action"] for line in result.actions} == {
            "a.txt": "copy-to-right", "b/c d.txt": "copy-to-left", "new here": "copy-to-right", "new there": "copy-to-left", "empty": "copy-to-left"}, result
        case.same(sums({**FILES, "a.txt": b"changed here", "b/c d.txt": b"changed there", "new here": b"1", "new there": b"2"}))
        case.quiet(case.local, case.remote, "--both")
        os.remove(case.path("empty"))
        case.remove("new there")
        result = case.sync(case.local, case.remote, "--both", "--delete")
        assert {line["key"]: line["action"] for line in result.actions} == {"empty": "remove-right", "new there": "remove-left"}, result
        assert set(case.same()) == {"a.txt", "b/c d.txt", "b/é+%2F.txt", "new here"}
        os.makedirs(case.path("z"))
        os.rename(case.path("a.txt"), case.path("z/moved.txt"))
        proxy.clear_log()
        result = case.sync(case.local, case.remote, "--both", "--delete")
        assert result.keys("rename-right") == ["z/moved.txt"] and proxy.count("PutObject") == 0, result
        case.same()
        case.quiet(case.local, case.remote, "--both", "--delete")


# Rule, ways: what the name holds on the left and on the right afterwards, whether another was kept aside. The left is newer, the right larger.
LEFT, RIGHT = b"left, newer", b"right, larger by far"
RULES = [
    ("default", ("--both",), LEFT, LEFT, RIGHT), ("keep-both", ("--both",), LEFT, LEFT, RIGHT), ("newer", ("--both",), LEFT, LEFT, None),
    ("larger", ("--both",), RIGHT, RIGHT, None), ("left", ("--both",), LEFT, LEFT, None), ("right", ("--both",), RIGHT, RIGHT, None),
    ("skip", ("--both",), LEFT, RIGHT, None), ("default", (), LEFT, LEFT, None), ("newer", (), LEFT, LEFT, None), ("larger", (), LEFT, RIGHT, None),
    ("skip", (), LEFT, RIGHT, None), ("left", (), LEFT, LEFT, None), ("right", (), LEFT, RIGHT, None),
]


def test_conflict_rules():
    for rule, more, left, right, aside in RULES:
        with fresh() as case:
            fill(case)
            case.sync(case.local, case.remote, *more)
            case.put("a.txt", RIGHT)
            case.write("a.txt", LEFT, age=-60)  # a minute from now
            words = (case.local, case.remote, *more, "--conflict", rule)
            result = case.sync(*words)
            assert result.report["conflicts"] == 1 and [line["key"] for line in result.actions if line["conflict"]] == ["a.txt"], (rule, more, result)
            assert (case.here()["a.txt"], case.there()["a.txt"]) == (s.md5(left), s.md5(right)), (rule, more, result)
            others = {key: value for key, value in case.there().items() if key not in FILES}
            assert list(others.values()) == ([s.md5(aside)] if aside else []), (rule, more, others)
            assert all(key.startswith("a.conflict-") and key.endswith(".txt") for key in others), others
            assert case.here().keys() == case.there().keys()
            if left == right:
                case.quiet(*words)
            else:
                again = case.sync(*words)
                assert again.report["conflicts"] == 1 and again.moved() == 0, (rule, again)


def test_filters():
    with fresh() as case:
        fill(case, {**FILES, "drafts/a.txt": b"1", "drafts/final.txt": b"2", "b/skip.tmp": b"3", ".DS_Store": b"4", "b/.DS_Store": b"5"})
        words = (case.local, case.remote, "--exclude", "*.tmp,drafts/", "--include", "drafts/final.txt")
        case.sync(*words)
        assert set(case.there()) == {*FILES, "drafts/final.txt"}
        case.quiet(*words)
        # What is left out is not there for removals either.
        case.put("drafts/other.txt", b"6")
        case.put("x.tmp", b"7")
        case.sync(*words, "--delete", "--max-delete", "none")
        assert {"drafts/other.txt", "x.tmp"} <= set(case.there())
        with fresh() as only:
            fill(only, {**FILES, "b/x.mp3": b"8"})
            only.sync(only.local, only.remote, "--include", "b/**")
            assert set(only.there()) == {"b/c d.txt", "b/é+%2F.txt", "b/x.mp3"}


def mixed(case):
    fill(case)
    case.sync(case.local, case.remote, "--both")
    case.write("a.txt", b"changed here")
    case.put("b/c d.txt", b"changed there")
    case.write("same", b"same")
    case.put("same", b"same")
    case.write("fight", b"left!")
    case.put("fight", b"right")
    os.rename(case.path("b/é+%2F.txt"), case.path("b/renamed"))
    case.remove("empty")


def test_a_dry_run_tells_what_the_run_does():
    for more in (("--both", "--delete"), ("--both",), ("--delete",), (), ("--both", "--conflict", "skip")):
        with fresh() as case:
            mixed(case)
            words = (case.local, case.remote, *more)
            before = (case.stamps(), case.listed(), case.agreements())
            proxy.clear_log()
            planned = case.sync(*words, "--dry-run")
            assert not [op for op in proxy.counts() if op not in (*s.LOOKS, "HeadObject", "GetObject")], proxy.counts()
            now = (case.stamps(), case.listed(), case.agreements())
            was, stays = ({key: stamp[:4] for key, stamp in stamps.items()} for stamps in (before[0], now[0]))
            assert was == stays, "a dry run touched a file"
            assert before[1] == now[1], "a dry run changed something"
            # What was compared need not be read again by the run.
            assert [row for row in now[2][0][1] if row not in before[2][0][1]] == [row for row in now[2][0][1] if row[0] == "same"], now[2]
            done = case.sync(*words)
            plan = {(line["key"], line["action"], line["reason"], line["conflict"]) for line in planned.actions if line["action"] not in ("agreed", "forget")}
            acts = {(line["key"], line["action"], line["reason"], line["conflict"]) for line in done.actions if line["action"] not in ("agreed", "forget")}
            assert plan == acts and plan, (more, plan ^ acts)
            for side in ("toLeft", "toRight"):
                assert planned.report[side]["copied"] == planned.report[side]["removed"] == 0
            if "skip" not in more:
                case.sync(*words)


def test_words_for_people():
    with fresh() as case:
        fill(case)
        said = case.sync(case.local, case.remote, "--dry-run", plain=True).out
        assert "  -> a.txt  3 bytes, new on the left" in said and "a dry run, nothing was changed" in said, said
        said = case.sync(case.local, case.remote, plain=True).out
        assert "-> 4 copied (11 bytes), 0 renamed, 0 removed in " + case.remote in said, said
        said = case.sync(case.local, case.remote, plain=True).out
        assert said.startswith("nothing to do\n4 the same (4 listed on the left, 4 on the right)"), said


def test_usage():
    with fresh() as case:
        here, there = case.local, case.remote
        for words, says in (((), "SOURCE"), ((here,), "TARGET"), ((here, there, "more"), ""), ((here, here), "both are"), ((there, there + "/"), "both are"),
                            ((here, "s3://"), "names no bucket"), ((here, "s3:bucket/x"), "names no bucket"), ((here, there, "--max-delete", "many"), "--max-delete"),
                            ((here, there, "--max-delete", "0"), "--max-delete"), ((here, there, "--max-delete", "200%"), "--max-delete"),
                            ((here, there, "--conflict", "maybe"), "maybe"), ((here, there, "--compare", "luck"), "luck"), ((here, there, "--transfers", "0"), "transfers"),
                            ((here, there, "--sse-kms-key-id", "k", "--sse", "AES256"), "--sse-kms-key-id"), ((here, there, "--nonsense"), "--nonsense")):
            result = case.sync(*words, expect=2, plain=True)
            assert says in result.err and result.out == "", result
        for words, says in (((case.path("none"), there), "No such file"), ((here, "s3://no-such-bucket-is-here/x"), "no such bucket")):
            result = case.sync(*words, expect=3, plain=True)
            assert says in result.err, result
        none = {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        result = case.sync(here, there, expect=3, plain=True, environment=none)
        assert "credentials" in result.err, result


def held_at_a_put(case):
    """A run that stands still in its first PutObject, until `go` is set."""
    there, go = threading.Event(), threading.Event()

    def hold(_):
        there.set()
        go.wait(s.TIMEOUT)
    proxy.tell({"lie": "call", "op": "PutObject", "times": 1, "function": hold})
    process = case.start(case.local, case.remote, "--json")
    assert there.wait(s.TIMEOUT)
    return process, go


def test_two_at_once():
    with fresh() as case:
        fill(case)
        process, go = held_at_a_put(case)
        try:
            for pair in ((case.local, case.remote), (case.remote, case.local)):
                result = case.sync(*pair, expect=3, plain=True)
                assert "another sync of " in result.err and case.remote in result.err, result
            case.sync(case.local, case.remote + "/elsewhere")  # another pair is free to go
        finally:
            go.set()
        out, err = process.communicate(timeout=s.TIMEOUT)
        assert process.returncode == 0, (out, err)
        case.quiet(case.remote + "/elsewhere", case.local)


def test_stopped_by_the_keyboard():
    with fresh() as case:
        fill(case, {f"n/{number:02}": b"x" * number for number in range(60)})
        process, go = held_at_a_put(case)
        process.send_signal(signal.SIGINT)
        go.set()
        out, err = process.communicate(timeout=s.TIMEOUT)
        assert process.returncode == 130, (process.returncode, out, err)
        there = len(case.there())
        assert there < 60
        result = case.sync(case.local, case.remote)
        assert result.report["toRight"]["copied"] == 60 - there, (there, result.report)
        case.same()
        case.quiet(case.local, case.remote)


def test_bandwidth():
    with fresh() as case:
        case.write("big", os.urandom(1 << 20))
        case.sync(case.local, case.remote, "--bandwidth", "700k")  # how long it takes: tests/unit/cli/test_cloud.c
        case.same()
        case.quiet(case.local, case.remote, "--bandwidth", "700k")


def test_without_memory():
    with fresh() as case:
        fill(case)
        for _ in range(2):
            case.sync(case.local, case.remote, "--no-memory")
            assert case.agreements() == []
        proxy.clear_log()
        result = case.sync(case.local, case.remote, "--no-memory")
        assert result.report["foundEqual"] == 4 and set(proxy.counts()) <= s.LOOKS, (result.report, proxy.counts())
        case.same(sums(FILES))


def test_other_bytes_of_the_same_size_and_time():
    with fresh() as case:
        fill(case)
        case.put("a.txt", b"eno")
        result = case.sync(case.local, case.remote)
        assert "a.txt" in result.keys("copy-to-right")
        case.same(sums(FILES))
        # Behind the memory's back: only a look at all the bytes finds it.
        status = os.stat(case.path("a.txt"))
        with open(case.path("a.txt"), "r+b") as out:
            out.write(b"ONE")
        os.utime(case.path("a.txt"), ns=(status.st_atime_ns, status.st_mtime_ns))
        assert case.sync(case.local, case.remote).moved() == 0
        result = case.sync(case.local, case.remote, "--compare", "always-hash")
        assert result.keys("copy-to-right") == ["a.txt"] and case.get("a.txt") == b"ONE", result


def cli(server, *words):
    for _ in range(4):
        done = server.aws("s3", "sync", "--no-progress", *words, check=False)
        if "upload failed" not in done.stderr:  # this CLI takes a late "100 Continue" of a busy server for the answer, which then has no ETag
            break
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dry(server, *words):
    return cli(server, "--dryrun", *words)


def test_the_cli_finds_nothing_to_do_after_us():
    big = os.urandom(20 * s.MIB)
    for server in (proxy.server, moto):
        with fresh(server) as case:
            fill(case, {**FILES, "big.mp3": big})
            case.sync(case.local, case.remote)
            assert dry(server, case.local, case.remote) == "" and dry(server, case.remote, case.local) == ""
            other = os.path.join(case.folder, "other")
            os.makedirs(other)
            case.sync(case.remote, other)
            assert dry(server, case.remote, other) == "" and dry(server, other, case.remote) == ""
            case.same(sums({**FILES, "big.mp3": big}), folder=other)


def test_we_find_nothing_to_do_after_the_cli():
    bodies = {**FILES, "big.mp3": os.urandom(20 * s.MIB), "nine.bin": os.urandom(9 * s.MIB)}
    for place in (proxy, moto):
        server = getattr(place, "server", place)
        with fresh(place) as case:
            fill(case, bodies)
            cli(server, case.local, case.remote)
            assert case.listed()["big.mp3"][1].endswith("-3") and case.listed()["nine.bin"][1].endswith("-2")
            if place is proxy:
                proxy.clear_log()
            result = case.sync(case.local, case.remote, "--both", "--delete")
            assert result.moved() == 0 and result.report["foundEqual"] == len(bodies), result
            if place is proxy:
                assert proxy.count("GetObject") == 0 and not [op for op in proxy.counts() if op not in (*s.LOOKS, "HeadObject")], proxy.counts()
            case.quiet(case.local, case.remote, "--both", "--delete")
            other = os.path.join(case.folder, "other")
            cli(server, case.remote, other)
            result = case.sync(case.remote, other)
            assert result.moved() == 0 and result.report["foundEqual"] == len(bodies), result
            # One file changed by the CLI's user, one by ours.
            case.write("a.txt", b"by the CLI", age=30)
            cli(server, case.local, case.remote)
            result = case.sync(case.local, case.remote)
            assert result.moved() == 0, result
            case.write("nine.bin", b"now small", age=30)
            assert case.sync(case.local, case.remote).keys() == ["nine.bin"]
            assert dry(server, case.local, case.remote) == ""
            case.same()


def test_leftovers_go_after_a_week():
    """moto's uploads in parts are all of 2010; MinIO's of now."""
    for place, stays in ((moto, {"elsewhere/old.bin"}), (proxy, {"site/old.bin", "elsewhere/old.bin"})):
        with fresh(place) as case:
            fill(case)
            for key in ("site/old.bin", "elsewhere/old.bin"):
                case.client.create_multipart_upload(Bucket=case.bucket, Key=key)
            case.sync(case.local, case.remote)
            left = {each["Key"] for key in ("site/old.bin", "elsewhere/old.bin")
                    for each in case.client.list_multipart_uploads(Bucket=case.bucket, Prefix=key).get("Uploads", [])}
            assert left == stays, left
            for key, days in (("b/.tidemill-part-w1", 9), ("b/.tidemill-part-w2", 1)):
                case.write(key, b"half", age=days * 86400)
            case.quiet(case.local, case.remote)  # nothing is looked for when nothing is copied
            case.put("b/new", b"new")
            case.sync(case.remote, case.local)
            assert sorted(name for name in os.listdir(case.path("b")) if name.startswith(s.PART_PREFIX)) == [".tidemill-part-w2"]


def test_what_new_objects_get():
    with fresh() as case:
        case.write("page.html", b"<p>tide</p>")
        case.sync(case.local, case.remote, "--tags", "a=b&c=d", "--checksum", "SHA256")
        head = case.client.head_object(Bucket=case.bucket, Key=case.whole("page.html"), ChecksumMode="ENABLED")
        assert head["ContentType"].startswith("text/html") and "ChecksumSHA256" in head, head
        tags = case.client.get_object_tagging(Bucket=case.bucket, Key=case.whole("page.html"))["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "b", "c": "d"}


if __name__ == "__main__":
    with s3_servers.or_skip(s3_servers.MinIO) as server, lying_s3.LyingS3(server) as proxy, s3_servers.Moto() as moto:
        s3_servers.or_skip(s3_servers.aws_program)
        pipeline.run_tests(sys.modules[__name__])
