# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What a provider sends, read in one place: bodies of its notifications, and of its answers.

Whoever signed or sent it, it may be of any shape. What comes out of here can be kept in a database
and counted with; what cannot is `Unreadable`, never another error.
"""

import contextlib
import hashlib
import json
import re
from datetime import datetime, timezone

from .base import UNREADABLE, Event
from .errors import GatewayUnavailable

#: Of lists and objects within each other.
DEEPEST = 64
#: Nobody owes, or was born, beyond it.
LARGEST = 10**18
#: Of characters in an id: a provider's own, in visible ASCII.
IDENTIFIER = re.compile(r'[!-~]{1,255}')
#: Of characters in a text that is kept as one line.
LONGEST = 255
#: What no database keeps as text.
UNSTORABLE = re.compile('[\0\ud800-\udfff]')
#: How JSON writes it.
ESCAPED = re.compile(r'\\u(?:0000|[dD][89a-fA-F])')
#: What reading something of another shape than expected may raise.
MISREAD = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


class Unreadable(ValueError):
    """A body that is not what the provider describes."""


# === WHOLE BODIES === #


def parse(content):
    """Return the JSON object that a body is.

    UTF-8 without a mark at its beginning, each key once, no number beyond reason.

    :param content: the body, bytes or text.
    :rtype: dict
    :raise Unreadable: it is none.
    """
    try:
        text = content.decode() if isinstance(content, bytes) else content
        values = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_float,
            parse_int=_integer,
        )
    except (RecursionError, TypeError, ValueError):
        raise Unreadable("This is no JSON of a provider's.") from None
    if not isinstance(values, dict):
        raise Unreadable("This is no JSON object.")
    # Most bodies need no second look: they cannot be too deep, nor hold what has to be escaped.
    if text.count('{') + text.count('[') > DEEPEST or ESCAPED.search(text):
        clean(values)
    return values


def clean(values):
    """Return parsed JSON, its texts such as a database keeps.

    :param values: changed in place.
    :raise Unreadable: it is too deep, or a number is beyond reason.
    """
    waiting = [(values, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise Unreadable("This is too deep.")
        for key, value in one.items() if isinstance(one, dict) else enumerate(one):
            if isinstance(value, dict | list):
                waiting.append((value, depth + 1))
            elif isinstance(value, str):
                if UNSTORABLE.search(value):
                    one[key] = storable(value)
            elif isinstance(value, int | float) and not _is_reasonable(value):
                raise Unreadable("This number is beyond reason.")
    return values


def storable(text):
    """Return a text as a database keeps it, whatever was in it.

    :param text: a body, bytes or text.
    :rtype: str
    """
    if isinstance(text, bytes):
        text = text.decode(errors='backslashreplace')
    if text.isascii() and '\0' not in text:
        return text
    return UNSTORABLE.sub('\ufffd', text)


def fingerprint(content):
    """Return an id for a body that gives none: the same one each time it is sent.

    :param bytes content: the body.
    :rtype: str
    """
    return f'sha256-{hashlib.sha256(content).hexdigest()}'


def _object(pairs):
    values = dict(pairs)
    if len(values) != len(pairs):
        # Which one counts, each reader decides otherwise.
        raise Unreadable("A key is there twice.")
    return values


def _refuse(_constant):
    raise Unreadable("This is no number.")


def _integer(digits):
    # Longer ones take a while, and Python refuses them one day.
    return _reasonable(int(digits) if len(digits) <= 20 else LARGEST)


def _float(digits):
    return _reasonable(float(digits))


def _reasonable(number):
    if not _is_reasonable(number):
        raise Unreadable("This number is beyond reason.")
    return number


def _is_reasonable(number):
    # What is infinite, or no number at all, is not between them either.
    return -LARGEST < number < LARGEST


# === SINGLE VALUES === #


def identifier(value):
    """Return an id, of an object that may be expanded; nothing for none.

    :rtype: str
    :raise Unreadable: something else is in its place.
    """
    if isinstance(value, dict):
        value = value.get('id')
    if value is None or value == '':
        return ''
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise Unreadable("This is no id.")
    return value


def words(value):
    """Return one line of text that anybody may have chosen; nothing for anything else.

    :rtype: str
    """
    return value if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() else ''


def plain_reference(text):
    """Return a reference in the letters and the length that every provider gives back.

    :param str text: as we sent it, or as a provider gave it back.
    :rtype: str
    """
    return re.sub(r'[^A-Za-z0-9_.,-]', '-', (text or '').strip())[:127]


def unreadable(data, fallback, test_mode, kind):
    """Return an event that is the provider's, and not understood.

    :param dict data: what could be read of it.
    :param str fallback: its id, where none can be read.
    :param bool test_mode: the mode of whoever was notified.
    :param kind: what is in the place of its type.
    :rtype: Event
    """
    name = data.get('id')
    known = isinstance(name, str) and IDENTIFIER.fullmatch(name)
    return Event(
        id=name if known else fallback,
        type=words(kind) or '?',
        created_at=datetime.now(timezone.utc),
        subject=UNREADABLE,
        test_mode=test_mode,
    )


@contextlib.contextmanager
def readable(name):
    """Turn an answer that is not as the provider describes it into one of our errors.

    :param str name: of the provider.
    """
    try:
        yield
    except MISREAD:
        # Not chained: what was raised may show the answer.
        raise GatewayUnavailable(f"{name}'s answer cannot be read.", 'malformed') from None
