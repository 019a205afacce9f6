"""Runs the exam on one host, or its controls without walls. See --help."""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "inside"), os.path.join(HERE, "..", "..", "live")]

import controls  # noqa: E402
from cases import CASES  # noqa: E402
from exam import USERS, Exam, language_of  # noqa: E402


def examine(options, cases):
    report = Exam(options.door, options.user, options.profile).run(cases)
    for case in report["cases"]:
        print(json.dumps({"door": options.door, "user": options.user, "profile": options.profile, **case,
            "verdict": "held" if case["passed"] else "failed" if case["promised"] else "not promised"}), flush=True)
    print(json.dumps({name: report[name] for name in ("door", "user", "profile", "seconds", "figures")}), flush=True)
    return all(case["passed"] or not case["promised"] for case in report["cases"])


def control(options, cases):
    def one(work):
        case, language = work
        began = time.time()
        found = controls.run(case, language)
        complaints, traits = controls.judge(case, found)
        print(json.dumps({
            "name": case.name, "row": case.row, "language": language, "found": found, "seconds": round(time.time() - began, 2),
            "complaints": complaints, "traits": traits, "passed": not complaints}), flush=True)
        return not complaints

    works = [(case, language) for case in cases for language in case.speaks if language == language_of(case, options.profile)]
    with ThreadPoolExecutor(4) as pool:
        return all(list(pool.map(one, works)))


def is_brief(case, options):
    return not case.is_long and not (case.is_alike and options.user != "root")


def table(cases):
    """The cases as the table of docs/EXAM.md."""
    lines = ["| row | case | a strategy | must see | languages |", "|---|---|---|---|---|"]
    for case in cases:
        promised = "" if "alone" in case.promised else " (promised with control groups)"
        if "user" not in case.promised:
            promised = " (promised where each strategy has a user of its own)"
        lines.append("| %s | `%s` | %s | %s%s | %s |" % (
            "–" if case.row == "+" else case.row, case.name, case.tries, case.sees, promised,
            ", ".join("Python" if name == "python" else "C" for name in case.speaks)))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="exam", description=__doc__.split("\n")[0])
    parser.add_argument("--door", choices=("cold", "warm"), default="cold", help="how strategies start (cold)")
    parser.add_argument("--user", choices=USERS, default="root", help="whom the host runs as: root, an "
                        "ordinary user with control groups of its own, one to whom ids are lent, too, or one without (root)")
    parser.add_argument("--profile", default="python", help="the profile of the strategies (python)")
    parser.add_argument("--controls", action="store_true", help="the same attempts without walls")
    parser.add_argument("--brief", action="store_true", help="leaves out what differs little from what is tried, "
                        "and for hosts that do not run as root what comes out alike")
    parser.add_argument("--table", action="store_true", help="prints the table of docs/EXAM.md and does nothing")
    parser.add_argument("--only", help="names of cases, with commas between")
    options = parser.parse_args()
    if options.table:
        print(table(CASES))
        return 0
    only = options.only.split(",") if options.only else None
    cases = [case for case in CASES if (case.name in only if only else not options.brief or is_brief(case, options))]
    return 0 if (control if options.controls else examine)(options, cases) else 1


if __name__ == "__main__":
    sys.exit(main())
