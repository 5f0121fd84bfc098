# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What can go wrong at a provider, in the terms the rest of the module decides on.

None of these errors ever carries a credential: their text ends up in front of users and in logs.
"""


class GatewayError(Exception):
    """Base of all errors of a gateway.

    :param str message: what happened, the provider's message where it gave one.
    :param str code: the provider's machine-readable code (Stripe `error.code`, PayPal `issue`).
    :param str request_id: the provider's id of the request, to quote to its support.
    :param str field: which value of the request it is about, as the provider calls it.
    """

    def __init__(self, message, code='', request_id='', field=''):
        super().__init__(message)
        self.message = message
        self.code = code or ''
        self.request_id = request_id or ''
        self.field = field or ''


class GatewayUnavailable(GatewayError):
    """Time-out, rate limit, or a failure on the provider's side: trying again may help.

    The outcome of the request is unknown: repeat it only with the same idempotency key, or read
    the object first.
    """


class GatewayAway(GatewayUnavailable):
    """Nothing may be asked: this database is not the one that the connection was made for.

    As of a provider that does not answer, nothing is lost, and all is tried again later.
    """

    def __init__(self):
        super().__init__("This database is not the one that the connection was made for.", 'away')


class CertificateNeeded(GatewayUnavailable):
    """A notification can be proven once the certificate that it names was fetched.

    :param str url: of the certificate, one of the provider's own addresses.
    :param bool test_mode: whether it is the provider's sandbox.
    :param str api_base: the address of our sandbox, if it is there.
    """

    def __init__(self, url, test_mode, api_base=None):
        super().__init__("The certificate is not known yet.", 'certificate_needed')
        self.url = url
        self.test_mode = test_mode
        self.api_base = api_base or ''


class GatewayRefused(GatewayError):
    """The provider understood and said no: the same request will be refused again."""


class GatewayAuthError(GatewayRefused):
    """The provider refused the credentials, or they do not allow this operation."""


class GatewayNotFound(GatewayRefused):
    """The provider does not know the object (for this account)."""


class PayerActionNeeded(GatewayRefused):
    """The way the payer chose was refused: the same checkout waits for another choice."""


class SignatureError(GatewayError):
    """A notification whose origin cannot be proven. Nothing of it may be used."""
