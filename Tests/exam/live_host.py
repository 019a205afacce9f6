"""A whole host for the exam: started, asked over HTTP, and ended."""

import glob
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(PACKAGE, ".build", "exam")


class ExamFailed(Exception):
    """Something that must hold does not."""


def demand(holds, words, *values):
    if not holds:
        raise ExamFailed(words % values if values else words)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def multipart(fields):
    boundary = "exam-boundary"
    parts = []
    for name, (file, content) in fields.items():
        head = '--%s\r\nContent-Disposition: form-data; name="%s"' % (boundary, name)
        head += '; filename="%s"\r\n\r\n' % file if file else "\r\n\r\n"
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + ("--%s--\r\n" % boundary).encode(), "multipart/form-data; boundary=" + boundary


class LiveHost:
    """One host on a data folder of its own. Use it in a `with`.

    profiles: more profiles, by name, as JSON values.
    runtimes: the folder of runtimes.
    """

    def __init__(self, stage, runtimes, profiles=None, settings=None):
        self.stage = os.path.realpath(stage)
        self.folder = tempfile.mkdtemp(prefix="bullpen-exam-")
        os.chmod(self.folder, 0o755)
        self.data = os.path.join(self.folder, "data")
        os.makedirs(self.data)
        os.symlink(os.path.realpath(runtimes), os.path.join(self.data, "runtimes"))
        self.share = os.path.join(self.folder, "share")
        shutil.copytree(os.path.join(self.stage, "share", "bullpen"), self.share, symlinks=True)
        for name, profile in (profiles or {}).items():
            with open(os.path.join(self.share, "profiles", name + ".json"), "w", encoding="utf-8") as file:
                json.dump(profile, file)
        self.port = free_port()
        settings = {
            "market.symbols": "BTCUSDT", "strategy.start_timeout": "3600s", "strategy.heartbeat_timeout": "7200s",
            "strategy.log_bytes": 1 << 28, "log.max_bytes": 1 << 24, **(settings or {}),
        }
        self.arguments = [
            os.path.join(self.stage, "bin", "bullpen"), "serve", "--data", self.data, "--share", self.share, "--port",
            str(self.port)]
        for name, value in settings.items():
            self.arguments += ["--set", "%s=%s" % (name, value)]
        self.output = os.path.join(self.folder, "output.txt")
        self.token = None
        self.cookie = None
        self.connection = None
        self.group = None

    def __enter__(self):
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        deadline = time.time() + 60
        while "Ready." not in self.text():
            demand(self.process.poll() is None, "the host did not start: %s", self.text().strip())
            demand(time.time() < deadline, "the host was not ready within 60 s: %s", self.text().strip())
            time.sleep(0.02)
        password = self.text().split("shown only now: ")[1].split()[0]
        login = self.ask("POST", "/login", {"name": "admin", "password": password})
        headers = {"Cookie": self.cookie.split(";")[0], "X-CSRF-Token": login["csrf_token"]}
        self.token = self.ask("POST", "/tokens", {"name": "exam"}, headers)["token"]
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if kind is None:
            shutil.rmtree(self.folder)

    def text(self):
        with open(self.output, encoding="utf-8", errors="replace") as output:
            return output.read()

    def ask(self, method, path, body=None, headers=None, type="application/json"):
        """The answer's JSON."""
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if body is not None:
            sent["Content-Type"] = type
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.connection.request(method, path, body, sent)
                response = self.connection.getresponse()
                data = response.read()
                break
            except (http.client.HTTPException, OSError) as failure:
                self.connection = None
                demand(
                    attempt == 1 and self.process.poll() is None, "the host did not answer %s %s: %s", method, path,
                    failure)
        demand(response.status < 300, "%s %s was answered with %s %s", method, path, response.status, data[:500])
        self.cookie = response.getheader("Set-Cookie")
        return json.loads(data) if data else None

    def upload(self, name, content, config, to=None):
        """Uploads a strategy, or a new version of one. Returns its id."""
        body, kind = multipart({"file": (name, content), "config": (None, json.dumps(config).encode())})
        path = "/strategies/%s/versions" % to if to else "/strategies"
        answer = self.ask("POST", path, body, type=kind)
        return to or answer["id"]

    def start(self, strategy, **options):
        return self.ask("POST", "/strategies/%s/start" % strategy, {"feed": "injected", **options})

    def status(self, strategy):
        return self.ask("GET", "/strategies/%s/status" % strategy)

    def wait(self, strategy, states, seconds):
        """Waits until the strategy is in one of these states. Returns its status."""
        deadline = time.time() + seconds
        while True:
            status = self.status(strategy)
            if status["state"] in states:
                return status
            demand(
                time.time() < deadline, "%s was not %s within %d s: %s; its log ends with %s", strategy,
                " or ".join(states), seconds, status, self.lines(strategy)[-8:])
            time.sleep(0.05)

    def lines(self, strategy):
        """What the log's files hold, oldest first."""
        found = []
        for path in sorted(glob.glob(os.path.join(self.data, "runs", strategy, "log.jsonl*")), reverse=True):
            with open(path, encoding="utf-8") as file:
                found += [json.loads(text) for text in file if text.endswith("\n")]
        return found

    def wait_for_end(self, strategy, seen):
        """Waits until the log tells, behind the lines already seen, how the run ended. Returns all lines."""
        deadline = time.time() + 10
        while True:
            lines = self.lines(strategy)
            if any(line["source"] == "host" and line["message"].startswith("ended") for line in lines[seen:]):
                return lines
            demand(time.time() < deadline, "the log of %s does not tell its end: %s", strategy, lines[-5:])
            time.sleep(0.02)

    def find_group(self, strategy):
        """Finds the name of the host's control group from one of its strategies' processes."""
        while self.group is None:
            status = self.status(strategy)
            if status["state"] not in ("starting", "ready", "running"):
                return
            if status["pid"]:
                with open("/proc/%d/cgroup" % status["pid"], encoding="ascii") as file:
                    for part in file.read().replace("\n", "/").split("/"):
                        if part.startswith("bullpen-") and part != "bullpen-host":
                            self.group = part

    def groups(self):
        """The folders of runs, in every hierarchy. Nurseries are the host's own, and stay."""
        found = []
        for path, folders, _ in os.walk("/sys/fs/cgroup"):
            if self.group and os.path.basename(path) == self.group:
                found += [os.path.join(path, folder) for folder in folders if not folder.startswith("nursery-")]
                folders.clear()
        return found
