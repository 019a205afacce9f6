"""The code in AUTHORING.md runs."""

import json
import os
import re
import sys
import types
import unittest

from support import PACKAGE, check, schema

from bullpen.runtime import _find
from bullpen.testing import Harness


def blocks(language):
    with open(os.path.join(PACKAGE, "docs", "AUTHORING.md"), encoding="utf-8") as file:
        return re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.M | re.S)


def load(name, source):
    module = types.ModuleType(name)
    module.__file__ = f"{name}.py"
    sys.modules[name] = module
    exec(compile(source, f"{name}.py", "exec"), module.__dict__)
    return module


class Authoring(unittest.TestCase):
    def test_every_strategy_in_it_runs(self):
        strategies = [block for block in blocks("python") if block.startswith("# strategy.py")]
        self.assertGreaterEqual(len(strategies), 9)
        for source in strategies:
            kind = _find(load("strategy", source))
            with self.subTest(kind.__name__):
                harness = Harness(kind, fee_rate=0)
                harness.closes(*(60_000 + 10 * (index % 7) for index in range(30)), history=True)
                harness.closes(*(60_000 + 90 * (index % 5) for index in range(30)))
                harness.signal("BUY", quantity=0.01)
                for timer in list(harness.timers):
                    harness.timer(timer)
                self.assertTrue(harness.sent)
                for line in harness.sent:
                    check(line, schema("protocol-strategy"))
                harness.stop()

    def test_the_first_strategy_passes_its_test(self):
        tests = [block for block in blocks("python") if block.startswith("# test_strategy.py")]
        self.assertEqual(len(tests), 1)
        load("strategy", next(block for block in blocks("python") if "class FirstSteps" in block))
        module = load("test_of_the_document", tests[0])
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
        self.assertEqual((result.testsRun, result.errors, result.failures), (1, [], []))

    def test_its_strategy_json_is_valid(self):
        for block in blocks("json"):
            check(json.loads(block), schema("strategy"))


if __name__ == "__main__":
    unittest.main()
