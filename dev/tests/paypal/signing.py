# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Notifications signed as PayPal does, with certificates of our own."""

import base64
import json
import zlib
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from dev.tests.paypal.objects import capture, event
from dev.tests.paypal.server import Answer
from gateways.errors import SignatureError
from gateways.paypal import certificates as paypal_certificates

PATH = '/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270'
LIVE, TEST = 'https://api.paypal.com', 'https://api.sandbox.paypal.com'
BODY = json.dumps(event('PAYMENT.CAPTURE.COMPLETED', capture())).encode()
KEY = rsa.generate_private_key(65537, 2048)
REAL_NAME = 'messageverificationcerts.paypal.com'
SANDBOX_NAME = paypal_certificates.SANDBOX_NAME
NOW = datetime.now(timezone.utc).replace(microsecond=0)


def name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def certificate(
    names=(SANDBOX_NAME,),
    key=KEY,
    days=(-1, 30),
    issuer=None,
    issuer_key=None,
    authority=False,
    common_name=None,
    by_itself=False,
):
    """Return a certificate; without an issuer's, its own key signs for somebody unknown."""
    subject = name(common_name or names[0])
    signer = issuer.subject if issuer else subject if authority or by_itself else name("Unknown")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if not authority and not common_name:
        alternative = x509.SubjectAlternativeName(map(x509.DNSName, names))
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256())


def pem(*certificates):
    return b''.join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def signed(body=BODY, webhook_id='WH-1', url='', sent_at=NOW, key=KEY, crc=None, **headers):
    """Return the headers PayPal sends along."""
    stamp = sent_at if isinstance(sent_at, str) else f'{sent_at:%Y-%m-%dT%H:%M:%SZ}'
    crc = zlib.crc32(body) if crc is None else crc
    message = f'69cd13f0-d67a-11e5-baa3-778b53f4ae55|{stamp}|{webhook_id}|{crc}'
    signature = key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    return {
        'Paypal-Transmission-Id': '69cd13f0-d67a-11e5-baa3-778b53f4ae55',
        'Paypal-Transmission-Time': stamp,
        'Paypal-Transmission-Sig': base64.b64encode(signature).decode(),
        'Paypal-Cert-Url': url,
        'Paypal-Auth-Algo': 'SHA256withRSA',
        **headers,
    }


@pytest.fixture
def prove(paypal_server, paypal_gateway):
    """Verify at the sandbox, whose certificate is the arguments' own."""

    def prove(body=BODY, given=None, served=None, gateway=paypal_gateway, **values):
        if served is None:
            served = pem(certificate())
        paypal_server.on('GET', PATH, served if isinstance(served, Answer) else Answer(200, served))
        headers = signed(**{'body': body, 'url': f'{paypal_server.base}{PATH}', **values})
        return gateway.verify_event(body, headers if given is None else given)

    yield prove
    # Certificates are not part of the described API.
    paypal_server.calls[:] = []


def refused(prove, code, **values):
    with pytest.raises(SignatureError) as failure:
        prove(**values)
    assert failure.value.code == code
    assert failure.value.__cause__ is None
    assert '123.45' not in repr(failure.value)
