# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What strangers send, by the hundred thousand: no reader raises, and each keeps its word."""

import ast
import datetime
import io
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import public_values
from dev.settings import CHECKOUT

ANY_TEXT = st.text(st.characters(), max_size=400)
#: A form has text, files or nothing; whoever calls by RPC anything.
ANYTHING = st.one_of(
    ANY_TEXT,
    st.text('0123456789²٣.,-+eE \0\u00a0', max_size=60),
    st.none(),
    st.integers(),
    st.floats(),
    st.binary(max_size=20),
    st.booleans(),
    st.lists(ANY_TEXT, max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    st.just(io.BytesIO(b'a file')),
)
NASTY = ['²', '1' * 5000, '9' * 400, '\0', '1\0', '\ud800', 'é', '1\n', '-1', '1e308', 'nan', '']
many = settings(max_examples=200, deadline=None, database=None)


def nasty(test):
    """Try the worst ones each time, and many others."""
    for value in NASTY:
        test = example(value)(test)
    return many(test)


@nasty
@given(ANYTHING)
def test_an_id_fits_the_database(value):
    found = public_values.record_id(value)
    assert type(found) is int and 0 <= found < 2**31
    assert not found or str(found) == value.lstrip('0')


@nasty
@given(st.one_of(ANYTHING, st.lists(st.integers(), max_size=8)))
def test_a_list_of_ids_is_whole_or_none(value):
    if isinstance(value, list) and all(type(one) is int for one in value):
        value = '-'.join(str(one) for one in value)
    found = public_values.record_list(value)
    if not value or not isinstance(value, str):
        assert found is None
    elif found:
        assert found == {int(one) for one in value.split('-')}
    assert public_values.record_list('7-5-7') == {5, 7}
    assert public_values.record_list('5-x') == public_values.record_list('5-' * 3000) == set()


@many
@given(st.one_of(st.none(), st.lists(ANYTHING, max_size=8)))
def test_ids(values):
    assert all(type(one) is int and one > 0 for one in public_values.record_ids(values))


@nasty
@given(ANYTHING)
def test_a_token_is_one_or_nothing(value):
    found = public_values.token(value)
    assert found in ('', value) and found.isascii() and '\n' not in found


@nasty
@given(ANYTHING)
def test_texts_can_be_stored_and_written(value):
    for reader in (public_values.text, public_values.line):
        found = reader(value)
        assert isinstance(found, str) and '\0' not in found
        found.encode()
        assert reader(found) == found
    assert len(public_values.text(value)) <= public_values.TEXT_LENGTH + 1
    line = public_values.line(value)
    assert len(line) <= public_values.LINE_LENGTH + 1
    assert len(line.splitlines()) <= 1


@nasty
@given(ANYTHING)
def test_choices_flags_and_days(value):
    assert public_values.choice('paid', 'problem')(value) in ('', 'paid', 'problem')
    assert public_values.flag(value) is (isinstance(value, str) and value != '')
    day = public_values.day(value)
    assert day is None or (type(day) is datetime.date and day.isoformat() == value)


@nasty
@given(ANYTHING)
def test_an_amount_is_one_that_somebody_may_owe(value):
    for point in '.,':
        found = public_values.amount(value, point)
        assert found is None or (type(found) is float and math.isfinite(found) and found >= 0)


@many
@given(st.decimals(0, 10**9, places=2))
def test_an_amount_is_read_as_it_is_written(value):
    written = f'{value:,.2f}'
    assert public_values.amount(written) == float(value)
    french = written.translate({ord(','): '\u202f', ord('.'): ','})
    assert public_values.amount(f'{french}\u00a0€', ',') == float(value)


@pytest.mark.parametrize(
    'value',
    [
        '2026-02-30',
        '0000-01-01',
        '2026-1-1',
        '２０２６-01-01',
        '2026-01-01T',
        ' 2026-01-01',
        '2026-01-01\n',
    ],
)
def test_no_days(value):
    assert public_values.day(value) is None


def test_controllers_read_nothing_in_another_way():
    """What came is reached by `page.takes` alone; the bytes of a webhook are proven first."""
    raw = {'params', 'form', 'args', 'values', 'files', 'get_json', 'json', 'cookies', 'stream'}
    found = []
    for path in sorted((CHECKOUT / 'controllers').glob('*.py')):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or node.attr not in raw:
                continue
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, 'id', '')
            if name in ('request', 'httprequest'):
                found.append((path.name, node.attr))
    assert found == [('page.py', 'form')]
