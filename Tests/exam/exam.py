"""Runs one step of the exam against the real host and writes what came of it as JSON.

`scripts/exam` starts it; `scripts/exam --help` says how.
"""

import argparse
import importlib
import json
import os
import sys

from place import RESULTS, circumstances, result_file
from live_host import RUNTIMES, STAGE, USERS, Failed

STEPS = ("cpython", "stress", "starts")


def main():
    parser = argparse.ArgumentParser(prog="scripts/exam", description=__doc__.split("\n")[0])
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--user", choices=USERS, default="own")
    parser.add_argument("--stage", default=STAGE)
    parser.add_argument("--runtimes", default=RUNTIMES)
    parser.add_argument("--modules", nargs="*", default=[])
    parser.add_argument("--write-expectations", action="store_true")
    parser.add_argument("--host-starts", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    os.makedirs(RESULTS, exist_ok=True)
    # A host that starts strategies by two doors says so in its profiles.
    with open(os.path.join(options.stage, "share", "bullpen", "profiles", "python.json"), encoding="utf-8") as file:
        options.has_doors = "nursery" in json.load(file)
    try:
        result = importlib.import_module(options.step).run(options)
    except Failed as failure:
        result = {"is_good": False, "failure": str(failure)}
    result.update(step=options.step, **circumstances(options.user))
    with open(result_file(options.step, options.user), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    if not result["is_good"]:
        print("exam: %s: %s" % (options.step, result.get("failure", "see " + file.name)), file=sys.stderr)
        for difference in result.get("differences", [])[:40]:
            print("exam:   %s" % json.dumps(difference), file=sys.stderr)
    return 0 if result["is_good"] else 1


if __name__ == "__main__":
    sys.exit(main())
