# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The registration of our address for PayPal's notifications: one webhook for one address."""

from urllib.parse import urlsplit

from ..base import Webhook
from ..errors import GatewayNotFound, GatewayRefused
from .events import EVENT_TYPES
from .order import object_id
from .payment import readable

WEBHOOKS = '/v1/notifications/webhooks'
KNOWN_TYPES = '/v1/notifications/webhooks-event-types'
LONGEST_URL = 2048


def check_url(url):
    """Refuse what PayPal never calls: anything but https on its own port.

    :raise GatewayRefused: `url_invalid`.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme == 'https' and parts.hostname and parts.port in (None, 443)
    except ValueError:
        fine = False
    if not fine or len(url) > LONGEST_URL:
        raise GatewayRefused("PayPal calls public https addresses only.", 'url_invalid')


def find(client, url):
    """Return the webhook of an address.

    :rtype: Webhook | None
    """
    found = _registered(client, url)
    return found and _webhook(found, _event_names(client))


def register(client, url):
    """Return the webhook of an address, notified of all events we want.

    :rtype: Webhook
    :raise GatewayRefused: also `url_invalid`, and as many webhooks as PayPal allows.
    """
    names = _event_names(client)
    found = _registered(client, url)
    if not found:
        try:
            body = {'url': url, 'event_types': names}
            return _webhook(client.call('POST', WEBHOOKS, body=body))
        except GatewayRefused as error:
            found = error.code == 'WEBHOOK_URL_ALREADY_EXISTS' and _registered(client, url)
            if not found:
                raise
    with readable():
        asked = {kind['name'] for kind in found.get('event_types') or ()}
        path = f'{WEBHOOKS}/{object_id(found["id"])}'
    if asked != {kind['name'] for kind in names}:
        change = {'op': 'replace', 'path': '/event_types', 'value': names}
        client.call('PATCH', path, body=[change])
    return _webhook(found)


def remove(client, webhook_id):
    """Remove a webhook; silent when it is gone already."""
    try:
        client.call('DELETE', f'{WEBHOOKS}/{object_id(webhook_id)}')
    except GatewayNotFound:
        return


def _registered(client, url):
    answer = client.call('GET', WEBHOOKS, query={'anchor_type': 'APPLICATION'})
    with readable():
        listed = answer.get('webhooks') or ()
        return next((webhook for webhook in listed if webhook['url'] == url), None)


def _event_names(client):
    """Return the event types we want that PayPal knows, as it writes them."""
    try:
        answer = client.call('GET', KNOWN_TYPES)
    except GatewayRefused:
        answer = {}
    with readable():
        known = {kind['name'] for kind in answer.get('event_types') or ()}
    wanted = [name for name in EVENT_TYPES if name in known]
    return [{'name': name} for name in wanted or EVENT_TYPES]


def _webhook(values, wanted=()):
    with readable():
        asked = {kind['name'] for kind in values.get('event_types') or ()}
        complete = '*' in asked or asked >= {kind['name'] for kind in wanted}
        return Webhook(id=values['id'], url=values['url'], complete=complete)
