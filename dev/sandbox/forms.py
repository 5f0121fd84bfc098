# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's form encoding: `a[b][0][c]=v`, lists by index or by `[]`."""

import re


def parse(pairs):
    """Return nested dicts and lists for the pairs of a form or a query.

    :param pairs: iterable of (name, value), as decoded by the web server.
    :rtype: dict
    """
    tree = {}
    for name, value in pairs:
        head, *keys = re.findall(r'^[^\[]+|\[[^\]]*\]', name)
        path = [head, *(key[1:-1] for key in keys)]
        _put(tree, path, value)
    return _lists(tree)


def _put(node, path, value):
    for key in path[:-1]:
        node = node.setdefault(key if key else str(len(node)), {})
    last = path[-1] if path[-1] else str(len(node))
    node[last] = value


def _lists(node):
    """Turn dicts whose keys are 0, 1, 2… into lists."""
    if not isinstance(node, dict):
        return node
    values = {key: _lists(value) for key, value in node.items()}
    if values and all(key.isdigit() for key in values):
        return [values[key] for key in sorted(values, key=int)]
    return values
