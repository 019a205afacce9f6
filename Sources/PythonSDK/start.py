"""What the host runs inside the walls: /usr/bin/python3 -I -B /sdk/start.py

Reads `hello` from standard input, loads the author's entry file, and speaks strategy protocol version 1 until
the host says stop. An optional argument names the bundle's folder; without it, it is /bundle.
"""

import os
import sys

# With -I Python leaves the script's own folder out of the path; the SDK is exactly that folder.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bullpen.runtime import main  # noqa: E402

if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "/bundle")
