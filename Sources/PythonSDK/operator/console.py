"""An interactive Python for `bullpen shell`: it talks over pipes, since no terminal is let in."""

import code
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, "/bundle")


class Console(code.InteractiveConsole):
    def raw_input(self, prompt: str = "") -> str:
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    def showtraceback(self) -> None:
        super().showtraceback()
        sys.stderr.flush()


sys.ps1, sys.ps2 = ">>> ", "... "
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
Console().interact(banner="", exitmsg="")
