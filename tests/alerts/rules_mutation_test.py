"""The unit tests of the rules notice every change of a rule that matters: a comparison turned round, a condition or a
label lost, another threshold or wait. What makes no difference is listed with the reason in equivalent_mutants.txt.
"""

import concurrent.futures
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import mutation_run  # noqa: E402
import mutations     # noqa: E402
import repository    # noqa: E402

AT_A_TIME = 2
EQUIVALENT = HERE / "equivalent_mutants.txt"


class ShippedRules(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shipped = repository.shipped()
        cls.unit_tests = mutation_run.UnitTests(cls.shipped)

    def test_the_chosen_unit_tests_pass_without_a_change(self):
        for rule, (noticed, said) in zip(self.shipped.rules, self._try([(rule, rule) for rule in self.shipped.rules])):
            with self.subTest(rule.where):
                self.assertFalse(noticed, said)

    def test_every_mutant_is_noticed(self):
        changes = [(rule, what, mutant) for rule in self.shipped.rules for what, mutant in mutations.mutants(rule)]
        outcomes = self._try([(rule, mutant) for rule, _, mutant in changes])
        survivors = {f"{rule.where}: {what}" for (rule, what, _), (noticed, _) in zip(changes, outcomes) if not noticed}
        print(f"{len(changes)} mutants of {len(self.shipped.rules)} rules, {len(changes) - len(survivors)} noticed, "
              f"{len(survivors & _equivalent())} equivalent")
        self.assertEqual(sorted(survivors - _equivalent()), [], "not noticed by any unit test")
        self.assertEqual(sorted(_equivalent() - survivors), [], f"lines of {EQUIVALENT.name} without such a survivor")

    def _try(self, changes):
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            return list(pool.map(lambda change: self.unit_tests.notice(*change), changes))


def _equivalent():
    """The mutants of the list, each a line `rule: what was done | reason`; # begins a comment."""
    lines = [line for line in EQUIVALENT.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    mutants = [line.partition(" | ") for line in lines]
    if faulty := [line for line, (_, _, reason) in zip(lines, mutants) if not reason.strip()]:
        raise ValueError(f"no reason: {faulty}")
    return {mutant.strip() for mutant, _, _ in mutants}


if __name__ == "__main__":
    unittest.main()
