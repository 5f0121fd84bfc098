# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Disputes: listed and read."""

import base64
import binascii
import re

from . import objects
from .errors import bad_request, unknown_resource
from .store import instant

STATES = {
    'WAITING_FOR_SELLER_RESPONSE': 'REQUIRED_ACTION',
    'UNDER_REVIEW': 'UNDER_PAYPAL_REVIEW',
    'RESOLVED': 'RESOLVED',
}
TIMES = ('start_time', 'update_time_before', 'update_time_after')
FILTERS = (
    *TIMES,
    'disputed_transaction_id',
    'page_size',
    'next_page_token',
    'dispute_state',
)
#: What a list tells of each dispute.
SHOWN = (
    'dispute_id',
    'create_time',
    'update_time',
    'reason',
    'status',
    'dispute_amount',
    'dispute_life_cycle_stage',
    'dispute_channel',
    'links',
)


class DisputeCalls:
    """Answers calls to `/v1/customer/disputes`. The caller holds the store's lock."""

    def __init__(self, app):
        self.store = app.store

    def list(self, account, call):
        """Answer `GET /v1/customer/disputes`: one page, newest first."""
        call.need('disputes/read-seller')
        args = call.args
        for name in args:
            if name not in FILTERS:
                raise bad_request("Unknown parameter", name)
        if 'start_time' in args and 'disputed_transaction_id' in args:
            raise bad_request("Only one of both can be given", 'start_time')
        size = args.get('page_size', '10')
        if not re.fullmatch(r'\d{1,2}', size) or not 1 <= int(size) <= 50:
            raise bad_request("Invalid page size", 'page_size')
        for name in TIMES:
            _read(args, name, 0)
        found = [one for one in reversed(account.all('dispute')) if _fits(one, args)]
        ids = [one['dispute_id'] for one in found]
        first = _after(args.get('next_page_token'), ids)
        page = found[first : first + int(size)]
        path = f'{self.store.base}/v1/customer/disputes'
        links = [objects.link(objects.query(path, args))]
        if first + len(page) < len(found):
            token = base64.b64encode(page[-1]['dispute_id'].encode()).decode()
            url = objects.query(path, {**args, 'next_page_token': token})
            links.append(objects.link(url, 'next'))
        items = [
            {**{key: one[key] for key in SHOWN}, 'dispute_state': STATES[one['status']]}
            for one in page
        ]
        return 200, {'items': items, 'links': links}

    def get(self, account, call, object_id):
        """Answer `GET /v1/customer/disputes/{id}`."""
        call.need('disputes/read-seller')
        found = account.get('dispute', object_id)
        if not found:
            raise unknown_resource()
        return 200, found


def _fits(dispute, args):
    transaction = dispute['disputed_transactions'][0]['seller_transaction_id']
    states = args.get('dispute_state', STATES[dispute['status']]).split(',')
    updated = instant(dispute['update_time'])
    return (
        args.get('disputed_transaction_id', transaction) == transaction
        and STATES[dispute['status']] in states
        and _read(args, 'start_time', 0) <= instant(dispute['create_time'])
        and _read(args, 'update_time_after', 0) <= updated
        and updated <= _read(args, 'update_time_before', updated)
    )


def _read(args, name, usual):
    """Return an instant of the query in seconds.

    :raise PayPalError: it cannot be read.
    """
    try:
        return instant(args[name]) if name in args else usual
    except ValueError:
        raise bad_request("Not a valid date and time", name) from None


def _after(token, ids):
    """Return where the next page begins.

    :raise PayPalError: the token is none of ours.
    """
    if not token:
        return 0
    try:
        return ids.index(base64.b64decode(token, validate=True).decode()) + 1
    except (ValueError, binascii.Error):
        raise bad_request("Invalid token", 'next_page_token') from None
