# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Proves the origin of PayPal's notifications, apart from the gateway, to check it."""

import base64
import zlib

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding


def certificates(pem):
    return x509.load_pem_x509_certificates(pem.encode())


def check(body, headers, webhook_id, root=None):
    """Fail on a notification that is not genuine.

    :param bytes body: as received.
    :param str root: PEM of the root its certificate must hang from.
    """
    headers = {name.upper(): value for name, value in headers.items()}
    assert headers['PAYPAL-AUTH-ALGO'] == 'SHA256withRSA'
    signed = '|'.join(
        [
            headers['PAYPAL-TRANSMISSION-ID'],
            headers['PAYPAL-TRANSMISSION-TIME'],
            webhook_id,
            str(zlib.crc32(body)),
        ]
    )
    pem = requests.get(headers['PAYPAL-CERT-URL'], timeout=5).text
    chain = certificates(pem)
    signature = base64.b64decode(headers['PAYPAL-TRANSMISSION-SIG'])
    chain[0].public_key().verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    if root:
        for below, above in zip(chain, [*chain[1:], *certificates(root)], strict=True):
            below.verify_directly_issued_by(above)
    return chain[0]
