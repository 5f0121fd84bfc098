# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What came of tests."""

import dataclasses

from ..env import console

SHOWN_CLASSES = 10


@dataclasses.dataclass
class Outcome:
    """How many tests passed, and why the others did not."""

    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)
    skipped: dict = dataclasses.field(default_factory=dict)
    # Seconds by class: all of it, and what was set up and torn down for the class alone.
    seconds: dict = dataclasses.field(default_factory=dict)

    def add(self, other):
        """Add the tests of another part."""
        self.passed += other.passed
        self.failures += other.failures
        self.skipped |= other.skipped
        self.seconds |= other.seconds

    def report(self):
        """Print what failed and was skipped, the count last; return the exit code."""
        for name, details in self.failures:
            console.say(f"\n{'=' * 70}\nFAILED {name}\n{details.rstrip()}")
        if self.skipped:
            console.say(f"\n{len(self.skipped)} skipped:")
        for name, reason in self.skipped.items():
            console.say(f"   {name}: {reason}")
        ran = self.passed + len(self.failures)
        if not ran:
            console.say("No test ran.")
        self._report_slowest()
        console.say(f"{self.passed} passed, {len(self.failures)} failed")
        return 0 if ran and not self.failures else 1

    def _report_slowest(self):
        """Print the classes that took longest."""
        slowest = sorted(self.seconds, key=lambda name: -self.seconds[name][0])[:SHOWN_CLASSES]
        if slowest:
            console.say(f"\nThe slowest of {len(self.seconds)} test classes:")
        for name in slowest:
            seconds, setup = self.seconds[name]
            console.say(f"   {seconds:6.1f} s  {name} ({setup:.1f} s around its tests)")
