# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What is read from the log of an Odoo that knows nothing of us."""

import pytest

from dev import settings
from dev.checks import plain

HEAD = '2026-11-30 08:28:32,532 2718 {} some_database {}'
INSTALLED = HEAD.format('INFO', 'odoo.modules.registry: module account_pay_now: creating tables')
STARTED = HEAD.format('INFO', 'odoo.addons.x.tests.y: Starting TestX.test_it ... ')
COUNTED = HEAD.format(
    'INFO', 'odoo.tests.result: {} failed, {} error(s) of 7 tests when loading database "x"'
)
LABELS = 'odoo.addons.base.models.ir_model: Two fields (a, b) of pay.now.x() have the same label'


def read(*lines, failed=0, errors=0):
    return plain.read('\n'.join([*lines, COUNTED.format(failed, errors)]), 'with demo data')


def test_all_went_well():
    outcome = read(INSTALLED, STARTED)
    assert (outcome.passed, outcome.failures, outcome.skipped) == (7, [], {})


def test_a_test_fails():
    line = HEAD.format('ERROR', 'odoo.addons.x.tests.y: FAIL: TestX.test_it')
    outcome = read(INSTALLED, STARTED, line, failed=1)
    assert outcome.passed == 6
    assert [name for name, _text in outcome.failures] == [
        'plain Odoo with demo data: FAIL: TestX.test_it'
    ]


def test_skipped_ones_are_counted():
    line = HEAD.format(
        'INFO',
        'odoo.addons.x.tests.y: skipped setUpClass (odoo.addons.x.tests.y.TestFec) : no module',
    )
    assert read(STARTED, line).skipped == {'plain Odoo with demo data: TestFec': 'no module'}


def test_a_warning_of_ours_while_it_is_installed():
    for line in (HEAD.format('WARNING', LABELS), HEAD.format('ERROR', LABELS)):
        [(name, text)] = read(INSTALLED, line, STARTED).failures
        assert name.endswith('a warning of ours') and 'same label' in text


@pytest.mark.parametrize(
    'line',
    [
        HEAD.format('WARNING', 'odoo.addons.base.models.ir_model: Two fields of res.partner'),
        HEAD.format('INFO', LABELS),
        HEAD.format('WARNING', f'odoo.addons.{settings.MODULE}.tests.sandbox: NOT TESTED'),
        HEAD.format('WARNING', f'py.warnings: {settings.CACHE_DIR}/odoo/usr/x.py:1: Deprecated'),
    ],
)
def test_warnings_of_others(line):
    assert read(INSTALLED, line, STARTED).failures == []


def test_what_tests_warn_of_is_theirs():
    assert read(INSTALLED, STARTED, HEAD.format('WARNING', LABELS)).failures == []


def test_odoo_did_not_come_so_far():
    outcome = plain.read(INSTALLED, 'without demo data')
    assert outcome.passed == 0
    assert [name for name, _text in outcome.failures] == ['plain Odoo without demo data']
