#!/usr/bin/env python3
"""What makes trouble for `tidemill sync`: buckets, keys, files and disks. Each time: a clear line, the rest goes on, nothing is lost, the exit status says so."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

import lying_s3  # noqa: E402
import pipeline  # noqa: E402
import sync_cases as s  # noqa: E402

proxy = None  # MinIO behind it
moto = None
NOBODY = 65534
ODD = ["with space.txt", "two  spaces", " leading", "trailing ", "quote'double\".txt", "a%2Fb", "a%252Fb", "plus+plus", "question?mark", "hash#tag", "amp&er=sand;",
       "star*[x]{y}", "~tilde", "$HOME", "`tick`", "über/naïve/日本語/😀.mp3", "e\u0301 decomposed", "..dots..", "a/.../b", ".hidden",
       "-dash", "colon:name", "pipe|<>", "%", "%zz", "\u00a0nbsp", "x" * 255, "é" * 120]
GOOD = {"good/1.txt": b"1", "good/2.txt": b"22", "zz": b"333"}


def fresh(place=None, **options):
    proxy.truth()
    proxy.clear_log()
    return s.Case(place or proxy, **options)


def long_key(length):
    return "/".join(["k" * 200] * 6)[:length]


def test_odd_names_go_both_ways():
    for place in (proxy, moto):
        with fresh(place, prefix=None if place is moto else "site") as case:
            names = [*ODD, *([long_key(1024)] if place is moto else [])]
            bodies = {name: name.encode() for name in names}
            for name, data in bodies.items():
                case.write(name, data)
            case.sync(case.local, case.remote)
            wanted = {name: s.md5(data) for name, data in bodies.items()}
            case.same(wanted)
            case.quiet(case.local, case.remote)
            down = os.path.join(case.folder, "down")
            os.makedirs(down)
            case.sync(case.remote, down)
            assert case.here(down) == wanted, s.different(case.here(down), wanted)
            for name in names:
                os.remove(case.path(name))
            case.write("keep", b"1")
            result = case.sync(case.local, case.remote, "--delete", "--max-delete", "none")
            assert result.report["toRight"]["removed"] == len(names), result
            assert set(case.there()) == {"keep"}


def test_names_of_files_that_no_key_has():
    with fresh() as case:
        for key, data in GOOD.items():
            case.write(key, data)
        for name in ("back\\slash", "tab\there", "line\nbreak"):
            case.write(name, b"odd")
        result = case.sync(case.local, case.remote, expect=1)
        assert set(case.there()) == set(GOOD) and result.report["failed"] == 3, result
        told = result.errors()
        assert "backslash" in told["back\\slash"] and "control character" in told["tab\there"] and "control character" in told["line\nbreak"], told
        case.sync(case.remote, case.local, "--delete", "--max-delete", "none", expect=1)
        assert {"back\\slash", "tab\there", "line\nbreak"} < set(case.here())


# Key: what is said of it.
UNFIT = {"../above.txt": 'a part ".."', "a/../b": 'a part ".."', "./x": 'a part "."', "a//b": "an empty part", "/slash first": "an empty part",
         "line\nbreak": "a control character", "ctl\x01char": "a control character", "p" * 256: "at most 255", "x/" + "q" * 300 + "/y": "at most 255",
         ".tidemill-part-x": ""}


def test_keys_that_a_folder_cannot_have():
    """As moto keeps them; MinIO refuses most of these itself."""
    with fresh(moto, prefix="site") as case:
        for key, data in GOOD.items():
            case.put(key, data)
        kept = [key for key in UNFIT if put_odd(case, key)]
        assert len(kept) > 6, kept
        result = case.sync(case.remote, case.local, expect=1)
        assert {key for key in result.keys(failed=False)} == set(GOOD), result
        told = result.errors()
        shown = {key for key in kept if not key.startswith(".tidemill-part-")}
        assert result.report["failed"] == len(told) >= len(shown), (told, shown)
        for key in shown:
            said = [why for name, why in told.items() if name == key or name == case.whole(key)]
            assert said and UNFIT[key] in said[0], (key, told)
        assert case.here() == {key: s.md5(data) for key, data in GOOD.items()}
        assert not os.path.exists(os.path.join(case.folder, "above.txt"))
        plain = case.sync(case.remote, case.local, expect=1, plain=True).out
        assert plain.count("\n") == len(told) + plain.count("the same (") + plain.count(" failed\n"), plain  # a line break is not shown as one
        # None of them is removed because the folder has it not.
        case.sync(case.local, case.remote, "--delete", "--max-delete", "none", expect=1)
        assert set(case.there()) == {*GOOD, *kept}, set(case.there())


def put_odd(case, key):
    try:
        case.put(key, b"odd")
        return key in case.listed()
    except Exception as refused:  # pylint: disable=broad-except
        print(f"        not made by the server: {key!r}: {refused!s:.80}")
        return False


def test_a_key_and_keys_below_it():
    with fresh(moto) as case:
        for key, data in {**GOOD, "a": b"file", "a/b": b"below", "c/d": b"below", "c/": b"", "empty/": b""}.items():
            case.put(key, data)
        result = case.sync(case.remote, case.local, expect=1)
        errors = result.errors()
        assert list(errors) in (["a"], ["a/b"]), errors
        here = case.here()
        assert set(here) == {*GOOD, "c/d", "a" if "a/b" in errors else "a/b"}, here
        again = case.sync(case.remote, case.local, expect=1)
        assert again.moved() == 0 and again.errors().keys() == errors.keys(), again
        # Up again, with removals: what could not come down is still there.
        case.sync(case.local, case.remote, "--both", "--delete", "--max-delete", "none", expect=None)
        assert {"a", "a/b", "c/d"} <= set(case.there())


def test_folder_markers():
    for place in (proxy, moto):
        with fresh(place) as case:
            for key in ("site/", "site/a/", "site/empty/"):
                case.client.put_object(Bucket=case.bucket, Key=key, Body=b"")
            case.put("a/x", b"1")
            result = case.sync(case.remote, case.local)
            assert result.keys() == ["a/x"] and set(case.here()) == {"a/x"}, result
            case.quiet(case.remote, case.local)
            case.sync(case.local, case.remote, "--delete")
            assert "empty/" in case.listed()


def test_buckets_of_others():
    with fresh(moto) as case:
        case.write("a", b"1")
        case.sync(case.local, case.remote, "--expected-bucket-owner", s3_servers.ACCOUNT)
        case.same()
        other = moto.account("210987654321")
        words = {"AWS_ACCESS_KEY_ID": other["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": other["SecretAccessKey"], "AWS_SESSION_TOKEN": other["SessionToken"]}
        case.write("b", b"2")
        for direction in ((case.local, case.remote), (case.remote, case.local, "--delete")):
            result = case.sync(*direction, expect=3, environment=words)
            assert case.bucket in result.err and ("denied" in result.err.lower() or "not allowed" in result.err or "AccessDenied" in result.err), result
        assert set(case.here()) == {"a", "b"} and set(case.there()) == {"a"}
    with fresh() as case:
        case.write("a", b"1")
        proxy.tell({"lie": "access_denied"})
        result = case.sync(case.local, case.remote, "--expected-bucket-owner", "210987654321", expect=3)
        assert case.bucket in result.err, result
        proxy.truth()
        result = case.sync(case.local, f"s3://{case.bucket}-none/x", expect=3)
        assert f"`aws s3 mb s3://{case.bucket}-none`" in result.err, result
        for name in ("Upper", "a", "no_underscore", "192.168.0.1", "x" * 64, "dot..dot"):
            result = case.sync(case.local, f"s3://{name}/x", expect=None)
            assert result.status in (2, 3) and name in result.err, result


def test_a_file_that_changes_while_it_is_sent():
    size = 2 * s.PART + 77
    for op, nth in (("PutObject", 1), ("UploadPart", 1), ("UploadPart", 2), ("CompleteMultipartUpload", 1)):
        with fresh() as case:
            old, new = os.urandom(size), os.urandom(size)
            small = op == "PutObject"
            case.write("changing.mp3", old[:4000] if small else old)
            case.write("other.txt", b"stays") if not small else None

            def change(_exchange, case=case, small=small, new=new):
                case.write("changing.mp3", new[:4000] if small else new)
            rule = proxy.tell({"lie": "call", "op": op, "prefix": case.whole("changing"), "at": [nth], "function": change})[0]
            words = (case.local, case.remote, "--part-size", str(s.PART))
            result = case.sync(*words, expect=None)
            assert result.status in (0, 1) and rule.told == 1, result
            there = case.there().get("changing.mp3")
            whole = {s.md5(data[:4000] if small else data) for data in (old, new)}
            assert there is None or there in whole, "half of each"
            if result.status:
                assert "chang" in result.errors()["changing.mp3"], result
            else:
                assert there == s.md5(new[:4000] if small else new), "the old state, and nobody was told"
            proxy.truth()
            case.sync(*words)
            case.same()
            case.quiet(*words)


def test_an_object_that_changes_while_it_comes():
    with fresh() as case:
        old, new = os.urandom(3 * s.MIB), os.urandom(3 * s.MIB)
        case.put("changing.mp3", old)
        case.put("other.txt", b"stays")
        proxy.tell({"lie": "call_after", "op": "GetObject", "prefix": case.whole("changing"), "at": [1], "function": lambda *_: case.put("changing.mp3", new)},
                   {"lie": "cut", "op": "GetObject", "prefix": case.whole("changing"), "at": [1]})
        result = case.sync(case.remote, case.local, expect=None)
        assert result.status in (0, 1) and case.here()["other.txt"] == s.md5(b"stays")
        assert case.here().get("changing.mp3") in ((s.md5(new),) if result.status == 0 else (None, s.md5(old), s.md5(new)))
        proxy.truth()
        case.sync(case.remote, case.local)
        case.same()
        case.quiet(case.remote, case.local)


def mounted(case, *words):
    """Mounts a small file system at case.local; False where that cannot be done."""
    if os.geteuid() or not shutil.which("mount"):
        return False
    return subprocess.run(["mount", *words, case.local], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def unmount(case):
    subprocess.run(["umount", case.local], check=True)


def test_a_disk_that_fills():
    with fresh() as case:
        bodies = {f"{number}.bin": os.urandom(s.MIB) for number in range(6)}
        for key, data in bodies.items():
            case.put(key, data)
        if not mounted(case, "-t", "tmpfs", "-o", "size=3200k", "tmpfs"):
            print("        not tested: no tmpfs can be mounted here")
            return
        try:
            result = case.sync(case.remote, case.local, expect=1)
            here = case.here()
            assert 1 <= len(here) <= 3 and not [key for key in here if s.PART_PREFIX in key], here
            assert all(value == s.md5(bodies[key]) for key, value in here.items())
            assert result.report["failed"] >= 1 and result.report["failed"] + result.report["unfinished"] == 6 - len(here), result.report
            assert any("full" in why or "space" in why.lower() for why in result.errors().values()), result
            assert subprocess.run(["mount", "-o", "remount,size=20m", case.local], check=False).returncode == 0
            result = case.sync(case.remote, case.local)
            assert result.report["toRight"]["copied"] == 6 - len(here), result.report
            case.same({key: s.md5(data) for key, data in bodies.items()})
            case.quiet(case.remote, case.local)
        finally:
            unmount(case)


def make_folding(case):
    """A file system that takes names of other case for the same, at case.local."""
    image = os.path.join(case.folder, "image")
    for make, options in ((["mkfs.vfat", "-F", "32"], "utf8,loop"), (["mkfs.ext4", "-q", "-O", "casefold"], "loop")):
        with open(image, "wb") as out:
            out.truncate(80 * s.MIB)
        if not shutil.which(make[0]) or subprocess.run([*make, image], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
            continue
        if not mounted(case, "-o", options, image):
            continue
        subprocess.run(["chattr", "+F", case.local], stderr=subprocess.DEVNULL, check=False)
        with open(os.path.join(case.local, "probe"), "wb"):
            folds = os.path.exists(os.path.join(case.local, "PROBE"))
        os.remove(os.path.join(case.local, "probe"))
        if folds:
            return True
        unmount(case)
    return False


def test_names_that_differ_in_case_alone():
    with fresh() as case:
        if not make_folding(case):
            print("        not tested: no file system that folds names can be mounted here (tests/unit/sync has a store that does)")
            return
        try:
            for key, data in {**GOOD, "Name.txt": b"upper", "name.txt": b"lower"}.items():
                case.put(key, data)
            for _ in range(2):
                result = case.sync(case.remote, case.local, expect=1)
                assert list(result.errors()) == ["name.txt"] and "only in case or Unicode form" in result.errors()["name.txt"], result
                assert case.here()["Name.txt"] == s.md5(b"upper") and set(case.here()) == {*GOOD, "Name.txt"}
            case.sync(case.local, case.remote, "--delete", "--max-delete", "none", expect=1)
            assert case.there()["name.txt"] == s.md5(b"lower"), "it was removed"
        finally:
            unmount(case)


def as_nobody(case):
    """The words before a command that is to be run without root's rights; None where that cannot be done."""
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if os.geteuid():
        return ()
    if not shutil.which("setpriv"):
        return None
    for where, folders, names in os.walk(case.folder):
        for name in [*folders, *names, "."]:
            os.chown(os.path.join(where, name), NOBODY, NOBODY)
    if subprocess.run([*words, pipeline.TIDEMILL, "version"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        return None
    return words


def test_files_that_cannot_be_read():
    with fresh() as case:
        for key, data in {**GOOD, "secret.txt": b"?"}.items():
            case.write(key, data)
        before = as_nobody(case)
        if before is None:
            print("        not tested: the program cannot be run as somebody else here")
            return
        os.chmod(case.path("secret.txt"), 0)
        result = case.sync(case.local, case.remote, before=before, expect=1)
        assert result.keys(failed=True) == ["secret.txt"] and "denied" in result.errors()["secret.txt"].lower(), result
        assert set(case.there()) == set(GOOD)
        # A folder that cannot be looked into may hide anything: nothing is begun, and nothing removed.
        os.chmod(case.path("good"), 0)
        result = case.sync(case.local, case.remote, "--delete", "--max-delete", "none", before=before, expect=3)
        assert "good" in result.err and set(case.there()) == set(GOOD), result
        os.chmod(case.path("good"), 0o755)
        os.chmod(case.path("secret.txt"), 0o644)
        case.sync(case.local, case.remote, before=before)
        case.same()


def test_a_folder_that_cannot_be_written():
    with fresh() as case:
        for key, data in GOOD.items():
            case.put(key, data)
        case.write("open/x", b"1")
        before = as_nobody(case)
        if before is None:
            print("        not tested: the program cannot be run as somebody else here")
            return
        os.chmod(case.local, 0o555)
        case.put("open/y", b"2")
        result = case.sync(case.remote, case.local, before=before, expect=1)
        assert result.keys(failed=True) == sorted(GOOD) and all("denied" in why.lower() for why in result.errors().values()), result
        assert set(case.here()) == {"open/x", "open/y"}
        os.chmod(case.local, 0o755)
        case.sync(case.remote, case.local, before=before)
        assert set(case.here()) == {*GOOD, "open/x", "open/y"}


def test_links_and_other_things():
    with fresh() as case:
        for key, data in GOOD.items():
            case.write(key, data)
        outside = os.path.join(case.folder, "outside")
        os.makedirs(outside)
        case.write("password", b"secret", folder=outside)
        os.symlink(outside, case.path("link"))
        os.symlink(os.path.join(outside, "password"), case.path("file-link"))
        os.mkfifo(case.path("fifo"))
        result = case.sync(case.local, case.remote, expect=1)
        assert result.keys(failed=True) == ["file-link", "link"] and set(case.there()) == set(GOOD), result
        # Nothing is written through a link either.
        case.put("link/new", b"in")
        result = case.sync(case.remote, case.local, expect=1)
        assert os.listdir(outside) == ["password"] and result.moved() == 0, result


def test_a_memory_that_is_damaged():
    with fresh() as case:
        for key, data in GOOD.items():
            case.write(key, data)
        case.sync(case.local, case.remote)
        folder = os.path.join(case.data, "state", "sync")
        name = next(name for name in os.listdir(folder) if name.endswith(".db"))
        for left in os.listdir(folder):
            if left != name and not left.endswith(".lock"):
                os.remove(os.path.join(folder, left))
        with open(os.path.join(folder, name), "wb") as out:
            out.write(b"no database at all" * 500)
        result = case.sync(case.local, case.remote, "--delete", expect=None)
        assert result.status in (0, 3), result
        if result.status == 3:
            assert name in result.err, result
            os.remove(os.path.join(folder, name))
            case.sync(case.local, case.remote)
        case.same({key: s.md5(data) for key, data in GOOD.items()})
        case.quiet(case.local, case.remote)


if __name__ == "__main__":
    with s3_servers.or_skip(s3_servers.MinIO) as server, lying_s3.LyingS3(server) as proxy, s3_servers.Moto() as moto:
        pipeline.run_tests(sys.modules[__name__])
