# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The certificates PayPal signs its notifications with, and from whom we take them.

The notification itself names its certificate's address, and anybody can post a notification. So
whoever receives them keeps what was fetched once, and fetches in the background (`fetch`); and:

* The address must be one of PayPal's own for certificates, in our environment, to the letter.
  It is fetched over verified TLS without following redirects. That the holder of that host says
  "this is our certificate" is always proven.
* The certificate must be within its dates, issued to a name under paypal.com, and by somebody
  else than itself.
* Where PayPal sends intermediate certificates along, the chain must end at a public authority
  (`certifi`). Where it sends the certificate alone, nothing here can build that chain, and its
  issuer proves nothing beyond what its host does.
"""

import functools
import re
from datetime import datetime, timezone
from urllib.parse import urlsplit

import certifi
import requests
import urllib3
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from OpenSSL import crypto

from ..errors import CertificateNeeded, GatewayUnavailable, SignatureError
from .client import new_session

HOSTS = {
    False: ('https://api.paypal.com', 'https://api-m.paypal.com'),
    True: ('https://api.sandbox.paypal.com', 'https://api-m.sandbox.paypal.com'),
}
PATH = r'/v1/notifications/certs/[A-Za-z0-9_-]{1,128}'
TIMEOUT = (3.05, 5)
#: Of bytes in a certificate and its chain.
LARGEST = 64 * 1024
DOMAIN = 'paypal.com'
#: The sandbox's certificates are for this name only, which nobody can own.
SANDBOX_NAME = 'messageverificationcerts.sandbox.invalid'
WEAKEST_KEY = 2048
PEM = re.compile(rb'-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----', re.S)
#: How many that were checked are remembered; whether they are valid today is looked at each time.
KEPT = 32


def public_key(url, test_mode, api_base=None, kept=None):
    """Return the key of one of PayPal's certificates.

    :param str url: as the notification names it.
    :param bool test_mode: whether we are in PayPal's sandbox, None while nobody knows.
    :param str api_base: the sandbox's address.
    :param kept: gives what was fetched from an address before, None for nothing; without it the
        certificate is fetched here and now.
    :raise SignatureError: `bad_cert_url`, `bad_certificate`.
    :raise CertificateNeeded: it was not fetched before.
    :raise GatewayUnavailable: it cannot be fetched now.
    """
    check_url(url, test_mode, api_base)
    content = kept(url) if kept else _download(url)
    if content is None:
        raise CertificateNeeded(url, test_mode, api_base)
    certificate = _checked(content, sandbox=bool(api_base))
    start, end = _validity(certificate)
    if not start <= datetime.now(timezone.utc) <= end:
        raise SignatureError("The certificate is not valid today.", 'bad_certificate')
    return certificate.public_key()


def check_url(url, test_mode, api_base=None):
    """Refuse any address but PayPal's own for certificates, or the sandbox's.

    :raise SignatureError: `bad_cert_url`.
    """
    if api_base:
        parts = urlsplit(api_base)
        origins = (f'{parts.scheme}://{parts.netloc}',)
    else:
        origins = HOSTS.get(test_mode, ())
    for origin in origins:
        port = '(:443)?' if origin.startswith('https:') and not api_base else ''
        if re.fullmatch(f'{re.escape(origin)}{port}{PATH}', url):
            return
    raise SignatureError("The certificate is not at PayPal.", 'bad_cert_url')


def fetch(url, test_mode, api_base=None):
    """Return one of PayPal's certificates as it is at its address, once it is one.

    :param str url: as a notification named it.
    :param bool test_mode: whether we are in PayPal's sandbox.
    :param str api_base: the sandbox's address.
    :rtype: bytes
    :raise SignatureError: `bad_cert_url`, `bad_certificate`.
    :raise GatewayUnavailable: it cannot be fetched now.
    """
    check_url(url, test_mode, api_base)
    content = _download(url)
    _checked(content, sandbox=bool(api_base))
    return content


def _download(url):
    try:
        with (
            new_session() as session,
            session.get(url, timeout=TIMEOUT, allow_redirects=False, stream=True) as response,
        ):
            status = response.status_code
            content = response.raw.read(LARGEST + 1, decode_content=True)
    # What the reading raises is urllib3's and the system's.
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        raise GatewayUnavailable("PayPal's certificate cannot be fetched.") from None
    if 300 <= status < 400 or status in (400, 404, 410) or len(content) > LARGEST:
        raise SignatureError("There is no such certificate.", 'bad_certificate')
    if status != 200:
        raise GatewayUnavailable("PayPal's certificate cannot be fetched.")
    return content


@functools.lru_cache(maxsize=KEPT)
def _checked(content, sandbox):
    """Return the first certificate of a PEM text, once it is one that PayPal signs with.

    :raise SignatureError: `bad_certificate`.
    """
    blocks = PEM.findall(content)
    if not blocks:
        # Known of PayPal: an empty answer, or a page, for a while.
        raise GatewayUnavailable("PayPal's certificate cannot be read.")
    try:
        leaf, *others = map(x509.load_pem_x509_certificate, blocks)
        names = _names(leaf)
        key = leaf.public_key()
    except (TypeError, UnsupportedAlgorithm, ValueError, x509.DuplicateExtension):
        raise SignatureError("The certificate cannot be read.", 'bad_certificate') from None
    if sandbox:
        known = SANDBOX_NAME in names
    else:
        known = any(f'.{name}'.endswith(f'.{DOMAIN}') for name in names)
    if not known:
        raise SignatureError("The certificate is somebody else's.", 'bad_certificate')
    if leaf.issuer == leaf.subject:
        raise SignatureError("The certificate vouches for itself.", 'bad_certificate')
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < WEAKEST_KEY:
        raise SignatureError("The certificate's key is too weak.", 'bad_certificate')
    if others and not sandbox:
        _check_chain(leaf, others)
    return leaf


def _names(certificate):
    """Return the host names a certificate was issued for, in lower case."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = [
            attribute.value
            for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ]
    return [name.lower() for name in names]


def _check_chain(leaf, others):
    """Refuse a chain that does not end at a public authority.

    :raise SignatureError: `bad_certificate`.
    """
    store = crypto.X509Store()
    store.load_locations(certifi.where())
    leaf, *others = map(crypto.X509.from_cryptography, (leaf, *others))
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError:
        text = "No authority vouches for the certificate."
        raise SignatureError(text, 'bad_certificate') from None


def _validity(certificate):
    """Return from when until when a certificate is valid, in UTC."""
    try:
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except AttributeError:
        # cryptography before 42.
        bounds = certificate.not_valid_before, certificate.not_valid_after
        return tuple(bound.replace(tzinfo=timezone.utc) for bound in bounds)
