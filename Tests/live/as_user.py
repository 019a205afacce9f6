"""Runs a program as an ordinary user: as_user.py user|alone [--writes FILE]... -- PROGRAM [ARGUMENT]...

`user` hands it a control group in each hierarchy, `alone` none. Each FILE is made empty, for it to write to. Needs root. Ends
with the program's own exit status.
"""

import os
import subprocess
import sys

from live_host import ORDINARY, become, hand_over_groups


def main():
    user, *words = sys.argv[1:]
    if user not in ("user", "alone") or "--" not in words:
        sys.exit(__doc__)
    split = words.index("--")
    for option, path in zip(words[:split:2], words[1:split:2]):
        if option != "--writes":
            sys.exit(__doc__)
        with open(path, "w", encoding="utf-8"):
            os.chown(path, ORDINARY, ORDINARY)
    groups = hand_over_groups("bullpen-exam-%d" % os.getpid(), ORDINARY) if user == "user" else []
    environment = {**os.environ, "HOME": "/tmp"}
    if user == "alone":
        environment["BULLPEN_TEST_GROUPS"] = "none"
    try:
        return subprocess.run(
            words[split + 1:], env=environment, preexec_fn=lambda: become(ORDINARY, groups), check=False).returncode
    finally:
        for group in groups:
            for path, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    print("as_user: %s is left behind" % path, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
