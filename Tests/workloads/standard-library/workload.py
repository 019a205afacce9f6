"""Each function is one thing that strategies do. What a sandbox may refuse is tried, and got over."""

import argparse
import array
import asyncio
import base64
import bisect
import bz2
import calendar
import cmath
import collections
import concurrent.futures
import configparser
import contextlib
import copy
import csv
import ctypes
import dataclasses
import datetime
import decimal
import difflib
import enum
import faulthandler
import fractions
import functools
import gc
import glob
import gzip
import hashlib
import heapq
import hmac
import importlib
import inspect
import io
import itertools
import json
import locale
import logging
import logging.handlers
import lzma
import math
import mmap
import multiprocessing.dummy
import os
import pathlib
import pickle
import platform
import pprint
import queue
import random
import re
import resource
import sched
import secrets
import select
import shelve
import shutil
import signal
import socket
import sqlite3
import statistics
import string
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import timeit
import tracemalloc
import typing
import unittest
import urllib.parse
import urllib.request
import uuid
import warnings
import weakref
import xml.etree.ElementTree
import zipfile
import zlib
import zoneinfo
from datetime import timezone

history: typing.List[float] = []


def everything() -> None:
    for step in (files, trees, archives, databases, threads, futures, event_loop, waiting, times, numbers, text, system,
                 memory, signals, logs, refused):
        step()
    gc.collect()


def each_candle(close: float) -> None:
    history.append(close)
    if len(history) > 20:
        statistics.fmean(history[-20:]), statistics.pstdev(history[-20:])
    time.time(), time.monotonic(), time.perf_counter(), datetime.datetime.now(timezone.utc)
    with open("/work/closes.csv", "a", newline="") as file:
        csv.writer(file).writerow([len(history), close])
    json.loads(json.dumps({"closes": history[-5:]}))
    random.random()
    print("close", close)


def files() -> None:
    folder = pathlib.Path("/work/files")
    folder.mkdir()
    (folder / "a.txt").write_text("one\ntwo\n")
    with open(folder / "a.txt", "r+") as file:
        file.seek(0, io.SEEK_END)
        file.write("three\n")
        file.flush()
        os.fsync(file.fileno())
        file.truncate(4)
    with open(folder / "b.bin", "wb", buffering=0) as raw:
        os.pwrite(raw.fileno(), b"xyz", 3)
        os.fdatasync(raw.fileno())
        os.writev(raw.fileno(), [b"a", b"b"])
    with open(folder / "b.bin", "rb") as raw:
        os.pread(raw.fileno(), 3, 1)
        os.readv(raw.fileno(), [bytearray(2)])
    os.rename(folder / "a.txt", folder / "c.txt")
    os.replace(folder / "c.txt", folder / "d.txt")
    os.stat(folder / "d.txt"), os.lstat(folder / "d.txt"), os.access(folder, os.W_OK)
    os.path.realpath(folder), os.getcwd(), list(os.scandir(folder)), sorted(glob.glob("/work/**", recursive=True))
    os.truncate(folder / "d.txt", 0)
    os.remove(folder / "d.txt")
    descriptor = os.dup(0)
    os.set_inheritable(descriptor, True)
    os.get_inheritable(descriptor)
    os.dup2(descriptor, descriptor + 1)
    os.dup2(descriptor, descriptor + 2, inheritable=False)
    os.closerange(descriptor, descriptor + 3)
    with open(__file__, "rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as view:
        view.find(b"def")
    shelf = mmap.mmap(-1, 8192)
    shelf.write(b"x")
    shelf.resize(16384)
    shelf.close()


def trees() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in "ab":
            os.makedirs(os.path.join(folder, name, "inner"), exist_ok=True)
            pathlib.Path(folder, name, "inner", "file").write_bytes(b"x" * 5000)
        shutil.copyfile(os.path.join(folder, "a/inner/file"), os.path.join(folder, "copy"))
        shutil.move(os.path.join(folder, "a"), os.path.join(folder, "c"))
        list(os.walk(folder))
    with tempfile.TemporaryFile() as file, tempfile.NamedTemporaryFile() as named:
        file.write(b"x")
        named.write(b"x")
    with tempfile.SpooledTemporaryFile(max_size=10) as spool:
        spool.write(b"x" * 100)


def archives() -> None:
    for module in (gzip, bz2, lzma):
        with module.open("/tmp/packed", "wb") as file:
            file.write(b"price" * 1000)
        with module.open("/tmp/packed", "rb") as file:
            file.read()
    with zipfile.ZipFile("/tmp/packed", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", "y")
    with zipfile.ZipFile("/tmp/packed") as archive:
        archive.read("x")
    with open("/work/state.pickle", "wb") as file:
        pickle.dump({"a": [1, 2]}, file)
    with open("/work/state.pickle", "rb") as file:
        pickle.load(file)
    zlib.crc32(base64.b64encode(hashlib.sha256(b"x").digest()))
    hmac.new(b"k", b"m", "sha256").hexdigest()


def databases() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("create table t (a, b)")
        database.executemany("insert into t values (?, ?)", [(n, n * n) for n in range(500)])
        database.execute("select sum(b) from t").fetchone()
    with contextlib.closing(sqlite3.connect("file:/work/t.db?vfs=unix-none", uri=True)) as database:
        database.execute("create table t (a)")
        database.execute("insert into t values (1)")
        database.commit()
    tried(lambda: shelve.open("/work/shelf").close())


def threads() -> None:
    results: "queue.Queue[int]" = queue.Queue()
    lock, event, barrier = threading.Lock(), threading.Event(), threading.Barrier(3)

    def work(number: int) -> None:
        barrier.wait()
        with lock:
            results.put(sum(range(number)))
        event.wait(1)

    workers = [threading.Thread(target=work, args=(1000,), name=f"worker-{n}", daemon=n == 0) for n in range(3)]
    for worker in workers:
        worker.start()
    event.set()
    for worker in workers:
        worker.join()
    timer = threading.Timer(0.01, lambda: None)
    timer.start()
    timer.join()
    condition = threading.Condition()
    with condition:
        condition.wait(0.01)
    threading.local().x = 1


def futures() -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(math.sqrt, range(100)))
    # Even this one asks for a semaphore that processes could share.
    tried(dummy_pool)


def dummy_pool() -> None:
    with multiprocessing.dummy.Pool(2) as pool:
        pool.map(abs, range(-5, 5))


def event_loop() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        events: "asyncio.Queue[int]" = asyncio.Queue()

        async def producer() -> None:
            for number in range(3):
                await asyncio.sleep(0.001)
                await events.put(number)

        await asyncio.gather(producer(), *(events.get() for _ in range(3)))
        await loop.run_in_executor(None, time.sleep, 0.001)
        await asyncio.to_thread(math.sqrt, 2)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(1), 0.001)
        left, right = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=left)
        right.send(b"line\n")
        await reader.readline()
        writer.close()
        right.close()

    asyncio.run(main())


def waiting() -> None:
    left, right = socket.socketpair()
    with left, right:
        right.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            right.recv(1)
        left.sendall(b"x")
        select.select([right], [], [], 0.01)
        poller = select.poll()
        poller.register(right, select.POLLIN)
        poller.poll(1)
        with select.epoll() as epoll:
            epoll.register(right, select.EPOLLIN)
            epoll.poll(0.001)
        right.recv(1)
    source, sink = os.pipe()
    os.set_blocking(source, False)
    with contextlib.suppress(BlockingIOError):
        os.read(source, 1)
    os.close(source)
    os.close(sink)


def times() -> None:
    time.sleep(0.001)
    for clock in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        getattr(time, clock)(), time.get_clock_info(clock)
    time.clock_gettime(time.CLOCK_BOOTTIME), time.clock_getres(time.CLOCK_MONOTONIC)
    time.strftime("%c"), time.localtime(), datetime.datetime.now(), calendar.monthrange(2026, 2)
    zoneinfo.ZoneInfo("Europe/Berlin"), datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Kolkata"))
    timeit.timeit("1+1", number=10)
    scheduler = sched.scheduler()
    scheduler.enter(0.001, 1, lambda: None)
    scheduler.run()


def numbers() -> None:
    random.seed()
    random.SystemRandom().random(), secrets.token_hex(8), uuid.uuid4(), os.urandom(8)
    decimal.Decimal(1) / 3, fractions.Fraction(1, 3), cmath.sqrt(-1), statistics.stdev([1.0, 2.0, 4.0])
    sorted(itertools.permutations(range(5)), key=lambda p: p[::-1])[:3]
    heapq.nsmallest(3, range(100)), bisect.bisect([1, 2, 3], 2), array.array("d", range(1000))
    hash("x"), struct.pack("<d", 1.0)


def text() -> None:
    re.sub(r"\d+", "n", "1 22 333"), string.Template("$a").substitute(a=1), textwrap.wrap("x " * 100)
    difflib.get_close_matches("cat", ["bat", "car"]), pprint.pformat({"a": {"b": 1}}), urllib.parse.urlparse("http://x/y")
    xml.etree.ElementTree.fromstring("<a><b/></a>"), configparser.ConfigParser().read_string("[a]\nb=1")
    argparse.ArgumentParser().parse_args([]), locale.getlocale(), copy.deepcopy({"a": [1]})
    enum.Enum("Color", "RED GREEN"), dataclasses.make_dataclass("D", ["a"])(1), inspect.signature(text)
    functools.lru_cache(None)(abs)(-1), collections.Counter("abc"), weakref.ref(text), warnings.warn_explicit
    importlib.import_module("json.tool"), unittest.TestCase().assertEqual(1, 1)


def system() -> None:
    os.cpu_count(), len(os.sched_getaffinity(0)), platform.platform(), os.uname(), platform.python_version()
    os.getpid(), os.getppid(), os.getuid(), os.geteuid(), os.getgid(), os.getegid(), threading.get_native_id()
    resource.getrusage(resource.RUSAGE_SELF), resource.getrlimit(resource.RLIMIT_NOFILE), os.times()
    os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_NPROCESSORS_ONLN"), os.isatty(1)
    sys.getallocatedblocks(), sys.stdout.isatty(), os.environ.get("HOME"), os.path.expanduser("~")
    os.sched_yield()
    tried(lambda: platform.libc_ver()), tried(lambda: ctypes.CDLL(None).getpid()), tried(os.getlogin)
    tried(lambda: shutil.disk_usage("/work")), tried(os.getloadavg), tried(lambda: socket.gethostname())


def memory() -> None:
    blocks = [bytearray(1 << 20) for _ in range(40)]
    del blocks[::2]
    names = {f"key-{n}": [n] * 10 for n in range(50_000)}
    del names
    tracemalloc.start()
    tracemalloc.take_snapshot()
    tracemalloc.stop()
    growing = bytearray()
    for _ in range(64):
        growing += b"x" * (1 << 18)


def signals() -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.getsignal(signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    signal.set_wakeup_fd(-1)
    source, sink = os.pipe()
    os.close(source)
    signal.signal(signal.SIGPIPE, lambda *_: None)
    tried(lambda: os.write(sink, b"x"))
    os.close(sink)
    signal.signal(signal.SIGABRT, lambda *_: None)
    signal.raise_signal(signal.SIGABRT)
    faulthandler.enable()
    faulthandler.dump_traceback_later(100)
    faulthandler.cancel_dump_traceback_later()


def logs() -> None:
    log = logging.getLogger("workload")
    log.addHandler(logging.handlers.RotatingFileHandler("/work/log.txt", maxBytes=200, backupCount=2))
    log.addHandler(logging.StreamHandler())
    for number in range(10):
        log.warning("line %d of a log that turns over", number)


def tried(action: typing.Callable[[], object]) -> None:
    with contextlib.suppress(Exception):
        action()


def refused() -> None:
    """What a profile refuses and authors try by mistake: it must fail, and must not end the strategy."""
    tried(lambda: socket.create_connection(("127.0.0.1", 80), timeout=1))
    tried(lambda: socket.getaddrinfo("example.com", 80))
    tried(lambda: urllib.request.urlopen("http://example.com"))
    tried(lambda: subprocess.run(["true"]))
    tried(lambda: os.system("true"))
    tried(lambda: multiprocessing.Pool(2))
    tried(lambda: os.kill(os.getpid(), signal.SIGUSR1))
    tried(lambda: os.chmod("/work", 0o755))
    tried(lambda: os.link("/work/log.txt", "/work/link"))
    tried(lambda: os.symlink("/work/log.txt", "/work/symlink"))
    tried(lambda: os.utime("/work/log.txt"))
    tried(lambda: shutil.copy2("/work/log.txt", "/work/log2.txt"))
    tried(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10)))
    tried(lambda: os.nice(5))
    tried(lambda: signal.setitimer(signal.ITIMER_REAL, 0))
    tried(lambda: sqlite3.connect("/work/locked.db").execute("create table t (a)"))
