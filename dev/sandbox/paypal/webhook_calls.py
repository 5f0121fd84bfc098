# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Webhooks and the events they were notified of."""

import json
import re
from json.decoder import scanstring
from urllib.parse import urlsplit

from ..common.store import clock
from . import objects
from .errors import bad_request
from .store import DAY, instant

MOST_WEBHOOKS, LONGEST_URL = 10, 2048
#: How far back events are listed.
KEPT = 30 * DAY
LOOPBACK = ('127.0.0.1', 'localhost', '::1')
SIGNED = (
    'auth_algo',
    'cert_url',
    'transmission_id',
    'transmission_sig',
    'transmission_time',
    'webhook_id',
)
EVENT_FILTERS = ('page_size', 'start_time', 'end_time', 'transaction_id', 'event_type')
#: What the links between pages add.
CURSOR = ('move_to', 'index_time', 'index_id')


class WebhookCalls:
    """Answers calls to `/v1/notifications`. The caller holds the store's lock."""

    def __init__(self, app):
        self.store = app.store
        self.webhooks = app.webhooks

    # === ENDPOINTS === #

    def create(self, account, call):
        """Answer `POST /v1/notifications/webhooks`."""
        body = _record(call.body, ('url', 'event_types'), ('url', 'event_types'))
        url = self._url(account, body['url'])
        if len(account.all('webhook')) >= MOST_WEBHOOKS:
            raise bad_request("Webhooks number limit exceeded", '', 'WEBHOOK_NUMBER_LIMIT_EXCEEDED')
        webhook = objects.webhook(url, _event_names(body['event_types']), self.store.base)
        return 201, account.add(webhook, 'webhook')

    @staticmethod
    def _url(account, url):
        """Return an address that can be notified."""
        parts = urlsplit(url) if isinstance(url, str) else None
        secure = parts and parts.scheme == 'https' and parts.port in (None, 443)
        own = parts and parts.scheme == 'http' and parts.hostname in LOOPBACK
        if not (secure or own) or len(url) > LONGEST_URL:
            raise bad_request("Not a valid webhook URL", 'url')
        if any(one['url'] == url for one in account.all('webhook')):
            raise bad_request("Webhook URL already exists", '', 'WEBHOOK_URL_ALREADY_EXISTS')
        return url

    @staticmethod
    def _find(account, webhook_id):
        webhook = account.get('webhook', webhook_id)
        if not webhook:
            raise bad_request(
                "The requested resource was not found", '', 'INVALID_RESOURCE_ID', 404
            )
        return webhook

    def list(self, account, call):
        """Answer `GET /v1/notifications/webhooks`."""
        if call.args.get('anchor_type', 'APPLICATION') not in ('APPLICATION', 'ACCOUNT'):
            raise bad_request("Invalid anchor type", 'anchor_type')
        return 200, {'webhooks': account.all('webhook')}

    def get(self, account, _call, object_id):
        """Answer `GET /v1/notifications/webhooks/{id}`."""
        return 200, self._find(account, object_id)

    def change(self, account, call, object_id):
        """Answer `PATCH /v1/notifications/webhooks/{id}`."""
        webhook = self._find(account, object_id)
        changes = {}
        for patch in call.body if isinstance(call.body, list) else [{}]:
            patch = _record(patch, ('op', 'path', 'value'), ('op', 'path', 'value'))
            if patch['op'] != 'replace' or patch['path'] not in ('/url', '/event_types'):
                raise bad_request("Invalid patch", str(patch['path']))
            if patch['path'] == '/url':
                changes['url'] = self._url(account, patch['value'])
            else:
                names = _event_names(patch['value'])
                changes['event_types'] = [objects.event_type(name) for name in names]
        webhook.update(changes)
        return 200, webhook

    def delete(self, account, _call, object_id):
        """Answer `DELETE /v1/notifications/webhooks/{id}`."""
        self._find(account, object_id)
        account.remove('webhook', object_id)
        return 204, None

    def types(self, _account, _call):
        """Answer `GET /v1/notifications/webhooks-event-types`."""
        return 200, {'event_types': [objects.event_type(name) for name in objects.EVENTS]}

    def types_of(self, account, _call, object_id):
        """Answer `GET /v1/notifications/webhooks/{id}/event-types`."""
        return 200, {'event_types': self._find(account, object_id)['event_types']}

    # === EVENTS === #

    def events(self, account, call):
        """Answer `GET /v1/notifications/webhooks-events`: one page, newest first."""
        args = call.args
        for name in args:
            if name not in (*EVENT_FILTERS, *CURSOR):
                raise bad_request("Unknown parameter", name)
        size = args.get('page_size', '10')
        if not re.fullmatch(r'\d{1,3}', size) or not 1 <= int(size) <= 300:
            raise bad_request("Invalid page size", 'page_size')
        since = _instant(args.get('start_time'), 'start_time', clock.now() - KEPT)
        until = _instant(args.get('end_time'), 'end_time', clock.now())
        found = [
            one
            for one in reversed(account.all('event'))
            if since <= instant(one['create_time']) <= until and self._listed(account, one, args)
        ]
        ids = [one['id'] for one in found]
        first = ids.index(args['index_id']) + 1 if args.get('index_id') in ids else 0
        page = found[first : first + int(size)]
        query = {name: args[name] for name in EVENT_FILTERS if name in args}
        links = [self._page(query)]
        if first + len(page) < len(found):
            at = {'index_time': page[-1]['create_time'], 'index_id': page[-1]['id']}
            links.append(self._page({**query, 'page_size': size, 'move_to': 'next', **at}, 'next'))
        return 200, {'events': page, 'count': len(page), 'links': links}

    def _page(self, query, rel='self'):
        path = f'{self.store.base}/v1/notifications/webhooks-events'
        return objects.link(objects.query(path, query), rel)

    @staticmethod
    def _listed(account, event, args):
        """Tell whether an event fits the filters; only those an endpoint asked for are listed."""
        return (
            account.note('notified').get(event['id'])
            and instant(event['create_time']) >= clock.now() - KEPT
            and args.get('event_type') in (None, event['event_type'])
            and args.get('transaction_id') in (None, event['resource'].get('id'))
        )

    @staticmethod
    def _find_event(account, event_id):
        event = account.get('event', event_id)
        if not event or not account.note('notified').get(event_id):
            raise bad_request(
                "The requested resource was not found", '', 'INVALID_RESOURCE_ID', 404
            )
        return event

    def event(self, account, _call, object_id):
        """Answer `GET /v1/notifications/webhooks-events/{id}`."""
        return 200, self._find_event(account, object_id)

    def resend(self, account, call, object_id):
        """Answer `POST /v1/notifications/webhooks-events/{id}/resend`."""
        event = self._find_event(account, object_id)
        wanted = _record(call.body, ('webhook_ids',)).get('webhook_ids')
        for webhook_id in wanted or ():
            self._find(account, webhook_id)
        jobs = self.webhooks.jobs(account, event)
        self.webhooks.send([job for job in jobs if not wanted or job['webhook'] in wanted])
        return 202, event

    # === SIGNATURES === #

    def verify(self, account, call):
        """Answer `POST /v1/notifications/verify-webhook-signature`."""
        body = _record(call.body, (*SIGNED, 'webhook_event'), (*SIGNED, 'webhook_event'))
        for name in SIGNED:
            if not isinstance(body[name], str):
                raise bad_request("Invalid value", name)
        raw = member(call.raw.decode(), 'webhook_event').encode()
        genuine = self.webhooks.verify(account, body, raw)
        return 200, {'verification_status': 'SUCCESS' if genuine else 'FAILURE'}


def member(text, name):
    """Return the value of one member of a JSON object, as it is written.

    :param str text: well-formed.
    """
    decoder, found = json.JSONDecoder(), ''
    at = _skip(text, text.index('{') + 1)
    while text[at] != '}':
        key, at = scanstring(text, at + 1)
        start = _skip(text, text.index(':', at) + 1)
        _value, at = decoder.raw_decode(text, start)
        if key == name:
            found = text[start:at]
        at = _skip(text, at)
        if text[at] == ',':
            at = _skip(text, at + 1)
    return found


def _skip(text, at):
    """Return the next place that is not white."""
    return re.compile(r'[ \t\n\r]*').match(text, at).end()


def _record(body, allowed, required=()):
    """Return a body that is an object of such members.

    :raise PayPalError: it is not.
    """
    if not isinstance(body, dict):
        raise bad_request("Invalid request", '', 'INVALID_REQUEST')
    for name in required:
        if name not in body:
            raise bad_request("Required field is missing", name)
    for name in body:
        if name not in allowed:
            raise bad_request("Unknown field", name)
    return body


def _event_names(types):
    """Return the names in a list of event types.

    :raise PayPalError: it is no such list.
    """
    names = [one.get('name') for one in types if isinstance(one, dict)] if types else []
    if not names or len(names) != len(types) or len(names) > 500:
        raise bad_request("Not a valid list of event types", 'event_types')
    for name in names:
        if name != '*' and name not in objects.EVENTS:
            raise bad_request(f"{name} is not a valid event type", 'event_types')
    return names


def _instant(text, name, usual):
    """Return an instant in seconds.

    :param usual: what it is without a text.
    :raise PayPalError: it cannot be read.
    """
    try:
        return instant(text) if text else usual
    except ValueError:
        raise bad_request("Not a valid date and time", name) from None
