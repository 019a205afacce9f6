"""Checks lines on standard input against a schema: check_lines.py protocol-host < lines"""

import json
import sys

from support import check, schema

rule = schema(sys.argv[1])
count = 0
for line in sys.stdin.buffer:
    check(json.loads(line), rule)
    count += 1
print(count)
