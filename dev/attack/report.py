# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Counts what was sent and what came of it, and says what should not have."""

import collections
import dataclasses


@dataclasses.dataclass
class Report:
    """Of one attack, or of several put together."""

    kinds: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    results: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    errors: list = dataclasses.field(default_factory=list)
    bare: list = dataclasses.field(default_factory=list)
    leaks: list = dataclasses.field(default_factory=list)
    changes: list = dataclasses.field(default_factory=list)

    @property
    def sent(self):
        """How many requests and calls there were."""
        return sum(self.kinds.values())

    def add(self, other):
        """Add what came of another part."""
        self.kinds += other.kinds
        self.results += other.results
        for name in ('errors', 'bare', 'leaks', 'changes'):
            getattr(self, name).extend(getattr(other, name))

    def problems(self):
        """Return what should not have been, by what it is."""
        return {
            'unexpected errors': self.errors,
            'pages that are not ours': self.bare,
            'secrets found': self.leaks,
            'changes of state': self.changes,
        }

    def lines(self):
        """Return all of it as lines to print."""
        yield f"{self.sent} requests"
        for title, counter in (("sent", self.kinds), ("answered", self.results)):
            yield f"  {title}: " + ', '.join(
                sorted(f'{name} {number}' for name, number in counter.items())
            )
        for name, found in self.problems().items():
            yield f"  {name}: {len(found)}"
            yield from (f"      {one}" for one in sorted(found)[:: max(1, len(found) // 20)])

    def dump(self):
        """Return it as values for JSON."""
        values = vars(self)
        return {**values, 'kinds': dict(self.kinds), 'results': dict(self.results)}

    @classmethod
    def load(cls, values):
        """Return what `dump` gave."""
        counters = {name: collections.Counter(values[name]) for name in ('kinds', 'results')}
        return cls(**{**values, **counters})
