# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The reference of a transfer for several items of a reminder: written, found in a text, and read.

A creditor reference (ISO 11649): *RF*, two check digits, and up to 21 characters of our own: a
letter that says how long the reminder's number is, the number, a check of the items that are paid,
and their places among all items of the reminder unless it is about all of them. Nothing is stored:
a page that is read makes nothing, and what the places mean is proven by the check. Plain Python.
"""

import dataclasses
import hashlib
import re

from odoo.addons.account.tools import (
    format_structured_reference_iso,
    is_valid_structured_reference_iso,
)

#: Of people who type it: nothing looks like something else, and is read as what it looks like.
DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
LOOKS_LIKE = str.maketrans('OIL', '011')
#: The letter that stands for the digits of the reminder's number: one of them, two of them…
LENGTHS = 'PQRSTVW'
CHECK_LENGTH = 4
#: Characters of a reference without *RF* and check digits, and of all of it.
ROOM, LENGTH = 21, 25
WRITTEN = re.compile(rf'RF\d\d([{LENGTHS}])([{DIGITS}]+)')


@dataclasses.dataclass(frozen=True)
class Named:
    """What a reference says."""

    #: The reminder.
    reminder_id: int
    #: See `check`.
    check: str
    #: Places of the items among those of the reminder, by their ids; None: all of them.
    places: tuple | None


def check(reminder_id, item_ids):
    """Return what proves which items a reference is about.

    :param int reminder_id: id of the reminder.
    :param item_ids: ids of the items, credit notes included.
    :rtype: str
    """
    said = f'{reminder_id}:{",".join(str(one) for one in sorted(item_ids))}'
    number = int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], 'big')
    return _digits(number % len(DIGITS) ** CHECK_LENGTH).rjust(CHECK_LENGTH, DIGITS[0])


def write(reminder_id, linked_ids, chosen_ids):
    """Return the reference of a transfer.

    :param int reminder_id: id of the reminder.
    :param linked_ids: ids of all its items.
    :param chosen_ids: ids of those that are paid, and of credit notes that are deducted.
    :return: in groups of four, as it is read aloud and typed.
    :rtype: str
    """
    number, chosen = _digits(reminder_id), set(chosen_ids)
    body = LENGTHS[len(number) - 1] + number + check(reminder_id, chosen)
    if not chosen.issuperset(linked_ids):
        places = sum(1 << at for at, one in enumerate(sorted(linked_ids)) if one in chosen)
        # Of too many items nothing is said of the places, and the check is that of no other choice.
        if len(body) + len(_digits(places)) <= ROOM:
            body += _digits(places)
    return format_structured_reference_iso(body).strip()


def find(text_words):
    """Return what the references in a text say, however the bank divides them: whole words.

    :param list text_words: upper case, of letters and digits only.
    :return: one reference is told more than once where the next word might belong to it.
    :rtype: list of Named
    """
    found = []
    for first, start in enumerate(text_words):
        joined = ''
        for word in text_words[first:] if start.startswith('RF') else ():
            joined += word
            if len(joined) > LENGTH:
                break
            if named := _read(joined):
                found.append(named)
    return found


def _read(text):
    """Return what a reference says, None for what is none of ours."""
    text = text[:2] + text[2:].translate(LOOKS_LIKE)
    match = WRITTEN.fullmatch(text)
    if not match or not is_valid_structured_reference_iso(text):
        return None
    length = LENGTHS.index(match[1]) + 1
    number, rest = match[2][:length], match[2][length:]
    code, places = rest[:CHECK_LENGTH], rest[CHECK_LENGTH:]
    reminder_id, bits = _number(number), _number(places)
    if len(code) < CHECK_LENGTH or number.startswith(DIGITS[0]) or reminder_id >= 1 << 31:
        return None
    return Named(
        reminder_id,
        code,
        tuple(at for at in range(bits.bit_length()) if bits >> at & 1) if places else None,
    )


def _number(digits):
    """Return the number that digits and letters are, zero for none."""
    number = 0
    for digit in digits:
        number = number * len(DIGITS) + DIGITS.index(digit)
    return number


def _digits(number):
    """Return a number as digits and letters."""
    text = ''
    while True:
        number, rest = divmod(number, len(DIGITS))
        text = DIGITS[rest] + text
        if not number:
            return text
