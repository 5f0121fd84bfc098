# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What happens in the sandbox as time passes: checkouts, fees, payouts, disputes, the process."""

import time

import pytest
import requests

from dev.sandbox.client import Sandbox, SandboxProcess
from dev.sandbox.stripe import money

# === THE LIFE OF A CHECKOUT === #


def test_no_payment_intent_before_the_payer_confirms(call, sandbox, make_session):
    session = make_session()
    assert session['payment_intent'] is None
    sandbox.pay(session=session['id'])
    paid = call('GET', f"checkout/sessions/{session['id']}").json()
    assert paid['payment_intent'].startswith('pi_') and paid['url'] is None


def test_session_metadata_is_not_copied(call, sandbox, make_session):
    session = make_session(**{'metadata[a]': '1', 'payment_intent_data[metadata][b]': '2'})
    sandbox.pay(session=session['id'])
    paid = call('GET', f"checkout/sessions/{session['id']}?expand[]=payment_intent").json()
    assert (paid['metadata'], paid['payment_intent']['metadata']) == ({'a': '1'}, {'b': '2'})


def test_only_open_ones_expire(call, sandbox, make_session):
    session = make_session()['id']
    assert call('POST', f'checkout/sessions/{session}/expire').json()['status'] == 'expired'
    again = call('POST', f'checkout/sessions/{session}/expire')
    assert again.status_code == 400 and "can be expired" in again.text
    with pytest.raises(requests.HTTPError):
        sandbox.pay(session=session)


def test_they_lapse(call, sandbox, make_session):
    session = make_session(expires_at=str(int(time.time()) + 1900))['id']
    sandbox.advance(seconds=1800)
    assert call('GET', f'checkout/sessions/{session}').json()['status'] == 'open'
    sandbox.advance(seconds=200)
    assert call('GET', f'checkout/sessions/{session}').json()['status'] == 'expired'
    assert sandbox.events()[-1]['type'] == 'checkout.session.expired'


def test_fees_come_with_time(sandbox, make_session):
    sandbox.fees(delay=3600)
    sandbox.pay(session=make_session()['id'])
    assert not sandbox.account_state()['movements']
    sandbox.advance(seconds=3601)
    (movement,) = sandbox.account_state()['movements']
    assert (movement['amount'], movement['fee'], movement['net']) == (1000, 40, 960)


def test_fees_come_by_themselves(sandbox, make_session):
    sandbox.fees(delay=0.05)
    sandbox.pay(session=make_session()['id'])
    deadline = time.monotonic() + 5
    while not sandbox.account_state()['movements'] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sandbox.account_state()['fees'] == 40
    assert sandbox.events()[-1]['type'] == 'charge.updated'


def test_reset_forgets_what_was_to_come(sandbox, make_session):
    sandbox.fees(delay=0.05)
    sandbox.pay(session=make_session()['id'])
    sandbox.reset()
    time.sleep(0.2)
    assert not sandbox.account_state()['movements'] and not sandbox.events()


# === MONEY === #


@pytest.mark.parametrize(
    ('amount', 'method', 'fee'),
    [(1000, 'card', 40), (10100, 'card', 177), (12345, 'card', 210), (1000, 'sepa_debit', 35)],
)
def test_fees(amount, method, fee):
    assert money.fee(amount, method) == fee


def test_converted(sandbox):
    assert money.convert(1000, 'jpy', 'eur', {'jpy': '0.0061'}) == (610, 'eur', 0.0061)
    assert money.convert(1000, 'usd', 'eur', {}) == (1000, 'usd', None)
    assert money.text(1000, 'jpy') == '1000 JPY'
    assert money.text(1000, 'kwd') == '1.000 KWD'


def test_payout_lists_its_movements(call, sandbox, make_session):
    for _number in range(2):
        sandbox.pay(session=make_session()['id'])
    sandbox.release_fees()
    payout = sandbox.payout()
    assert payout['amount'] == 2 * 960
    listed = call('GET', 'balance_transactions', {'payout': payout['id']}).json()['data']
    assert sorted(movement['net'] for movement in listed) == [-1920, 960, 960]
    assert sandbox.account_state()['balance'] == 0
    sandbox.fail_payout(payout=payout['id'])
    assert sandbox.account_state()['balance'] == 1920


def test_dispute_and_inquiry(call, sandbox, make_session):
    charges = []
    for _number in range(3):
        sandbox.pay(session=make_session()['id'])
        charges.append(sandbox.account_state()['charges'][-1]['id'])
    sandbox.release_fees()
    won, lost, asked = (
        sandbox.dispute(charge=charge, inquiry=charge == charges[2])['id'] for charge in charges
    )
    for dispute, keep in ((won, True), (lost, False), (asked, True)):
        sandbox.close_dispute(dispute=dispute, won=keep)
        with pytest.raises(requests.HTTPError):
            sandbox.close_dispute(dispute=dispute, won=keep)
    statuses = [call('GET', f'disputes/{one}').json()['status'] for one in (won, lost, asked)]
    assert statuses == ['won', 'lost', 'warning_closed']
    assert sandbox.account_state()['balance'] == 3 * 960 - 1000 - 2 * 2000


# === THE PROCESS === #


def test_state_file(tmp_path):
    state = tmp_path / 'state.json'
    with SandboxProcess(state_file=state) as sandbox:
        sandbox.account(account='acct_two', keys={'sk_test_two': 'full'}, name="Two")
    with SandboxProcess(state_file=state) as sandbox:
        assert sandbox.account_state('acct_two')['name'] == "Two"
        assert len(sandbox.events(account='acct_two')) == 1


def test_ends_with_the_process_that_started_it():
    with SandboxProcess() as sandbox:
        process = sandbox._process
        process.stdin.close()
        assert process.wait(10) == 0
        process.stdin = open('/dev/null')  # noqa: SIM115 - closed by the block
    with pytest.raises(requests.ConnectionError):
        Sandbox(sandbox.api_base).state()


def test_unknown_controls(sandbox):
    for name, values in (('nonsense', {}), ('pay', {'nonsense': 1}), ('webhooks', {'mood': 'x'})):
        with pytest.raises(requests.HTTPError):
            sandbox.control(name, **values)
