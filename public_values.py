# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What strangers send: in addresses and forms of the public pages.

One reader for each kind of value. It takes anything at all – text, a file, nothing – never raises,
and returns what the rest of the module may rely on. `controllers/page.py:takes` says which value of
a route is of which kind; no route reads one in another way. Pure Python, knows nothing of Odoo.
"""

import datetime
import re

#: Digits of an id: what is longer fits no column of the database.
ID_DIGITS = 9
#: Characters of a token: ours have 32 or 64.
TOKEN_LENGTH = 128
#: Characters of an amount that somebody may owe.
AMOUNT_LENGTH = 30
#: Characters of a list of ids in an address, as much as servers take.
LIST_LENGTH = 4000
#: Characters of what stands in one field of a line, and of what is written in several.
LINE_LENGTH = 320
TEXT_LENGTH = 20000

CONTROLS = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]+')


def record_id(value):
    """Return the id of a record, zero for anything else.

    :rtype: int
    """
    value = value if isinstance(value, str) else ''
    return int(value) if value.isascii() and value.isdigit() and len(value) <= ID_DIGITS else 0


def record_ids(values):
    """Return the ids among some values, as of boxes that were ticked.

    :rtype: set[int]
    """
    return {record_id(value) for value in values or ()} - {0}


record_ids.many = True


def record_list(value):
    """Return the ids in a list as *12-15-16*, none for anything else.

    :return: None where there is no list at all.
    :rtype: set[int] | None
    """
    if not isinstance(value, str) or not value:
        return None
    ids = {record_id(one) for one in value.split('-')} if len(value) <= LIST_LENGTH else {0}
    return set() if 0 in ids else ids


def token(value):
    """Return a token as it may be compared, empty for what is none.

    :rtype: str
    """
    fits = isinstance(value, str) and len(value) <= TOKEN_LENGTH
    return value if fits and re.fullmatch(r'[A-Za-z0-9_-]+', value) else ''


def text(value):
    """Return a text of several lines that the database can take.

    :rtype: str
    """
    if not isinstance(value, str):
        return ''
    # Neither the character zero nor half of a pair is a character there.
    clean = value.replace('\0', '').encode('utf-8', 'replace').decode('utf-8')
    return clean if len(clean) <= TEXT_LENGTH else f'{clean[:TEXT_LENGTH]}…'


def line(value):
    """Return a text of one line; what is cut off is seen to be.

    :rtype: str
    """
    clean = CONTROLS.sub(' ', text(value)).strip()
    return clean if len(clean) <= LINE_LENGTH else f'{clean[:LINE_LENGTH]}…'


def flag(value):
    """Tell whether something was sent at all.

    :rtype: bool
    """
    return isinstance(value, str) and bool(value)


def choice(*known):
    """Return a reader of one of some codes, empty for any other.

    :rtype: function
    """

    def read(value):
        return value if isinstance(value, str) and value in known else ''

    return read


def lang(value):
    """Return what may be the code of a language, empty for anything else.

    :rtype: str
    """
    fits = isinstance(value, str) and re.fullmatch(r'[a-z]{2,3}(_[A-Z]{2})?(@[a-z]{2,8})?', value)
    return value if fits else ''


def day(value):
    """Return a day as browsers send it, None for anything else.

    :rtype: datetime.date | None
    """
    if not isinstance(value, str) or not re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', value):
        return None
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        return None


def amount(value, point='.'):
    """Read an amount as people type it, whatever separates its thousands.

    :param str value: e.g. "1.234,50 €" or "1 234.5".
    :param str point: the decimal point of the reader's language, which decides where "1.234"
        could be either.
    :return: in major units, or None where it is no amount.
    :rtype: float | None
    """
    typed = value if isinstance(value, str) else ''
    typed = re.sub(r"[\s\u00a0\u202f\u066c'’]", '', typed).replace('\u066b', point)
    match = re.fullmatch(r'[^\d.,+-]{0,4}(\d[\d.,]*)[^\d.,+-]{0,4}', typed)
    # Nobody owes as much as a float cannot hold.
    if not match or len(match[1]) > AMOUNT_LENGTH:
        return None
    digits = match[1]
    marks = re.sub(r'\d', '', digits)
    if marks:
        mark = marks[-1]
        tail = digits.rpartition(mark)[2]
        if marks.count(mark) == 1 and (mark == point or len(marks) > 1 or len(tail) != 3):
            whole, decimals = digits[: -len(tail) - 1], tail
        else:
            whole, decimals = digits, ''
        if not re.fullmatch(r'\d+|\d{1,3}(([.,])\d{3})(\2\d{3})*', whole):
            return None
        digits = f"{re.sub('[.,]', '', whole)}.{decimals}"
    return float(digits)
