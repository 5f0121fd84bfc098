# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Reports: balances, and the movements they come from."""

import math
import re

from ..common.store import clock
from . import errors, money, objects
from .store import DAY, instant, timestamp

REPORT_STYLE = '%Y-%m-%dT%H:%M:%S+0000'
#: Longest range of one search, how far back, how many results at most.
RANGE, BACK, MOST = 31 * DAY, 3 * 366 * DAY, 10_000
INSTANT = re.compile(
    r'\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.]\d+)?([Zz]|[+-]\d\d:\d\d)',
)
FILTERS = (
    'start_date',
    'end_date',
    'transaction_id',
    'transaction_type',
    'transaction_status',
    'transaction_currency',
    'fields',
    'balance_affecting_records_only',
    'page_size',
    'page',
)


class ReportCalls:
    """Answers calls to `/v1/reporting`. The caller holds the store's lock."""

    def __init__(self, app):
        self.store = app.store
        self.payments = app.payments

    def _refreshed(self):
        """Return until when the reports know everything, in seconds."""
        return clock.now() - self.store.report_delay

    # === BALANCES === #

    def balances(self, account, call):
        """Answer `GET /v1/reporting/balances`."""
        call.need('reporting/balances/read')
        _only(call.args, ('as_of_time', 'currency_code'))
        refreshed = self._refreshed()
        at = _read(call.args, 'as_of_time') if 'as_of_time' in call.args else refreshed
        held = self.payments.balances(account, min(at, refreshed))
        wanted = call.args.get('currency_code', 'ALL')
        shown = [
            {
                'currency': currency,
                'primary': currency == account.currency,
                'total_balance': money.money(amount, currency),
                'available_balance': money.money(amount, currency),
                'withheld_balance': money.money(0, currency),
            }
            for currency, amount in held.items()
            if wanted in ('ALL', currency)
        ]
        return 200, {
            'balances': shown,
            'account_id': account.id,
            'as_of_time': timestamp(at),
            'last_refresh_time': timestamp(refreshed),
        }

    # === TRANSACTIONS === #

    def transactions(self, account, call):
        """Answer `GET /v1/reporting/transactions`: one page, oldest first."""
        call.need('reporting/search/read')
        args = call.args
        _only(args, FILTERS)
        start, end = _read(args, 'start_date'), _read(args, 'end_date')
        if not start <= end <= start + RANGE or start < clock.now() - BACK:
            raise errors.refused('INVALID_PARAMETER_VALUE', 'end_date', args['end_date'], 'query')
        size, page = _number(args, 'page_size', 100, 500), _number(args, 'page', 1, 1 << 31)
        found = [
            record
            for at, record in self._records(account, args)
            if start <= at <= end and at <= self._refreshed() and _fits(record, args)
        ]
        if len(found) > MOST:
            raise errors.PayPalError(
                400,
                name='RESULTSET_TOO_LARGE',
                message="Result set size is greater than the maximum limit. Change the filter"
                " criteria and try again.",
            )
        pages = math.ceil(len(found) / size)
        return 200, {
            'transaction_details': [
                self._detail(record, args) for record in found[(page - 1) * size : page * size]
            ],
            'account_number': account.id,
            'start_date': timestamp(start, REPORT_STYLE),
            'end_date': timestamp(end, REPORT_STYLE),
            'last_refreshed_datetime': timestamp(self._refreshed(), REPORT_STYLE),
            'page': page,
            'total_items': len(found),
            'total_pages': pages,
            'links': self._links(args, page, pages),
        }

    def _links(self, args, page, pages):
        """Return the links to this page, the next and the last one."""
        wanted = {'self': page}
        if page < pages:
            wanted.update(next=page + 1, last=pages)
        path = f'{self.store.base}/v1/reporting/transactions'
        return [
            objects.link(objects.query(path, {**args, 'page': number}), rel)
            for rel, number in wanted.items()
        ]

    def _records(self, account, args):
        """Return the instant and the report of every movement, and of what is still pending."""
        held = {}
        for one in account.all('movement'):
            held[one['currency']] = held.get(one['currency'], 0) + one['net']
            yield one['created'], _movement(one, held[one['currency']])
        if args.get('balance_affecting_records_only', 'Y') == 'N':
            for captured in account.all('capture'):
                if captured['status'] == 'PENDING':
                    yield instant(captured['create_time']), _pending(captured)

    @staticmethod
    def _detail(record, args):
        """Return a record with the fields that are asked for."""
        fields = args.get('fields', 'transaction_info').split(',')
        detail = {'transaction_info': record}
        if {'payer_info', 'all'} & set(fields) and record['transaction_event_code'] == 'T0006':
            payer = objects.PAYER
            detail['payer_info'] = {
                'account_id': payer['payer_id'],
                'email_address': payer['email_address'],
                'address_status': 'N',
                'payer_status': 'Y',
                'payer_name': {
                    **payer['name'],
                    'alternate_full_name': ' '.join(payer['name'].values()),
                },
                'country_code': payer['address']['country_code'],
            }
        return detail


def _movement(one, balance):
    """Return the report of a movement.

    :param int balance: after it, in minor units.
    """
    currency, at = one['currency'], timestamp(one['created'], REPORT_STYLE)
    fee = {'fee_amount': money.money(-one['fee'], currency)} if one['fee'] else {}
    reference = {}
    if one['reference']:
        reference = {
            'paypal_reference_id': one['reference'],
            'paypal_reference_id_type': 'ODR' if one['type'] == 'T0006' else 'TXN',
        }
    return {
        'transaction_id': one['source'],
        **reference,
        'transaction_event_code': one['type'],
        'transaction_initiation_date': at,
        'transaction_updated_date': at,
        'transaction_amount': money.money(one['amount'], currency),
        **fee,
        'transaction_status': 'S',
        'ending_balance': money.money(balance, currency),
        'available_balance': money.money(balance, currency),
        **_names(one['names']),
        'protection_eligibility': '01' if one['type'] == 'T0006' else '02',
    }


def _pending(captured):
    """Return the report of a capture whose money has not arrived."""
    at = timestamp(instant(captured['create_time']), REPORT_STYLE)
    return {
        'transaction_id': captured['id'],
        'paypal_reference_id': captured['supplementary_data']['related_ids']['order_id'],
        'paypal_reference_id_type': 'ODR',
        'transaction_event_code': 'T0006',
        'transaction_initiation_date': at,
        'transaction_updated_date': at,
        'transaction_amount': captured['amount'],
        'transaction_status': 'P',
        **_names(captured),
    }


def _names(obj):
    """Return the merchant's references as reports call them."""
    names = {'invoice_id': 'invoice_id', 'custom_field': 'custom_id'}
    return {name: obj[key] for name, key in names.items() if key in obj}


def _fits(record, args):
    wanted = {
        'transaction_id': record['transaction_id'],
        'transaction_type': record['transaction_event_code'],
        'transaction_status': record['transaction_status'],
        'transaction_currency': record['transaction_amount']['currency_code'],
    }
    return all(args.get(name, value) == value for name, value in wanted.items())


def _only(args, known):
    for name, value in args.items():
        if name not in known:
            raise errors.refused('NOT_SUPPORTED', name, value, 'query')


def _read(args, name):
    """Return an instant of the query in seconds.

    :raise PayPalError: it is missing, or not as it must be.
    """
    if name not in args:
        raise errors.refused('MISSING_REQUIRED_PARAMETER', name, location='query')
    if not INSTANT.fullmatch(args[name]):
        raise errors.refused('INVALID_PARAMETER_SYNTAX', name, args[name], 'query')
    return instant(args[name])


def _number(args, name, usual, most):
    """Return a number of the query.

    :raise PayPalError: it is none, or out of bounds.
    """
    value = args.get(name, str(usual))
    if not re.fullmatch(r'\d{1,10}', value) or not 1 <= int(value) <= most:
        raise errors.refused('INVALID_PARAMETER_VALUE', name, value, 'query')
    return int(value)
