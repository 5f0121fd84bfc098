# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Reading Stripe's objects: one, or a page of a list, with parts of it expanded."""

from . import errors, params

#: kind of object -> keys that may be expanded, and into what
EXPANDABLE = {
    'checkout.session': {'payment_intent': 'payment_intent'},
    'payment_intent': {'latest_charge': 'charge'},
    'charge': {
        'balance_transaction': 'balance_transaction',
        'payment_intent': 'payment_intent',
        'refunds': 'refund',
    },
    'refund': {
        'balance_transaction': 'balance_transaction',
        'charge': 'charge',
        'failure_balance_transaction': 'balance_transaction',
        'payment_intent': 'payment_intent',
    },
    'balance_transaction': {'source': ('charge', 'refund', 'dispute', 'payout')},
    'payout': {'balance_transaction': 'balance_transaction'},
    'dispute': {'charge': 'charge', 'payment_intent': 'payment_intent'},
}
#: Lists: path -> kind of object, filters.
LISTS = {
    '/v1/webhook_endpoints': ('webhook_endpoint', {}),
    '/v1/checkout/sessions': (
        'checkout.session',
        {'payment_intent': str, 'status': frozenset(['open', 'complete', 'expired'])},
    ),
    '/v1/payment_intents': ('payment_intent', {}),
    '/v1/charges': ('charge', {'payment_intent': str}),
    '/v1/balance_transactions': (
        'balance_transaction',
        {'payout': str, 'source': str, 'type': str, 'currency': str},
    ),
    '/v1/refunds': ('refund', {'payment_intent': str, 'charge': str}),
    '/v1/disputes': ('dispute', {'payment_intent': str, 'charge': str}),
    '/v1/events': ('event', {'type': str, 'types': [str], 'delivery_success': bool}),
    '/v1/payouts': ('payout', {'status': str}),
}
#: Lists that cannot be filtered by time.
TIMELESS = frozenset(['/v1/webhook_endpoints'])


def find(account, kind, object_id, param='id'):
    """Return an object of the account.

    :raise StripeError: there is none.
    """
    obj = account.get(kind, object_id)
    if not obj:
        raise errors.no_such(kind.replace('.', ' '), object_id, param)
    return obj


def retrieve(account, base, values, object_id):
    """Answer `GET /v1/…/{id}`.

    :param str base: path of the list it belongs to.
    :rtype: dict
    """
    kind, _filters = LISTS[base]
    typed = params.check(values, params.EXPAND)
    return expanded(account, find(account, kind, object_id), typed.get('expand'))


def page(account, base, values):
    """Answer `GET /v1/…`: one page, newest first.

    :param str base: path of the list.
    :rtype: dict
    """
    kind, filters = LISTS[base]
    created = {} if base in TIMELESS else params.CREATED
    typed = params.check(values, {**params.LIST, **created, **filters})
    limit = typed.get('limit', 10)
    if not 1 <= limit <= 100:
        raise errors.invalid('limit', "Limit must be between 1 and 100.")
    if 'type' in typed and 'types' in typed:
        raise errors.StripeError(400, "type and types exclude each other.", 'parameters_exclusive')
    if len(typed.get('types', ())) > 20:
        raise errors.invalid('types', "You may only specify up to 20 types.")
    found = [obj for obj in reversed(account.all(kind)) if _matches(account, obj, typed, filters)]
    data, more = _page(found, typed, limit)
    expand = []
    for path in typed.get('expand', ()):
        if not path.startswith('data.'):
            raise errors.invalid('expand', f"This property cannot be expanded ({path}).")
        expand.append(path.removeprefix('data.'))
    return listed(base, [expanded(account, obj, expand) for obj in data], more)


def listed(url, data, more=False):
    """Return a list object."""
    return {'object': 'list', 'url': url, 'has_more': more, 'data': data}


def _matches(account, obj, typed, filters):
    for name in set(filters) & set(typed):
        wanted = typed[name]
        if name == 'types':
            fits = any(_is_type(obj['type'], one) for one in wanted)
        elif name == 'type':
            fits = _is_type(obj['type'], wanted)
        elif name == 'delivery_success':
            fits = (obj['pending_webhooks'] == 0) == wanted
        elif name == 'payout':
            fits = account.note('payout_of').get(obj['id']) == wanted
        else:
            fits = obj.get(name) == wanted
        if not fits:
            return False
    created = typed.get('created') or {}
    return created.get('gt', -1) < obj['created'] < created.get('lt', 1 << 40) and created.get(
        'gte', 0
    ) <= obj['created'] <= created.get('lte', 1 << 40)


def _is_type(kind, wanted):
    return kind == wanted or (wanted.endswith('.*') and kind.startswith(wanted[:-1]))


def _page(found, typed, limit):
    """Return one page, and whether more follow in the direction that was asked for."""
    if 'starting_after' in typed and 'ending_before' in typed:
        raise errors.StripeError(
            400, "starting_after and ending_before exclude each other.", 'parameters_exclusive'
        )
    ids = [obj['id'] for obj in found]
    for name in ('starting_after', 'ending_before'):
        if name in typed and typed[name] not in ids:
            raise errors.no_such('object', typed[name], name)
    if 'ending_before' in typed:
        before = found[: ids.index(typed['ending_before'])]
        return before[-limit:], len(before) > limit
    if 'starting_after' in typed:
        found = found[ids.index(typed['starting_after']) + 1 :]
    return found[:limit], len(found) > limit


def expanded(account, obj, paths):
    """Return a copy with the wanted ids replaced by their objects.

    :param list paths: e.g. `payment_intent.latest_charge`.
    :raise StripeError: a property that is none, or deeper than four levels.
    """
    answer = {key: value for key, value in obj.items() if key != 'secret'}
    rests = {}
    for path in paths or ():
        if path.count('.') > 3:
            raise errors.invalid('expand', "You can expand up to 4 levels.")
        head, _dot, rest = path.partition('.')
        rests.setdefault(head, []).extend([rest] if rest else [])
    for head, rest in rests.items():
        kind = EXPANDABLE.get(obj['object'], {}).get(head)
        if not kind:
            raise errors.invalid('expand', f"This property cannot be expanded ({head}).")
        if kind == 'refund':
            answer[head] = _refunds(account, obj, rest)
        elif answer.get(head):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            kind = next((one for one in kinds if account.get(one, answer[head])), kinds[0])
            answer[head] = expanded(account, find(account, kind, answer[head]), rest)
    return answer


def _refunds(account, charge, paths):
    """Return the newest ten refunds of a charge: only there when expanded."""
    if any(path == 'data' or not path.startswith('data.') for path in paths):
        raise errors.invalid('expand', f"This property cannot be expanded (refunds.{paths[0]}).")
    found = [one for one in reversed(account.all('refund')) if one['charge'] == charge['id']]
    inner = [path.removeprefix('data.') for path in paths]
    data = [expanded(account, one, inner) for one in found[:10]]
    return listed(f"/v1/charges/{charge['id']}/refunds", data, len(found) > 10)
