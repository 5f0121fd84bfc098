# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""One call of PayPal's API, and what is remembered of it."""

from dataclasses import dataclass, field

from ..common.store import clock
from . import errors

URI = 'https://uri.paypal.com/services'


@dataclass
class Call:
    """One call of the API.

    :param str endpoint: of `ROUTES`.
    :param body: of the request, parsed; `raw` is its text.
    :param str request_id: its PayPal-Request-Id.
    :param bool whole: the caller prefers to see the whole resource.
    :param list scopes: what its token is good for.
    """

    endpoint: str
    method: str
    args: dict = field(default_factory=dict)
    body: object = None
    raw: bytes = b''
    request_id: str = ''
    whole: bool = False
    scopes: list = field(default_factory=list)
    replayed: bool = False

    def remembered(self, account):
        """Return what an earlier call with the same id came to; None for a new one."""
        kept = account.answers.get(self._key())
        if not self.request_id or not kept or kept['until'] < clock.exact():
            return None
        self.replayed = True
        return kept

    def remember(self, account, seconds, **what):
        """Keep what this call came to."""
        if self.request_id:
            account.answers[self._key()] = {**what, 'until': clock.exact() + seconds}

    def _key(self):
        # The same id for another kind of call is another id.
        return f'{self.endpoint} {self.request_id}'

    def need(self, scope):
        """Refuse a token that is not good for this.

        :raise PayPalError: it is not.
        """
        if f'{URI}/{scope}' not in self.scopes:
            raise errors.refused('PERMISSION_DENIED')
