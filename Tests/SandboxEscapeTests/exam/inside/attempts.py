"""Tries a list of system calls, or a deed, and says what came of it. The same inside the walls and, as control, outside."""

import ctypes
import errno
import json
import mmap
import os
import signal
import sys

import calls

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class Attempt:
    """One attempt: what the exam told, and what was found."""

    def __init__(self, known, is_control):
        self.known, self.is_control = dict(known), is_control
        self.found = {}
        self._kept = []
        self.others = []

    def tell(self, **more):
        """Says what was found so far, in one line."""
        self.found.update(more)
        os.write(2, b"RESULT " + json.dumps(self.found).encode() + b"\n")

    def call(self, number, *arguments):
        """Makes a system call; its result, or minus the error's number."""
        ctypes.set_errno(0)
        result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(self._value(argument)) for argument in arguments])
        return -ctypes.get_errno() if result == -1 and ctypes.get_errno() else result

    def outcome(self, number, *arguments):
        return name_of(self.call(number, *arguments))

    def note(self, name, action, *arguments):
        """Does something in Python and notes how it ended."""
        try:
            action(*arguments)
            self.found[name] = "done"
        except OSError as error:
            self.found[name] = errno.errorcode.get(error.errno, "OSError")

    def _value(self, argument):
        if isinstance(argument, bool) or isinstance(argument, int):
            return argument
        if isinstance(argument, calls.Known):
            return self._value(self.known[argument.name])
        if isinstance(argument, calls.Result):
            return self.results.get(argument.call, -1)
        if isinstance(argument, str):
            argument = argument.encode() + b"\0"
        if isinstance(argument, calls.Words):
            words = [self._value(word) for word in argument.words]
            memory = (ctypes.c_int64 * len(words))(*words)
        elif isinstance(argument, calls.Buffer):
            memory = ctypes.create_string_buffer(argument.size)
        else:
            memory = ctypes.create_string_buffer(bytes(argument), max(len(argument), 1))
        self._kept.append(memory)
        return ctypes.addressof(memory)

    # MARK: Lists of calls

    def prepare(self):
        """Makes what the lists take for granted: some memory, and a shared file that is open and mapped."""
        page = mmap.mmap(-1, 4096)
        self._kept.append(page)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        descriptor = os.open(self.known["file"], os.O_RDONLY)
        libc.mmap.restype = ctypes.c_void_p
        shared = libc.mmap(None, ctypes.c_size_t(4096), 1, 1, descriptor, ctypes.c_long(0))
        self.known.update(page=address, address=address, open=descriptor, shared=shared, self=os.getpid())
        if self.is_control:
            # Others with the same memory at the same address, for those calls that read it.
            self.others = [_sleeper(), _sleeper()]
            self.known.update(sibling=self.others[0], first=self.others[1])

    def try_list(self, name):
        self.results = {}
        for call in calls.LISTS[name]:
            if self.is_control and (call.apart or call.forks):
                self.found[call.name] = self._try_apart(call)
                continue
            result = self.call(call.number, *call.arguments)
            if result == 0 and call.forks:
                # fork gives 0 in the new process; it only had to come to be.
                os._exit(0)
            self.results[call.name] = result
            if not call.help or result < 0:
                self.found[call.name] = name_of(result)

    def _try_apart(self, call):
        """In a process of its own, which says what came of it by its pipe and its end."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            mine = os.getpid()
            result = self.call(call.number, *call.arguments)
            if os.getpid() == mine:
                os.write(writing, name_of(result).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            said = file.read().decode()
        _, status = os.waitpid(child, 0)
        # What was executed instead says nothing, and ends well.
        return said or ("done" if status == 0 else "status %d" % status)


def _sleeper():
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        signal.pause()
        os._exit(0)
    return child


def name_of(result):
    if result < -4095 or result >= 0:
        return "done"
    return errno.errorcode.get(-result, str(-result))


def attempt(known, is_control):
    """What a strategy, or a control, does."""
    what = Attempt(known, is_control)
    if known["attack"].startswith("list:"):
        what.prepare()
        what.try_list(known["attack"][5:])
        for other in what.others:
            os.kill(other, signal.SIGKILL)
        what.tell()
    else:
        import deeds

        getattr(deeds, known["attack"])(what)


if __name__ == "__main__":
    attempt(json.loads(sys.argv[1]), True)
