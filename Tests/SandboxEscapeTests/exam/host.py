"""The host under exam: a real `bullpen serve` with a data folder of its own, as root or as an ordinary user."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
STAGE = os.path.join(PACKAGE, ".build", "stage-debug")
RUNTIMES = os.path.join(PACKAGE, ".build", "test-runtimes")
ORDINARY = 65534
"""The ordinary user's id: nobody's, so that no file of a person is in reach."""
CONTROLLERS = {"memory", "cpu", "cpuacct", "pids"}
SECRET = "exam-secret-%d-%s" % (os.getpid(), os.urandom(8).hex())
"""Stands in the host's environment, as a careless operator's key would."""


class Failure(Exception):
    """The exam itself could not go on."""


class Host:
    """One host, started by `start` and ended by `end`, whatever happens to it in between.

    user   "root", "user" (an ordinary user with control groups that root handed over) or "alone" (without)
    """

    def __init__(self, user, door, settings=()):
        self.user, self.door = user, door
        self.folder = tempfile.mkdtemp(prefix="exam-host-")
        os.chmod(self.folder, 0o755)
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.data, 0o700)
        self.output = os.path.join(self.folder, "output.txt")
        self.groups = []
        self.uid = 0 if user == "root" else ORDINARY
        self.process = None
        self.token = None
        self.password = None
        self.port = free_port()
        stage, runtimes = self._reachable()
        self.program = os.path.join(stage, "bin", "bullpen")
        self.launcher = os.path.realpath(os.path.join(stage, "libexec", "bullpen", "confine"))
        os.symlink(runtimes, os.path.join(self.data, "runtimes"))
        if self.uid:
            os.chown(self.data, self.uid, self.uid)
        values = {
            "market.symbols": "BTCUSDT", "market.speed": 60, "limits.price_distance": "0.9", "strategy.start_timeout": "20s",
            "strategy.heartbeat_interval": "500ms", "strategy.heartbeat_timeout": "6s", "strategy.stop_timeout": "2s",
        }
        if user == "alone":
            values["sandbox.without_control_groups"] = "rlimits"
        values.update(settings)
        self.arguments = [self.program, "serve", "--data", self.data, "--port", str(self.port)]
        for name, value in values.items():
            self.arguments += ["--set", "%s=%s" % (name, value)]
        self._local = threading.local()

    def _reachable(self):
        """The staged program and the runtimes, copied to where an ordinary user gets at them when that is needed."""
        runtimes = os.path.realpath(RUNTIMES)
        if not self.uid or (can_reach(os.path.join(STAGE, "bin", "bullpen")) and can_reach(runtimes)):
            return STAGE, runtimes
        copies = os.path.join(self.folder, "copies")
        shutil.copytree(STAGE, copies, symlinks=True)
        shutil.copytree(runtimes, os.path.join(copies, "runtimes"), symlinks=True)
        return copies, os.path.join(copies, "runtimes")

    def start(self):
        if self.user == "user" and not self.groups:
            self.groups = hand_over_groups("bullpen-exam-%d" % self.port, self.uid)
        environment = {"PATH": "/usr/bin:/bin", "EXAM_SECRET": SECRET, "HOME": self.data, "SWIFT_BACKTRACE": "enable=no"}
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env=environment, preexec_fn=self._become)
        deadline = time.time() + 60
        while "Ready." not in self.said():
            if self.process.poll() is not None or time.time() > deadline:
                raise Failure("the host did not start: %s" % self.said()[-2000:])
            time.sleep(0.02)
        if self.token is None:
            self._log_in()

    def _become(self):
        for group in self.groups:
            with open(group + "/cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")
        if self.uid:
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)

    def said(self):
        with open(self.output, encoding="utf-8", errors="replace") as file:
            return file.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self, seconds=60):
        """Asks it to end and waits; its exit code, or None when it had to be killed."""
        if self.process is None or self.process.poll() is not None:
            return None if self.process is None else self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def remove(self):
        """Takes away what the exam itself has made."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        for group in self.groups:
            for path, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass  # Whoever still stands in it was reported.
        shutil.rmtree(self.folder, ignore_errors=True)

    # MARK: Asking

    def ask(self, method, path, body=None, kind="application/json", headers=None, fails=False):
        """The answer's JSON. With `fails`, the status and the JSON, whatever they are."""
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if body is not None:
            sent["Content-Type"] = kind
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        for attempt in (1, 2):
            try:
                connection = getattr(self._local, "connection", None)
                if connection is None:
                    connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request(method, path, body, sent)
                response = connection.getresponse()
                data = response.read()
                break
            except (http.client.HTTPException, OSError) as failure:
                self._local.connection = None
                if attempt == 2 or self.process.poll() is not None:
                    raise Failure("the host did not answer %s %s: %s" % (method, path, failure)) from failure
        self._local.cookie = response.getheader("Set-Cookie")
        if response.getheader("Content-Type", "").startswith("application/json"):
            data = json.loads(data) if data else None
        if fails:
            return response.status, data
        if response.status >= 300:
            raise Failure("%s %s was answered with %d %r" % (method, path, response.status, data))
        return data

    def _log_in(self):
        self.password = self.said().split("shown only now: ")[1].split()[0]
        login = self.ask("POST", "/login", {"name": "admin", "password": self.password})
        headers = {"Cookie": self._local.cookie.split(";")[0], "X-CSRF-Token": login["csrf_token"]}
        self.token = self.ask("POST", "/tokens", {"name": "exam"}, headers=headers)["token"]

    def upload(self, name, file, content, config, fails=False):
        fields = {"file": (file, content), "config": (None, json.dumps(config).encode()), "name": (None, name.encode())}
        body, kind = multipart(fields)
        answer = self.ask("POST", "/strategies", body, kind, fails=fails)
        return answer if fails else answer["id"]

    def begin(self, strategy, parameters):
        self.ask("POST", "/strategies/%s/start" % strategy, {"parameters": parameters})

    def status(self, strategy):
        return self.ask("GET", "/strategies/%s/status" % strategy)

    def lines(self, strategy, after=0):
        found = self.ask("GET", "/strategies/%s/logs?limit=200&after=%d" % (strategy, after))["items"]
        return found


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def can_reach(path):
    """Whether an ordinary user may enter every folder on the way to `path`, and read it."""
    path = os.path.realpath(path)
    while path != "/":
        if os.stat(path).st_mode & 0o5 != 0o5:
            return False
        path = os.path.dirname(path)
    return True


def group_folders():
    """Where this process stands in each hierarchy that can limit something: (version, folder)."""
    own = {}
    with open("/proc/self/cgroup", encoding="ascii") as file:
        for line in file:
            _, names, path = line.strip().split(":", 2)
            for name in names.split(","):
                own[name] = path
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            left, right = line.split(" - ")
            root, point = left.split()[3:5]
            kind, _, options = right.split()[:3]
            if kind == "cgroup2":
                path, names = own.get("", "/"), ()
                with open(point + "/cgroup.controllers", encoding="ascii") as list_:
                    names = list_.read().split()
            elif kind == "cgroup":
                names = options.split(",")
                path = next((own[name] for name in names if name in own), "/")
            else:
                continue
            if CONTROLLERS & set(names):
                below = path if root == "/" else path[len(root):] if path.startswith(root) else ""
                found.append((2 if kind == "cgroup2" else 1, (point + below).rstrip("/")))
    return found


def hand_over_groups(name, uid):
    """A group for the host in each hierarchy, which belongs to its user."""
    made = []
    for version, folder in group_folders():
        group = folder + "/" + name
        os.makedirs(group, exist_ok=True)
        for path in [group, group + "/cgroup.procs"] + ([group + "/cgroup.subtree_control"] if version == 2 else []):
            os.chown(path, uid, uid)
        made.append(group)
    return made


def multipart(fields):
    boundary = "exam-boundary"
    parts = []
    for name, (file, content) in fields.items():
        head = '--%s\r\nContent-Disposition: form-data; name="%s"' % (boundary, name)
        head += '; filename="%s"\r\n\r\n' % file if file else "\r\n\r\n"
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + ("--%s--\r\n" % boundary).encode(), "multipart/form-data; boundary=" + boundary
