"""The walk of an author whose strategies break a rule each. Who breaks one sees the page and nothing else: it must say what happened."""

import json

# What breaks a rule: the body of on_start, what the cause says, what the panel of refused calls says.
RULES = {
    "opens-a-socket": (
        """        import urllib.request
        urllib.request.urlopen("https://example.org/prices.json")""",
        ["Network is not available to strategies: use subscribe, or ask the operator for a feed."], ["socket(AF_INET"]),
    "writes-elsewhere": (
        """        with open("/bundle/model.json", "w") as file:
            file.write("{}")""",
        ["/bundle/model.json", "Only /work and /tmp can be written"], ['openat("/bundle/model.json", O_WRONLY']),
    "forks": (
        """        import subprocess
        subprocess.run(["/usr/bin/git", "pull"])""",
        ["Operation not permitted"], ["Strategies cannot start processes", "Use threads or n_jobs=1, and a package instead of a program."]),
    "eats-memory": (
        """        self.kept = []
        while True:
            self.kept.append(b"x" * (1 << 20))""",
        ["Killed for memory: limit 64 MiB, peak 64 MiB", "Keep less in memory, or set memory_mb in strategy.json."], []),
    "loops": (
        """        self.timer("loop", 0.1)

    def on_timer(self, timer_id):
        while True:
            pass""",
        ["Hung: did not answer a ping for", "in on_timer at line", "of strategy.py", "It used"], []),
    "signals": (
        """        import os, signal
        try:
            os.kill(os.getppid(), signal.SIGKILL)
        except PermissionError as error:
            self.log(f"refused: {error}", "warning")""",
        [], ["Strategies cannot send signals", "SIGKILL"]),
    "mounts": (
        """        import ctypes
        ctypes.CDLL(None).mount(b"none", b"/work", b"tmpfs", 0, None)""",
        ["Killed for a forbidden system call, mount(", "It stays down until somebody starts it again."],
        ["Only an attacker changes the machine", "killed for it"]),
    "is-held-back": (
        """        self.timer("work", 0.5, repeat=True)

    def on_timer(self, timer_id):
        import time
        end = time.monotonic() + 0.35
        while time.monotonic() < end:
            pass""",
        [], []),
}


def walk(at, user, password, folder, file=None):
    at.arrive()
    at.enter(user, password)
    at.see(".link-state.live")
    for name, (body, cause, refused) in RULES.items():
        trial = folder / f"{name}.py"
        trial.write_text(f"from bullpen import Strategy\n\n\nclass Trial(Strategy):\n    def on_start(self):\n{body}\n")
        at.go("upload", ".drop")
        at.choose(trial)
        at.see(".callout.good")
        share = 0.05 if name == "is-held-back" else 0.2
        at.configure(json.dumps({"memory_mb": 64, "cpu_share": share, "restart": {"policy": "temporary"}, "start": at.start}))
        at.see(".callout.good")
        at.click(".actions button", "Upload and start")
        at.see("dialog select")
        at.submit("Start")
        at.see_all(*((".cause-place .callout", words) for words in cause), *(("#refused", words) for words in refused))
        if name in ("eats-memory", "loops"):
            at.see_all((".facts dt", "Most memory"), (".hint", "Of its last run."))
        if name == "is-held-back":
            at.see_all((".log-line", "held back for"), (".meter", "of the last minute"))
        at.step(name)
        # The first of a profile waits for its nursery, or is started anew when that takes long.
        if at.start == "cold" or name != next(iter(RULES)):
            at.go(f"strategies/{at.strategy()}/log")
            at.see(".log-line", f"started {at.start} in")
    at.go("strategies")
    at.shows(
        "the list says why", ("tr[data-link]", "orbidden system call: mount("), ("tr[data-link]", "killed for memory: limit 64 MiB"),
        ("tr[data-link]", "refused 1 call"))
