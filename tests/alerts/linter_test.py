"""Every rule of the linter finds what it is for: a linter that finds nothing proves nothing."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import breakages  # noqa: E402
import example    # noqa: E402
import lint       # noqa: E402


class TheExample(unittest.TestCase):
    maxDiff = None

    def test_nothing_is_found_in_it(self):
        self.assertEqual(_found(example.FILES), [])

    def test_every_breakage_is_found_by_its_rule_alone(self):
        for rule, file, text, instead in breakages.BREAKAGES:
            with self.subTest(rule=rule, text=text, instead=instead):
                broken = {name: content.replace(text, instead) if file in (name, breakages.EVERY) else content
                          for name, content in example.FILES.items()}
                self.assertNotEqual(broken, example.FILES)
                found = _found(broken)
                self.assertEqual({finding.rule for finding in found}, {rule}, "\n".join(map(str, found)))

    def test_every_rule_has_a_breakage(self):
        self.assertEqual({rule for rule, *_ in breakages.BREAKAGES}, set(lint.RULES))


def _found(files):
    return lint.findings(example.make(files))


if __name__ == "__main__":
    unittest.main()
