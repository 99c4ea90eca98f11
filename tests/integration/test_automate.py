#!/usr/bin/env python3
"""`tidemill podcast automate`: what it installs, when it runs, what it remembers, whom it tells."""

import contextlib
import http.server
import json
import os
import plistlib
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

SITE = "harbourradio"
NIGHT = 1767322800000  # 2026-01-02T03:00:00Z
HOUR, DAY = 3600000, 86400000

# Programs of the machine that are only on the PATH: each keeps what it was called with.
FAKES = {
    "crontab": """if [ "$1" = -l ]; then
    [ -f "$HOME/broken" ] && { echo "cannot read the spool" >&2; exit 1; }
    [ -f "$HOME/tab" ] || { echo "no crontab for somebody" >&2; exit 1; }
    cat "$HOME/tab"
else cat > "$HOME/tab"; fi""",
    "systemctl": "exit 0",
    "launchctl": "exit 0",
}


class Machine(p.Data):
    """A home of its own with fake crontab, systemctl, launchctl, a site, and a clock that the test sets."""

    def __init__(self, folder, feed=None):
        super().__init__(os.path.join(folder, "data"))
        self.home = os.path.join(folder, "home")
        programs = os.path.join(folder, "programs")
        os.makedirs(programs)
        os.makedirs(self.home)
        for name, body in FAKES.items():
            path = os.path.join(programs, name)
            with open(path, "w", encoding="utf-8") as out:
                out.write(f'#!/bin/sh\necho "{name} $*" >> "$HOME/calls"\n{body}\n')
            os.chmod(path, 0o755)
        self.environment.update({"HOME": self.home, "PATH": programs + ":" + os.environ["PATH"], "TZ": "UTC"})
        for name in ("XDG_CONFIG_HOME", "TIDEMILL_WEBHOOK", "TIDEMILL_SNS_TOPIC", "TIDEMILL_MAIL_COMMAND", "USER"):
            self.environment.pop(name, None)
        self.program = p.FIXED
        self.logs = os.path.join(self.folder, "automation-logs")
        self.yaml()
        if feed:
            self.add(feed)

    def yaml(self, **automate):
        lines = ["fetch:", "  allow-private: true", "  attempts: 1"]
        if automate:
            lines += ["automate:"] + [f"  {name.replace('_', '-')}: {json.dumps(value)}" for name, value in automate.items()]
        with open(os.path.join(self.folder, "tidemill.yaml"), "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")

    def automate(self, *words, now=NIGHT, expect=0):
        return self.call("podcast", "automate", *words, expect=expect, environment={"TIDEMILL_FIXED_MS": str(now)})

    def look(self, *words, now=NIGHT, expect=0):
        """One start by the timer; its outcome and lines."""
        result = self.automate("run", "--at", "03:00", "--json", "--skip-audio-processing", *words, now=now, expect=expect)
        return json.loads(result.stdout)

    def status(self, now=NIGHT):
        return json.loads(self.automate("status", "--json", now=now).stdout)

    def log(self, name):
        path = os.path.join(self.logs, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as log:
            return log.read()

    def calls(self):
        path = os.path.join(self.home, "calls")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as lines:
            found = lines.read().splitlines()
        os.remove(path)
        return found

    def tab(self):
        with open(os.path.join(self.home, "tab"), encoding="utf-8") as tab:
            return tab.read()


@contextlib.contextmanager
def machine(**options):
    with p.Scratch() as folder:
        os.mkdir(os.path.join(folder, "web"))
        server = p.Server(os.path.join(folder, "web"))
        p.make_audio(os.path.join(server.root, "one.mp3"))
        server.write("feed.xml", p.feed("Harbour Radio", [p.item(1, "One", server.url + "/one.mp3")]))
        try:
            yield Machine(folder, server.url + "/feed.xml", **options), server
        finally:
            server.close()


class Receiver:
    """What takes notices: everything that was POSTed, as (path, body)."""

    def __init__(self):
        got = self.got = []
        receiver = self
        self.status = 200

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                got.append((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
                answer = b"<PublishResponse xmlns='http://sns.amazonaws.com/doc/2010-03-31/'><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>"
                self.send_response(receiver.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


# ---- install, status, remove ----


def test_nothing_is_written_without_a_yes():
    with machine() as (data, _):
        shown = data.automate("install", "--with", "cron", "--print").stdout
        assert "crontab" in shown and "0 * * * * " in shown, shown
        refused = data.automate("install", "--with", "cron", expect=2)
        assert "--yes" in refused.stderr and "0 * * * * " in refused.stdout
        assert not os.path.exists(os.path.join(data.home, "tab")) and not os.path.exists(data.logs)


def at_a_terminal(data, answer):
    """`automate install` at a terminal where somebody types the answer; its exit status and what it showed."""
    ours, theirs = os.openpty()
    process = subprocess.Popen([data.program, "podcast", "automate", "install", "--with", "cron", "--data", data.folder], stdin=theirs,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=data.environment, cwd=data.folder)
    os.close(theirs)
    os.write(ours, answer.encode())
    out, _ = process.communicate(timeout=120)
    os.close(ours)
    return process.returncode, out


def test_at_a_terminal_it_asks():
    with machine() as (data, _):
        status, out = at_a_terminal(data, "n\n")
        assert status == 1 and "Do this? [y/N]" in out and "nothing was done" in out, (status, out)
        assert not os.path.exists(os.path.join(data.home, "tab"))
        status, out = at_a_terminal(data, "y\n")
        assert status == 0 and "0 * * * * " in data.tab(), (status, out)


def test_a_crontab_gets_one_line_and_keeps_the_others():
    with machine() as (data, _):
        theirs = "MAILTO=me\n0 1 * * * backup 100\\%\n"
        with open(os.path.join(data.home, "tab"), "w", encoding="utf-8") as tab:
            tab.write(theirs)
        first = data.automate("install", "--with", "cron", "--yes", "--sites", SITE).stdout
        assert "installed: 03:00, every 24h, by cron" in first, first
        lines = data.tab().splitlines()
        assert lines[:2] == theirs.splitlines() and len(lines) == 3, lines
        command = lines[2].split(" ", 5)
        assert command[:5] == ["0", "*", "*", "*", "*"], command
        words = shlex.split(command[5].replace("\\%", "%"), comments=True)
        assert words[0] == os.path.realpath(p.FIXED), words
        assert words[1:4] == ["podcast", "automate", "run"] and f"--data={os.path.realpath(data.folder)}" in words, words
        assert "--sites=" + SITE in words and "--at=03:00" in words and "--every=24h" in words, words
        assert data.calls().count("crontab -") == 1
        again = data.automate("install", "--with", "cron", "--yes", "--sites", SITE).stdout
        assert "nothing to do" in again and "crontab -" not in data.calls(), again
        data.automate("install", "--with", "cron", "--yes", "--at", "4:15")
        lines = data.tab().splitlines()
        assert len(lines) == 3 and lines[2].startswith("15 * * * * ") and "--at=04:15" in lines[2], lines
        status = data.status()
        assert [one["with"] for one in status["installed"]] == ["cron"] and status["enabled"], status
        assert status["next"].startswith("2026-01-02T04:15"), status
        shown = data.automate("remove", "--print").stdout
        assert lines[2] in shown and len(data.tab().splitlines()) == 3
        data.automate("remove", "--yes")
        assert data.tab() == theirs
        assert "nothing is installed" in data.automate("remove", "--yes").stdout


def test_a_crontab_that_cannot_be_read_is_not_replaced():
    with machine() as (data, _):
        open(os.path.join(data.home, "broken"), "w", encoding="utf-8").close()
        failed = data.automate("install", "--with", "cron", "--yes", expect=3)
        assert "cannot read the spool" in failed.stderr, failed.stderr
        # It stands in no other kind's way, but is named.
        other = data.automate("install", "--with", "launchd", "--yes")
        assert "cannot read the spool" in other.stderr and "installed: " in other.stdout, other
        gone = data.automate("remove", "--yes", expect=1)
        assert "cannot read the spool" in gone.stderr and not os.listdir(os.path.join(data.home, "Library/LaunchAgents")), gone
        assert "error" in data.status()["installed"][0]
        assert "crontab -" not in data.calls()


def test_launchd_gets_a_plist_with_paths_as_they_are():
    with machine() as (data, _):
        data.automate("install", "--with", "launchd", "--yes")
        path = os.path.join(data.home, "Library/LaunchAgents/tidemill.podcast.plist")
        with open(path, "rb") as file:
            plist = plistlib.load(file)
        assert plist["ProgramArguments"][0] == os.path.realpath(p.FIXED), plist
        assert {"Hour": 3, "Minute": 0} in plist["StartCalendarInterval"] and plist["RunAtLoad"] is True, plist
        assert plist["StandardErrorPath"] == os.path.join(os.path.realpath(data.logs), "automation-error.log"), plist
        assert data.calls()[-1] == f"launchctl bootstrap gui/{os.getuid()} {path}"
        # Another kind takes its place.
        data.automate("install", "--with", "cron", "--yes")
        assert not os.path.exists(path) and "automate run" in data.tab()
        assert f"launchctl bootout gui/{os.getuid()}/tidemill.podcast" in data.calls()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("<plist/>")
        refused = data.automate("install", "--with", "launchd", "--yes", expect=3)
        assert "was not written by this program" in refused.stderr, refused.stderr


def test_systemd_units_are_verified_by_systemd_itself():
    if not shutil.which("systemd-analyze"):
        print("     (skipped: systemd-analyze is not installed)")
        return
    if os.geteuid() == 0:
        # As root it would write the system's own units: these are shown alone.
        with machine() as (data, _):
            shown = data.automate("install", "--with", "systemd", "--print").stdout
            units = {}
            for kind in ("service", "timer"):
                part = shown.split(f"write /etc/systemd/system/tidemill-podcast.{kind}\n", 1)[1]
                lines = []
                for line in part.splitlines():
                    if not line.startswith("    "):
                        break
                    lines.append(line[4:])
                units[kind] = os.path.join(data.home, f"tidemill-podcast.{kind}")
                with open(units[kind], "w", encoding="utf-8") as out:
                    out.write("\n".join(lines) + "\n")
            assert "\nUser=" in open(units["service"], encoding="utf-8").read()
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", units["service"], units["timer"]], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert done.returncode == 0 and "tidemill-podcast" not in done.stdout, done.stdout
            assert "run\n    systemctl daemon-reload\n" in shown and "systemctl enable tidemill-podcast.timer" in shown, shown
        return
    with machine() as (data, _):
        data.automate("install", "--with", "systemd", "--yes")
        folder = os.path.join(data.home, ".config/systemd/user")
        units = [os.path.join(folder, f"tidemill-podcast.{kind}") for kind in ("service", "timer")]
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--user", *units], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        assert "tidemill-podcast" not in done.stdout, done.stdout
        assert data.calls() == ["systemctl --user daemon-reload", "systemctl --user enable tidemill-podcast.timer",
                                "systemctl --user restart tidemill-podcast.timer"]
        data.automate("remove", "--yes")
        assert not any(os.path.exists(unit) for unit in units)


def test_bad_words_are_refused():
    with machine() as (data, _):
        for words, told in ((("install", "--at", "25:00"), "--at"), (("install", "--every", "5h"), "--every"), (("instal",), "install"),
                            (("run", "--dry-run"), "--dry-run"), (("install", "--with", "server", "--yes", "--jobs", "2"), "--jobs")):
            failed = data.automate(*words, expect=None)
            assert failed.returncode in (2, 3) and told in failed.stderr, (words, failed)


# ---- run ----


def test_a_night_runs_once_and_missed_nights_are_caught_up_once():
    with machine() as (data, server):
        first = data.look()
        assert first["outcome"] == "success", first
        last = json.loads(data.log("last-pipeline-run.json"))
        assert last == {"lastSuccessTimestamp": NIGHT, "lastAttemptTimestamp": NIGHT, "consecutiveFailures": 0}, last
        assert data.look(now=NIGHT + 4 * HOUR)["outcome"] == "not-due"
        # Switched off for three nights, and on again at ten.
        late = NIGHT + 3 * DAY + 7 * HOUR
        assert data.look(now=late)["outcome"] == "success"
        assert data.look(now=late + HOUR)["outcome"] == "not-due"
        assert data.look(now=NIGHT + 4 * DAY)["outcome"] == "success"
        text = data.log("ingestion-pipeline-runs.md")
        assert text.startswith("# Ingestion Pipeline Run History\n\n") and text.count("\n## ") == 3, text
        heads = [line for line in text.splitlines() if line.startswith("## ")]
        assert heads == ["## 1/6/2026, 3:00:00 AM - ✅ SUCCESS", "## 1/5/2026, 10:00:00 AM - ✅ SUCCESS", "## 1/2/2026, 3:00:00 AM - ✅ SUCCESS"], heads
        assert "  📥 Audio Files: 1  " in text and "**RSS Retrieval:** 1/1 (100.0%)  " in text, text
        log = data.log("automation.log")
        assert "not due" in log and "due: the run of 2026-01-02T03:00Z" in log and "Harbour" not in data.log("automation-error.log"), log
        history = data.status(now=late)["history"]
        assert len(history) == 3 and history[0].startswith("## 1/6/2026"), history


def test_a_run_by_hand_is_in_the_history_and_a_dry_run_is_not():
    with machine() as (data, _):
        os.makedirs(os.path.join(data.folder, "scripts/automation-logs"))
        data.call(*data.RUN, "--dry-run", "--skip-audio-processing")
        path = os.path.join(data.folder, "scripts/automation-logs/ingestion-pipeline-runs.md")
        assert not os.path.exists(path)
        data.call(*data.RUN, "--skip-audio-processing")
        with open(path, encoding="utf-8") as file:
            assert file.read().count("\n## ") == 1
        data.call("podcast", "index")
        with open(path, encoding="utf-8") as file:
            assert file.read().count("\n## ") == 1


def test_disabled_is_disabled():
    with machine() as (data, _):
        data.automate("disable")
        assert data.look()["outcome"] == "disabled"
        assert json.loads(data.log("automation-config.json")) == {"enabled": False, "timestamp": "2026-01-02T03:00:00.000Z"}
        assert data.look("--force")["outcome"] == "success"
        data.automate("enable", now=NIGHT + 5 * HOUR)
        assert data.look(now=NIGHT + DAY)["outcome"] == "success"


def test_an_error_in_a_site_is_a_failure_but_the_day_is_done():
    with machine() as (data, server):
        server.rules({"/feed.xml": {"status": 404}})
        bad = data.look(expect=1)
        assert bad["outcome"] == "errors" and "404" in bad["lines"][-1], bad
        assert data.look(now=NIGHT + 6 * HOUR)["outcome"] == "not-due"
        status = data.status()
        assert status["failuresInRow"] == 1 and status["lastSuccess"] is None and status["lastEnded"], status
        assert "404" in data.log("automation-error.log"), data.log("automation-error.log")
        assert "❌ ERRORS" in data.log("ingestion-pipeline-runs.md")


@contextlib.contextmanager
def run_under_way(data, server):
    """An unattended run that waits for an answer to its first question."""
    server.clear_log()
    server.rules({"/feed.xml": {"hang": True}})
    process = data.start("podcast", "automate", "run", "--at", "03:00", "--skip-audio-processing", environment={"TIDEMILL_FIXED_MS": str(NIGHT)})
    try:
        until = time.monotonic() + 120
        while not any(entry["path"] == "/feed.xml" for entry in server.log()):
            assert process.poll() is None and time.monotonic() < until, "the run asked for nothing"
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as file:
            found += [int(word) for word in file.read().split()]
    return found


def test_of_two_starts_one_runs():
    with machine() as (data, server):
        with run_under_way(data, server) as process:
            second = data.look()
            assert second["outcome"] == "elsewhere" and str(process.pid) in second["lines"][0], second
            by_hand = data.call(*data.RUN, expect=3)
            assert "another podcast run is under way" in by_hand.stderr, by_hand.stderr
            assert str(process.pid) in data.status()["running"]
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=120)
            assert process.returncode == 130 and "interrupted" in out, (process.returncode, out)
        status = data.status()
        assert status["failuresInRow"] == 0 and not status["open"] and status["running"] is None, status
        assert "**Interrupted:**" in data.log("ingestion-pipeline-runs.md")
        server.rules({"/feed.xml": None})
        assert data.look(now=NIGHT + 4 * HOUR)["outcome"] == "success"


def test_a_killed_pipeline_is_a_failed_attempt():
    with machine() as (data, server):
        with run_under_way(data, server) as process:
            child, = children(process.pid)
            os.kill(child, signal.SIGKILL)
            out, _ = process.communicate(timeout=120)
            assert process.returncode == 3 and "signal 9" in out, (process.returncode, out)
        status = data.status()
        assert status["failuresInRow"] == 1 and "signal 9" in status["line"] and not status["open"], status
        assert "signal 9" in data.log("ingestion-pipeline-runs.md")
        server.rules({"/feed.xml": None})
        assert data.look(now=NIGHT + HOUR)["outcome"] == "not-due"
        assert data.look(now=NIGHT + 4 * HOUR)["outcome"] == "success"
        assert data.status()["failuresInRow"] == 0


def test_a_killed_watcher_is_found_at_the_next_start():
    with machine() as (data, server):
        with run_under_way(data, server) as process:
            child, = children(process.pid)
            process.kill()
            process.wait()
            # The pipeline is told to end with its watcher.
            while os.path.exists(f"/proc/{child}/exe"):
                pass
        status = data.status()
        assert status["open"] and status["failuresInRow"] == 0, status
        server.rules({"/feed.xml": None})
        again = data.look(now=NIGHT + 4 * HOUR)
        assert again["outcome"] == "success" and any("was killed" in line for line in again["lines"]), again
        assert "was killed" in data.log("automation-error.log")
        assert data.log("ingestion-pipeline-runs.md").count("❌ ERRORS") >= 1


# ---- notices ----


def test_notices_go_out_once_a_streak_by_every_way():
    receiver = Receiver()
    try:
        with machine() as (data, server):
            mail = os.path.join(data.home, "mail")
            data.yaml(webhook=receiver.url + "/hook/s3cr3t-path", notify_after=2, sns_topic="arn:aws:sns:eu-west-1:123456789012:nights",
                      mail_command=f"sh -c 'echo \"$1\" >> {mail}; cat >> {mail}' x {{subject}}")
            data.environment.update({"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "verysecretkey", "AWS_ENDPOINT_URL_SNS": receiver.url,
                                     "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"})
            server.rules({"/feed.xml": {"status": 404}})
            data.look(expect=1)
            assert not receiver.got
            data.look(now=NIGHT + DAY, expect=1)
            hooks = [json.loads(body) for path, body in receiver.got if path.startswith("/hook")]
            topics = [body for path, body in receiver.got if not path.startswith("/hook")]
            assert len(hooks) == 1 and len(topics) == 1, receiver.got
            assert hooks[0]["event"] == "failing" and hooks[0]["failuresInRow"] == 2 and "404" in hooks[0]["text"], hooks
            assert hooks[0]["sites"][0]["siteId"] == SITE and "404" in hooks[0]["sites"][0]["errors"][0], hooks
            assert "Action=Publish" in topics[0] and "nights" in topics[0], topics
            with open(mail, encoding="utf-8") as file:
                text = file.read()
            assert text.count("2 in a row with errors") == 2 and "404" in text, text
            data.look(now=NIGHT + 2 * DAY, expect=1)
            assert len(receiver.got) == 2, "the third failure of a streak is not told again"
            # Well again: told once more; a receiver that refuses is asked again at the next start.
            server.rules({"/feed.xml": None})
            receiver.status = 410
            well = data.look(now=NIGHT + 3 * DAY)
            assert well["outcome"] == "success" and any("notice by webhook" in line for line in well["lines"]), well
            receiver.status = 200
            receiver.got.clear()
            assert data.look(now=NIGHT + 3 * DAY + HOUR)["outcome"] == "not-due"
            hooks = [json.loads(body) for path, body in receiver.got if path.startswith("/hook")]
            assert len(hooks) == 1 and hooks[0]["event"] == "recovered", receiver.got
            receiver.got.clear()
            data.look(now=NIGHT + 3 * DAY + 2 * HOUR)
            assert not receiver.got
            for name in ("automation.log", "automation-error.log", "ingestion-pipeline-runs.md", "automation-state.json"):
                assert "s3cr3t" not in data.log(name) and "verysecret" not in data.log(name), name
    finally:
        receiver.close()


# ---- the server's own schedule ----


def test_the_server_starts_it_by_its_schedule():
    with machine() as (data, server):
        shown = data.automate("install", "--with", "server", "--yes").stdout
        assert '"ScheduleExpression": "cron(0 3,7,11,15,19,23 * * ? *)"' in shown, shown
        assert "nothing to do" in data.automate("install", "--with", "server", "--yes").stdout
        shown = json.loads(data.call("schedule", "show", "tidemill-podcast", "--json").stdout)
        assert shown["Target"]["Arn"] == "arn:tidemill:task:podcast.run", shown
        assert json.loads(shown["Target"]["Input"]) == {"at": "03:00", "everyHours": 24}
        assert data.status()["next"].startswith("2026-01-03T03:00"), data.status()
        # No server ran at the last time of the schedule, so it is caught up at once.
        server.rules({"/feed.xml": {"status": 404}})
        process = data.start("serve", "--listen", "127.0.0.1:0", program=p.TIDEMILL)
        try:
            assert process.stdout.readline().startswith("listening")
            runs = []
            until = time.monotonic() + 120
            while not runs or runs[0]["status"] == "RUNNING":
                assert time.monotonic() < until, runs
                listed = data.call("flow", "list", "task-podcast-run", "--json", expect=None, program=p.TIDEMILL)
                runs = json.loads(listed.stdout) if listed.returncode == 0 else []
            assert len(runs) == 1 and runs[0]["status"] == "FAILED", runs
            history = data.call("flow", "history", runs[0]["executionArn"], "--json", program=p.TIDEMILL).stdout
            assert "Podcast.RunFailed" in history and "404" in history, history
            with open(os.path.join(data.folder, "m.json"), "w", encoding="utf-8") as out:
                json.dump({"StartAt": "R", "States": {"R": {"Type": "Task", "Resource": "arn:tidemill:task:podcast.run", "End": True}}}, out)
            data.call("flow", "create", "night", os.path.join(data.folder, "m.json"), program=p.TIDEMILL)
            ran = data.call("flow", "start", "night", "--wait", "--input", '{"at": "00:00"}', program=p.TIDEMILL)
            assert json.loads(ran.stdout)["outcome"] == "not-due", ran
            for bad in ('{"at": "00:00; reboot"}', '{"everyHours": 5}', '{"sites": ["--yes"]}', '{"sites": ["a b"]}'):
                ran = data.call("flow", "start", "night", "--wait", "--input", bad, expect=None, program=p.TIDEMILL)
                assert ran.returncode != 0 and "Podcast.RunFailed" not in ran.stdout + ran.stderr, ran
        finally:
            process.terminate()
            process.communicate(timeout=120)
        assert "404" in data.log("automation-error.log")
        data.automate("remove", "--yes")
        gone = data.call("schedule", "show", "tidemill-podcast", expect=None)
        assert gone.returncode != 0 and "nothing is installed" in data.automate("remove", "--yes").stdout


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    p.run_tests(sys.modules[__name__])
