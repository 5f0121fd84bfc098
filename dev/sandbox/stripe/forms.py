# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's form encoding: `a[b][0][c]=v`, lists by index or by `[]`."""

import re

from . import errors

NAME = re.compile(r'([^\[\]]+)((?:\[[^\[\]]*\])*)')


def parse(pairs):
    """Return nested dicts and lists for the pairs of a form or a query.

    :param pairs: iterable of (name, value), as decoded by the web server.
    :rtype: dict
    :raise StripeError: a name that cannot be read, or that contradicts another one.
    """
    tree = {}
    for name, value in pairs:
        match = NAME.fullmatch(name)
        if not match:
            raise errors.unknown(name)
        _put(tree, [match[1], *re.findall(r'\[([^\[\]]*)\]', match[2])], value, name)
    return {key: _lists(value) for key, value in tree.items()}


def _put(node, path, value, name):
    for key in path[:-1]:
        node = node.setdefault(key if key else str(len(node)), {})
        if not isinstance(node, dict):
            raise errors.invalid(name, f"Invalid object: {name}")
    last = path[-1] if path[-1] else str(len(node))
    if isinstance(node.get(last), dict):
        raise errors.invalid(name, f"Invalid object: {name}")
    node[last] = value


def _lists(node):
    """Turn dicts whose keys are 0, 1, 2… into lists."""
    if not isinstance(node, dict):
        return node
    values = {key: _lists(value) for key, value in node.items()}
    if values and all(re.fullmatch(r'\d{1,4}', key) for key in values):
        return [values[key] for key in sorted(values, key=int)]
    return values
