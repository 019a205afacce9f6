"""The same attacks in C: one program, compiled once, uploaded as a native strategy and run without walls as control."""

import atexit
import os
import shutil
import subprocess
import tempfile
import threading

import calls

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "exam-native"

_lock = threading.Lock()
_made = []


def path():
    """The compiled program."""
    with _lock:
        if not _made:
            folder = tempfile.mkdtemp(prefix="exam-native-")
            atexit.register(shutil.rmtree, folder, True)
            os.chmod(folder, 0o755)
            with open(folder + "/lists.c", "w", encoding="utf-8") as file:
                file.write(lists())
            inside = os.path.join(HERE, "inside", "native")
            subprocess.run(
                ["cc", "-O1", "-static", "-pthread", "-D_GNU_SOURCE", "-w", "-I", inside, "-o", folder + "/" + NAME,
                 folder + "/lists.c", inside + "/main.c", inside + "/deeds.c"], check=True)
            _made.append(folder + "/" + NAME)
        return _made[0]


def program():
    with open(path(), "rb") as file:
        return file.read()


def lists():
    """`inside/calls.py` in C: a function for each list."""
    lines = ['#include "native.h"', ""]
    for name, list_ in calls.LISTS.items():
        writer = _Writer(list_)
        lines.append("static void list_%s(void) {" % name)
        lines.append("    long results[%d];" % len(list_))
        for index, call in enumerate(list_):
            lines += writer.lines_of(index, call)
        lines.append("}")
    lines.append("const struct list lists[] = {")
    lines += ['    {"%s", list_%s},' % (name, name) for name in calls.LISTS]
    lines += ["    {0, 0},", "};"]
    return "\n".join(lines) + "\n"


class _Writer:
    def __init__(self, list_):
        self.names = [call.name for call in list_]
        self.count = 0

    def lines_of(self, index, call):
        before = []
        arguments = [self._word(argument, before) for argument in call.arguments] + ["0"] * (6 - len(call.arguments))
        flags = (["APART"] if call.apart else []) + (["FORKS"] if call.forks else []) + (["HELP"] if call.help else [])
        return ["    {"] + ["        " + line for line in before] + [
            "        results[%d] = try(%s, %s, %d, %s);" % (
                index, _text(call.name), " | ".join(flags) or "0", call.number, ", ".join(arguments)), "    }"]

    def _word(self, argument, before):
        if isinstance(argument, int):
            return "(long)%dL" % argument if argument != -(1 << 63) else "(-9223372036854775807L - 1)"
        if isinstance(argument, calls.Known):
            return "known(%s)" % _text(argument.name)
        if isinstance(argument, calls.Result):
            return "results[%d]" % self.names.index(argument.call)
        self.count += 1
        name = "m%d" % self.count
        if isinstance(argument, calls.Words):
            words = [self._word(word, before) for word in argument.words]
            before.append("static long %s[%d];" % (name, len(words)))
            before += ["%s[%d] = %s;" % (name, place, word) for place, word in enumerate(words)]
        elif isinstance(argument, calls.Buffer):
            before.append("static char %s[%d];" % (name, argument.size))
        else:
            data = argument.encode() + b"\0" if isinstance(argument, str) else bytes(argument) or b"\0"
            before.append("static char %s[] = {%s};" % (name, ", ".join(str(byte - 256 if byte > 127 else byte) for byte in data)))
        return "(long)%s" % name


def _text(words):
    return '"%s"' % words.replace("\\", "\\\\").replace('"', '\\"')
