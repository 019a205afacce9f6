"""A real `bullpen serve` for whoever tests it from outside: started, asked over HTTP, looked at and ended.

The torture, the exam, its attacks and the walk through the pages all use it. Import it with this folder on the path.
"""

import ctypes
import glob
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
PACKAGE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(PACKAGE, ".build")
STAGE = os.path.join(BUILD, "stage-debug")
RUNTIMES = os.path.join(BUILD, "test-runtimes")
ORDINARY = 64_000 + os.getpid() % 1000
"""The ordinary user's id, which no account has, so that no file of a person is in reach. Each process has one of its own, so
that what two of them find at the same time is not mistaken for one another's."""
USERS = ("own", "root", "user", "lent", "alone")
WITH_GROUPS = ("user", "lent")
"""Ordinary users to whom root hands control groups over."""
LENT = range(1_000_000 + os.getpid() % 1000 * 1000, 1_000_000 + os.getpid() % 1000 * 1000 + 1000)
"""The ids that root lends, as /etc/subuid would."""
CONTROLLERS = {"memory", "cpu", "cpuacct", "pids"}


class Failed(Exception):
    """Something that must hold does not. The words say what."""


def demand(holds, words, *values):
    if not holds:
        raise Failed(words % values if values else words)


def until(found, seconds, words, pause=0.05):
    """Waits until `found()` gives what is true of it, and returns that. `words()` says what never came."""
    deadline = time.time() + seconds
    while True:
        value = found()
        if value:
            return value
        if time.time() >= deadline:
            raise Failed(words())
        time.sleep(pause)


class LiveHost:
    """One host on a data folder of its own. In a `with` it lives from the beginning to the end.

    stage        the installation, by default that of the debug build
    runtimes     the folder of runtimes
    settings     values by the names of the configuration
    profiles     more profiles, by name, as JSON values
    user         whom it runs as: "own" (as we do), "root", "user" (an ordinary user with control groups that root handed
                 over), "lent" (the same with ids for its strategies in /etc/subuid) or "alone" (an ordinary user without
                 any). An ordinary user of this module is all but "lent" by itself.
    environment  variables of its own; it has few others
    folder       where to work, kept in the end; a new one in /tmp, removed, unless something failed
    """

    def __init__(self, stage=STAGE, runtimes=RUNTIMES, settings=None, profiles=None, user="own", environment=None, folder=None):
        demand(user in USERS, "%s is nobody to run a host as", user)
        demand(user not in ("root", "lent") or os.geteuid() == 0, "only root can run a host as %s", user)
        self.user = user
        self.uid = ORDINARY if user not in ("own", "root") and os.geteuid() == 0 else os.geteuid()
        self.is_kept = folder is not None
        self.folder = folder or tempfile.mkdtemp(prefix="bullpen-test-")
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.data = os.path.join(self.folder, "data")
        os.makedirs(self.data, mode=0o700, exist_ok=True)
        self.output = os.path.join(self.folder, "output.txt")
        self.process = self.began = None
        self.token = self.password = None
        self.group = None
        self.handed_over = []
        self.port = free_port()
        self._local = threading.local()
        stage, runtimes = self._within_reach(os.path.realpath(stage), os.path.realpath(runtimes))
        self.program = os.path.join(stage, "bin", "bullpen")
        self.launcher = os.path.realpath(os.path.join(stage, "libexec", "bullpen", "confine"))
        os.symlink(runtimes, os.path.join(self.data, "runtimes"))
        if self.uid != os.geteuid():
            os.chown(self.data, self.uid, self.uid)
        self.arguments = [self.program, "serve", "--data", self.data, "--port", str(self.port)]
        if profiles:
            self.arguments += ["--share", self._share(stage, profiles)]
        values = {"sandbox.without_control_groups": "rlimits"} if user == "alone" else {}
        for name, value in {**values, **(settings or {})}.items():
            self.arguments += ["--set", "%s=%s" % (name, value)]
        self.environment = {
            "PATH": "/usr/bin:/bin", "HOME": self.data, "SWIFT_BACKTRACE": "enable=no", **(environment or {})}

    def _within_reach(self, stage, runtimes):
        """The staged program and the runtimes, copied to where an ordinary user gets at them when that is needed."""
        if self.uid == os.geteuid() or (can_reach(os.path.join(stage, "bin", "bullpen")) and can_reach(runtimes)):
            return stage, runtimes
        copies = os.path.join(self.folder, "copies")
        shutil.copytree(stage, copies, symlinks=True)
        shutil.copytree(runtimes, os.path.join(copies, "runtimes"), symlinks=True)
        return copies, os.path.join(copies, "runtimes")

    def _share(self, stage, profiles):
        share = os.path.join(self.folder, "share")
        shutil.copytree(os.path.join(stage, "share", "bullpen"), share, symlinks=True)
        for name, profile in profiles.items():
            with open(os.path.join(share, "profiles", name + ".json"), "w", encoding="utf-8") as file:
                json.dump(profile, file)
        return share

    # MARK: Life and death

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self._kill_what_is_left()
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.end(60)
        if kind is None:
            self.remove()
        else:
            self._remove_groups()

    def start(self):
        """Starts it, waits until it is ready, and logs in the first time."""
        self.launch()
        self.wait_until_ready()
        if self.token is None:
            self._log_in()

    def launch(self):
        """Starts it and does not wait."""
        if self.user in WITH_GROUPS and os.geteuid() == 0 and not self.handed_over:
            self.handed_over = hand_over_groups("bullpen-exam-%d" % self.port, self.uid)
        etc = lend(self.folder, self.uid, LENT) if self.user == "lent" else {}
        self.began = time.time()
        self._local = threading.local()
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env=self.environment, preexec_fn=lambda: become(self.uid, self.handed_over, etc))

    def is_ready(self):
        said = self.said()
        if "Ready." in said:
            return True
        demand(self.process.poll() is None, "the host did not start: %s", said.strip()[-2000:])
        return False

    def wait_until_ready(self):
        """Returns the seconds since it was launched."""
        until(self.is_ready, 60, lambda: "the host was not ready within 60 s: %s" % self.said().strip()[-2000:], pause=0.005)
        return time.time() - self.began

    def said(self):
        with open(self.output, encoding="utf-8", errors="replace") as output:
            return output.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        code = self.process.wait()
        demand(code == -signal.SIGKILL, "the host had ended by itself with %s: %s", code, self.said()[-2000:])

    def end(self, seconds=90):
        """Asks it to end and waits. Its exit code, or None when it had to be killed or never was there."""
        if self.process is None or self.process.poll() is not None:
            return None if self.process is None else self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._kill_what_is_left()
            return None

    def remove(self):
        """Takes away what was made for it."""
        self._kill_what_is_left()
        self._remove_groups()
        if not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _kill_what_is_left(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _remove_groups(self):
        for group in self.handed_over:
            for path, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass  # Whoever still stands in it was reported.

    # MARK: Asking

    def ask(self, method, path, body=None, kind="application/json", headers=None, fails=False):
        """The answer's JSON, or its bytes when it is none. With `fails`, the status and that, whatever they are."""
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
                demand(
                    attempt == 1 and self.process.poll() is None, "the host did not answer %s %s: %s", method, path, failure)
        self._local.cookie = response.getheader("Set-Cookie")
        if response.getheader("Content-Type", "").startswith("application/json"):
            data = json.loads(data) if data else None
        if fails:
            return response.status, data
        demand(response.status < 300, "%s %s was answered with %s %s", method, path, response.status, str(data)[:500])
        return data

    def _log_in(self):
        """With the password that the first start prints."""
        self.password = self.said().split("shown only now: ")[1].split()[0]
        login = self.ask("POST", "/login", {"name": "admin", "password": self.password})
        headers = {"Cookie": self._local.cookie.split(";")[0], "X-CSRF-Token": login["csrf_token"]}
        self.token = self.ask("POST", "/tokens", {"name": "test"}, headers=headers)["token"]

    def upload(self, file, content, config, name=None, to=None, fails=False):
        """Uploads a strategy, or with `to` a new version of one. Its id; with `fails`, the status and the answer."""
        fields = {"file": (file, content), "config": (None, json.dumps(config).encode())}
        if name is not None:
            fields["name"] = (None, name.encode())
        body, kind = multipart(fields)
        path = "/strategies/%s/versions" % to if to else "/strategies"
        answer = self.ask("POST", path, body, kind, fails=fails)
        return answer if fails else to or answer["id"]

    def begin(self, strategy, **options):
        return self.ask("POST", "/strategies/%s/start" % strategy, options)

    def status(self, strategy):
        return self.ask("GET", "/strategies/%s/status" % strategy)

    def wait(self, strategy, states, seconds):
        """Waits until the strategy is in one of these states. Returns its status."""
        def reached():
            status = self.status(strategy)
            return status if status["state"] in states else None

        return until(reached, seconds, lambda: "%s was not %s within %d s: %s; its log ends with %s" % (
            strategy, " or ".join(states), seconds, self.status(strategy), self.logged(strategy)[-8:]))

    def lines(self, strategy, after=0):
        """The first 200 lines of a strategy's log behind one, as the host tells them."""
        return self.ask("GET", "/strategies/%s/logs?limit=200&after=%d" % (strategy, after))["items"]

    # MARK: Looking at what it keeps

    def logged(self, strategy):
        """What the log's files hold, oldest first. The last line may be torn."""
        found = []
        for path in sorted(glob.glob(os.path.join(self.data, "runs", strategy, "log.jsonl*")), reverse=True):
            with open(path, encoding="utf-8") as file:
                found += [json.loads(text) for text in file if text.endswith("\n")]
        return found

    def wait_for_end(self, strategy, seen):
        """Waits until the log tells, behind the lines already seen, how the run ended. Returns all lines."""
        def told():
            lines = self.logged(strategy)
            has_ended = any(line["source"] == "host" and line["message"].startswith("ended") for line in lines[seen:])
            return lines if has_ended else None

        return until(
            told, 10, lambda: "the log of %s does not tell its end: %s" % (strategy, self.logged(strategy)[-5:]), pause=0.02)

    def learn_group(self, pid):
        """Finds the name of the host's control group from one of its strategies' processes."""
        with open("/proc/%d/cgroup" % pid, encoding="ascii") as file:
            for part in file.read().replace("\n", "/").split("/"):
                if part.startswith("bullpen-") and part != "bullpen-host" and not part.startswith("bullpen-exam-"):
                    self.group = part

    def groups(self, nurseries=False):
        """The folders of runs, in every hierarchy. The host's own and its nurseries' stay, and count only if asked."""
        found = []
        for path, folders, _ in os.walk("/sys/fs/cgroup"):
            if self.group and os.path.basename(path) == self.group:
                found += [
                    os.path.join(path, folder) for folder in folders
                    if nurseries or not folder.startswith("nursery-") and folder != "host"]
                folders.clear()
        return found


# MARK: Other users

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


def lend(folder, uid, ids):
    """Files that lend ids to a user, by the names in /etc that they are to have. newuidmap wants an account with a name."""
    texts = {"subuid": "bullpen-exam:%d:%d\n" % (ids.start, len(ids)), "passwd": "", "subgid": ""}
    texts["subgid"] = texts["subuid"]
    with open("/etc/passwd", encoding="utf-8") as file:
        texts["passwd"] = file.read() + "bullpen-exam:x:%d:%d::/:/bin/false\n" % (uid, uid)
    made = {}
    for name, text in texts.items():
        made["/etc/" + name] = os.path.join(folder, name)
        with open(made["/etc/" + name], "w", encoding="utf-8") as file:
            file.write(text)
    return made


def cover(files):
    """Puts files in others' places, for this process and what comes of it."""
    calls = [lambda: LIBC.unshare(CLONE_NEWNS), lambda: LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)]
    for place, file in files.items():
        calls.append(lambda place=place, file=file: LIBC.mount(file.encode(), place.encode(), None, MS_BIND, None))
    for call in calls:
        if call() != 0:
            raise OSError(ctypes.get_errno(), "cannot cover files of /etc")


def become(uid, groups, files=None):
    """Makes this process an ordinary user's, in these control groups, with these files in others' places."""
    if files:
        cover(files)
    for group in groups:
        with open(group + "/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")
    if uid != os.geteuid():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


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
    """A group in each hierarchy, which belongs to a user."""
    made = []
    for version, folder in group_folders():
        group = folder + "/" + name
        os.makedirs(group, exist_ok=True)
        for path in [group, group + "/cgroup.procs"] + ([group + "/cgroup.subtree_control"] if version == 2 else []):
            os.chown(path, uid, uid)
        made.append(group)
    return made


# MARK: HTTP

def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def multipart(fields):
    """{name: (file name or None, content)} as a body and its type."""
    boundary = "live-host-boundary"
    parts = []
    for name, (file, content) in fields.items():
        head = '--%s\r\nContent-Disposition: form-data; name="%s"' % (boundary, name)
        head += '; filename="%s"\r\n\r\n' % file if file else "\r\n\r\n"
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + ("--%s--\r\n" % boundary).encode(), "multipart/form-data; boundary=" + boundary
