# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Money that leaves the sandbox's PayPal again: disputes and withdrawals."""

import pytest
import requests

from dev.tests.calls import euros, paypal_events
from dev.tests.calls import paypal_issue as issue
from dev.tests.calls import paypal_links as links

# === DISPUTES === #


def test_chargebacks_won_and_lost(paypal, ask, make_capture, refund):
    for won, balance in ((True, 9675 - 1600), (False, 2 * (9675 - 1600) - 10000)):
        captured = make_capture()
        dispute = paypal.dispute(capture=captured['id'])['dispute_id']
        assert issue(refund(captured)) == (422, 'REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK')
        paypal.close_dispute(dispute=dispute, won=won)
        assert paypal.account_state()['balance'] == balance
        shown = ask('GET', f'/v1/customer/disputes/{dispute}').json()
        assert shown['status'] == 'RESOLVED'
        (disputed,) = shown['disputed_transactions']
        assert disputed['seller_transaction_id'] == captured['id']
        moved = [(one['type'], one['reason']) for one in shown['money_movements']]
        assert moved == [
            ('DEBIT', 'DISPUTE_SETTLEMENT'),
            ('DEBIT', 'CHARGEBACK_FEE'),
            *([('CREDIT', 'DISPUTE_SETTLEMENT')] if won else []),
        ]
        with pytest.raises(requests.HTTPError):
            paypal.close_dispute(dispute=dispute, won=won)
    types = [one['type'] for one in paypal.account_state()['movements']]
    assert types == ['T0006', 'T1201', 'T0106', 'T1202', 'T0006', 'T1201', 'T0106']


def test_inquiries_move_nothing(paypal, make_capture, refund):
    captured = make_capture()
    dispute = paypal.dispute(capture=captured['id'], inquiry=True)
    assert 'money_movements' not in dispute and paypal.account_state()['balance'] == 9675
    assert issue(refund(captured, amount=euros('1.00'))) == (422, 'TRANSACTION_DISPUTED')
    with pytest.raises(requests.HTTPError):
        paypal.dispute(capture=captured['id'])
    paypal.close_dispute(dispute=dispute['dispute_id'], won=True)
    assert refund(captured, amount=euros('1.00')).status_code == 201


def test_what_an_inquiry_took_is_not_given_back_once_more(paypal, make_capture, refund):
    captured = make_capture()
    dispute = paypal.dispute(capture=captured['id'], inquiry=True)['dispute_id']
    paypal.close_dispute(dispute=dispute, won=False)
    assert paypal.account_state()['balance'] == 9675 - 10000
    assert issue(refund(captured)) == (422, 'REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK')


def test_what_was_given_back_is_not_taken_by_an_inquiry(paypal, make_capture, refund):
    captured = make_capture()
    dispute = paypal.dispute(capture=captured['id'], inquiry=True)['dispute_id']
    assert refund(captured).status_code == 201
    balance = paypal.account_state()['balance']
    with pytest.raises(requests.HTTPError):
        paypal.escalate_dispute(dispute=dispute)
    paypal.close_dispute(dispute=dispute, won=False)
    assert paypal.account_state()['balance'] == balance


def test_inquiries_become_chargebacks(paypal, make_capture):
    dispute = paypal.dispute(capture=make_capture()['id'], inquiry=True)['dispute_id']
    paypal.escalate_dispute(dispute=dispute)
    assert paypal.account_state()['balance'] == 9675 - 10000 - 1600
    paypal.close_dispute(dispute=dispute, won=False)
    assert paypal_events(paypal)[1:] == [
        f'CUSTOMER.DISPUTE.{what}' for what in ('CREATED', 'UPDATED', 'RESOLVED')
    ]


def test_lists_of_disputes(paypal, ask, make_capture):
    captures = [make_capture()['id'] for _number in range(5)]
    newest_first = [paypal.dispute(capture=one)['dispute_id'] for one in captures][::-1]
    paypal.close_dispute(dispute=newest_first[0], won=True)

    def listed(query):
        page = ask('GET', f'/v1/customer/disputes?{query}').json()
        return [one['dispute_id'] for one in page['items']], links(page).get('next')

    seen, following = [], 'page_size=2'
    while following:
        ids, following = listed(following)
        following = following and following.partition('?')[2]
        seen += ids
    assert seen == newest_first
    assert listed(f'disputed_transaction_id={captures[1]}')[0] == [newest_first[3]]
    assert listed('dispute_state=RESOLVED')[0] == [newest_first[0]]
    assert listed('update_time_after=2099-01-01T00:00:00Z')[0] == []
    for query in ('page_size=51', 'nonsense=1', 'next_page_token=x', 'start_time=soon'):
        assert ask('GET', f'/v1/customer/disputes?{query}').status_code == 400
    assert ask('GET', '/v1/customer/disputes/PP-R-X').status_code == 404


# === WITHDRAWALS === #


def test_withdrawals(paypal, make_capture):
    make_capture()
    payout = paypal.payout()
    assert (payout['type'], payout['amount']) == ('T0400', -9675)
    assert paypal.account_state()['balance'] == 0
    paypal.fail_payout(payout=payout['id'])
    assert paypal.account_state()['balance'] == 9675
    assert paypal.payout(amount=75)['net'] == -75
    assert paypal.account_state()['balance'] == 9600
