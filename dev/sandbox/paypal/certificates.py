# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The certificates notifications are signed with: a root of our own, and what hangs from it."""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

#: Whom a genuine certificate belongs to.
SUBJECT = 'messageverificationcerts.sandbox.invalid'
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, and the one it was issued by."""

    id: str
    key: rsa.RSAPrivateKey
    own: x509.Certificate
    issuer: 'Certificate | None' = None

    def sign(self, message):
        """Return the signature of a message: SHA256withRSA.

        :param bytes message: what is signed.
        """
        return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def verify(self, message, signature):
        """Fail on a signature that is not of this certificate.

        :raise InvalidSignature: it is not.
        """
        self.key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())

    def pem(self):
        """Return the text of the certificate and of those between it and the root."""
        above = self.issuer.pem() if self.issuer and self.issuer.issuer else ''
        return self.own.public_bytes(serialization.Encoding.PEM).decode() + above


def issue(name, issuer=None, authority=False, expired=False):
    """Return a new certificate.

    :param str name: whom it is for.
    :param Certificate issuer: who signs it; itself without.
    :param bool authority: it may sign others.
    :param bool expired: it ended yesterday.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = _name(name)
    now = datetime.now(timezone.utc)
    end = now - timedelta(days=1) if expired else now + YEAR
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.own.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - YEAR - timedelta(hours=1))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
    own = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    groups = '-'.join(secrets.token_hex(4) for _group in range(3))
    return Certificate(f'CERT-{groups}', key, own, issuer)


def _name(name):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Pay Now sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


class Authority:
    """Issues certificates and remembers them as long as the process lives.

    Keys take a moment to make: each certificate is made when it is first needed.
    """

    def __init__(self):
        self._lock = threading.RLock()
        self._issued = {}
        self._current = None
        self._issuer = None

    def issuer(self):
        """Return what genuine certificates hang from; the root, which nobody is sent, is its."""
        with self._lock:
            if not self._issuer:
                root = issue("Pay Now sandbox root", authority=True)
                self._issuer = issue("Pay Now sandbox issuer", root, authority=True)
            return self._issuer

    def root(self):
        """Return the root as PEM."""
        return self.issuer().issuer.pem()

    def current(self):
        """Return the certificate that signs now."""
        with self._lock:
            return self._current or self.rotate()

    def rotate(self):
        """Sign with a new one from now on; the old one can still be fetched."""
        with self._lock:
            self._current = self.add(SUBJECT, self.issuer())
            return self._current

    def add(self, name, issuer=None, expired=False):
        """Return a new certificate that can be fetched."""
        made = issue(name, issuer, expired=expired)
        with self._lock:
            self._issued[made.id] = made
        return made

    def find(self, certificate_id):
        """Return an issued certificate, or None."""
        return self._issued.get(certificate_id)
