"""Writes docs/EXAM.md anew between its marks, from the results of the steps in .build/exam.

`report.py --result STEP USER good|bad LINES` gathers what tests wrote as lines of JSON into the result of a step.
"""

import json
import os
import platform
import re
import sys

from place import DOCUMENT, circumstances, result_file
from live_host import USERS
from outside import read


def gather(step, user, verdict, path):
    result = {
        "step": step, "is_good": verdict == "good", **circumstances(user),
        "figures": [json.loads(line) for line in read(path).splitlines()]}
    with open(result_file(step, user), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


def result(step, user):
    text = read(result_file(step, user))
    return json.loads(text) if text else None


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + [
        "| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def number(value):
    text = "%.4g" % value if abs(value) < 10000 else "%.0f" % value
    return text


def machine():
    memory = int(re.search(r"MemTotal:\s+(\d+)", read("/proc/meminfo")).group(1)) / 2 ** 20
    version = 2 if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else 1
    model = re.search(r"model name\s*:\s*(.*)", read("/proc/cpuinfo"))
    return "Linux %s on %s, %d cores%s, %.0f GiB of memory, control groups version %d." % (
        re.match(r"[\d.]+", platform.release()).group(0), platform.machine(), os.cpu_count(),
        " (%s)" % model.group(1).strip() if model and "unknown" not in model.group(1) else "", memory, version)


def when(found):
    words = "Passed" if found["is_good"] else "**Not passed** (%s)" % found.get("failure", "see the log")
    state = ", code at `%s`" % found["state"] if found.get("state") else ""
    return "%s on %s UTC%s; load average at its end %s." % (words, found["at"], state, found["load"])


def limits(found):
    rows = []
    for figure in found["figures"]:
        unit = " " + figure["unit"] if figure["unit"] else ""
        if "promised" in figure:
            deviation = 100 * (figure["measured"] / figure["promised"] - 1)
            rows.append((figure["limit"], number(figure["promised"]) + unit, number(figure["measured"]) + unit,
                         "%+.1f %%" % deviation))
        else:
            rows.append((figure["limit"], "", number(figure["measured"]) + unit, ""))
    return when(found) + "\n\n" + table(("Limit", "promised", "measured", "off by"), rows)


def cpython(found):
    if "modules" not in found:
        return when(found)
    rows = [(entry["module"].replace("test.", ""), entry["door"], entry["tests"], entry.get("pass", 0),
             entry.get("refused", 0), entry.get("n/a", 0), entry["seconds"]) for entry in found["modules"]]
    words = "%s %d results, %d of them otherwise than the list says. Looked at %d times from outside meanwhile; never more " \
            "than %d process of a strategy." % (
                when(found), found["tests"], len(found["differences"]), found["outside"]["looks"],
                found["outside"]["most_processes"])
    return words + "\n\n" + table(("Module", "door", "tests", "passed", "refused", "not applicable", "seconds"), rows)


def stress(found):
    if "stressors" not in found:
        return when(found)
    limit = found["limits"]
    refused = sorted({re.match(r"\w+", call).group(0) for call in found["shipped"]["refused"]})
    words = "%s In the shipped profile stress-ng ended at once; it was refused `%s`." % (when(found), "`, `".join(refused))
    rows = [("limit", limit["memory_mib"], limit["cores"], limit["processes"], limit["descriptors"],
             limit["bytes"] >> 20, limit["inodes"], "", "", "2")]
    for entry in found["stressors"]:
        taken = entry["taken"]
        rows.append((
            entry["stressor"], taken["memory_mib"], taken["cores"], taken["processes"], taken["descriptors"],
            round(taken["bytes"] / 2 ** 20, 1), taken["inodes"], "%.2f ms" % (entry["p99_quiet_us"] / 1000),
            "%.2f ms" % (entry["p99_us"] / 1000), entry["ratio"]))
    return words + "\n\n" + table((
        "Stressor", "MiB", "cores", "processes", "descriptors", "MiB on disk", "files", "neighbour's p99, quiet",
        "p99 beside it", "times"), rows)


def starts(found):
    rows = []
    # One that fails early has none.
    for entry in found.get("figures", []):
        rows.append((entry["what"], entry["before"], entry["after"]))
    return "%s %s\n\n%s" % (when(found), found.get("words", ""), table(("Counted", "before", "after"), rows))


def attacks(found):
    counts = {}
    for figure in found["figures"]:
        key = tuple(str(figure.get(name, "")) for name in ("profile", "door", "user"))
        good, all_of_them = counts.get(key, (0, 0))
        is_good = figure.get("verdict", figure.get("outcome", "held")) in ("held", "passed", "good", True)
        counts[key] = (good + is_good, all_of_them + 1)
    rows = [(*key, all_of_them, good) for key, (good, all_of_them) in sorted(counts.items())]
    return when(found) + ("\n\n" + table(("Profile", "door", "host as", "attacks", "held"), rows) if rows else "")


WRITERS = {"attacks": attacks, "limits": limits, "cpython": cpython, "stress": stress, "starts-launcher": starts,
           "starts": starts, "uml": when}


def main():
    if sys.argv[1:2] == ["--result"]:
        return gather(*sys.argv[2:])
    text = read(DOCUMENT)
    parts = {"machine": machine()}
    for step, write in WRITERS.items():
        for user in USERS:
            found = result(step, user)
            if found:
                parts[os.path.splitext(os.path.basename(result_file(step, user)))[0]] = write(found)
    for name, words in parts.items():
        pattern = re.compile(r"(<!-- exam:%s -->\n).*?(<!-- /exam:%s -->)" % (name, name), re.S)
        if not pattern.search(text):
            print("exam: docs/EXAM.md has no marks for %s" % name, file=sys.stderr)
        text = pattern.sub(lambda match: match[1] + "\n" + words + "\n\n" + match[2], text)
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
