"""The schemas hold what PROTOCOL.md shows, know every message, and refuse what is wrong."""

import json
import os
import re
import unittest

from support import PACKAGE, SchemaFault, check, schema


def examples(direction):
    with open(os.path.join(PACKAGE, "docs", "PROTOCOL.md"), encoding="utf-8") as file:
        text = file.read()
    blocks = re.findall(rf"^```jsonl {direction}\n(.*?)^```$", text, re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


class Schemas(unittest.TestCase):
    def test_every_message_has_an_example_and_each_fits(self):
        for direction in ("host", "strategy"):
            rule = schema(f"protocol-{direction}")
            types = {choice["$ref"].rsplit("/", 1)[1] for choice in rule["oneOf"]}
            shown = set()
            for line in examples(direction):
                with self.subTest(line):
                    message = json.loads(line)
                    shown.add(message["type"])
                    check(message, rule)
            self.assertEqual(shown, types)

    def test_a_member_too_many_or_too_few_is_refused(self):
        for direction in ("host", "strategy"):
            rule = schema(f"protocol-{direction}")
            for line in examples(direction):
                message = json.loads(line)
                with self.subTest(line), self.assertRaises(SchemaFault):
                    check({**message, "surprise": 1}, rule)
                definition = rule["$defs"][message["type"]]
                for name in definition["required"]:
                    with self.subTest(line=line, without=name), self.assertRaises(SchemaFault):
                        check({key: value for key, value in message.items() if key != name}, rule)

    def test_wrong_values_are_refused(self):
        rule = schema("protocol-strategy")
        for line in (
            '{"type":"cancel","request":"a b"}',
            '{"type":"cancel","request":""}',
            '{"type":"log","level":"fatal","message":"x"}',
            '{"type":"metric","name":"x","value":"NaN"}',
            '{"type":"metric","name":"x","value":true}',
            '{"type":"timer","id":"t","after_ms":604800001}',
            '{"type":"pong","id":1.5}',
            '{"type":"hello"}',
        ):
            with self.subTest(line), self.assertRaises(SchemaFault):
                check(json.loads(line), rule)

    def test_the_check_does_not_pass_over_a_keyword_that_it_does_not_know(self):
        with self.assertRaises(SchemaFault):
            check(1, {"multipleOf": 2})


if __name__ == "__main__":
    unittest.main()
