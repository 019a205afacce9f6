"""The lab job behind a bare pipe: one candle a line in, one answer a line out, and nothing else."""

import gc
import json
import os
from collections import deque


def main():
    read = os.fdopen(0, "rb", buffering=1 << 16).readline
    decode = json.JSONDecoder().raw_decode
    window = deque(maxlen=50)
    fast = slow = 0.0
    held = False
    gc.freeze()
    while True:
        line = read()
        if not line:
            return
        close = float(decode(str(line, "utf-8"))[0]["close"])
        answer = b'{"type":"done"}\n'
        if len(window) < 50:
            if len(window) >= 10:
                fast -= window[-10]
            fast += close
            slow += close
        else:
            fast += close - window[-10]
            slow += close - window[0]
        window.append(close)
        if len(window) == 50 and (5 * fast > slow) is not held:
            held = not held
            side = b"buy" if held else b"sell"
            answer = b'{"type":"order","side":"%s","quantity":"1"}\n{"type":"done"}\n' % side
        os.write(1, answer)


main()
