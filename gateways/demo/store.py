# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Where a demonstration keeps what the provider knows."""

from copy import deepcopy
from typing import Protocol


class Store(Protocol):
    """Objects of one account: a kind, an id of that kind, and values that JSON can hold."""

    def get(self, kind, ref):
        """Return the values of an object, None where there is none.

        :param str kind: e.g. `checkout`.
        :param str ref: its id.
        :rtype: dict | None
        """

    def put(self, kind, ref, values):
        """Keep the values of an object, in the place of those it had.

        :param str kind: e.g. `checkout`.
        :param str ref: its id.
        :param dict values: what JSON can hold.
        """

    def remove(self, kind, ref):
        """Forget an object; one that is not there is fine.

        :param str kind: e.g. `webhook`.
        :param str ref: its id.
        """

    def all(self, kind):
        """Return the ids and values of all objects of a kind, as they were made.

        :param str kind: e.g. `movement`.
        :return: pairs of id and values.
        :rtype: list
        """


class MemoryStore:
    """A store that lasts as long as the process: for tests."""

    def __init__(self):
        self._objects = {}

    def get(self, kind, ref):
        """See `Store`."""
        return deepcopy(self._objects.get((kind, ref)))

    def put(self, kind, ref, values):
        """See `Store`."""
        self._objects[kind, ref] = deepcopy(values)

    def remove(self, kind, ref):
        """See `Store`."""
        self._objects.pop((kind, ref), None)

    def all(self, kind):
        """See `Store`."""
        return [
            (ref, deepcopy(values)) for (one, ref), values in self._objects.items() if one == kind
        ]
