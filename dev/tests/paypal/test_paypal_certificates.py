# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Certificates: from PayPal alone, and PayPal's alone."""

from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dev.tests.paypal.server import Answer
from dev.tests.paypal.signing import (
    BODY,
    LIVE,
    NOW,
    PATH,
    REAL_NAME,
    SANDBOX_NAME,
    TEST,
    certificate,
    pem,
    refused,
    signed,
)
from gateways.errors import CertificateNeeded, GatewayUnavailable, SignatureError
from gateways.paypal import certificates as paypal_certificates
from gateways.paypal import events as paypal_events

# === WHERE THE CERTIFICATE IS === #


HOSTILE = [
    f'http://api.paypal.com{PATH}',
    f'https://evil.example{PATH}',
    f'https://api.paypal.com.evil.example{PATH}',
    f'https://evilapi.paypal.com{PATH}',
    f'https://api.paypal.com@evil.example{PATH}',
    f'https://user:secret@api.paypal.com{PATH}',
    f'https://api.paypal.com:8443{PATH}',
    f'https://api.paypal.com:443@evil.example{PATH}',
    f'https://api.paypal.com\\@evil.example{PATH}',
    f'https://www.paypal.com{PATH}',
    f'https://apixpaypal.com{PATH}',
    f'https://API.PAYPAL.COM{PATH}',
    f'https://api.paypal.com{PATH}?x=https://evil.example',
    f'https://api.paypal.com{PATH}#x',
    f'https://api.paypal.com{PATH}/../../../v1/evil',
    f'https://api.paypal.com{PATH}%2f..',
    f'https://api.paypal.com{PATH}\n',
    f' https://api.paypal.com{PATH}',
    'https://api.paypal.com/v1/notifications/certs/',
    'https://api.paypal.com/v1/notifications/certs/../x',
    f'https://api.paypal.com/v1/notifications/certs/{"a" * 129}',
    f'https://api.paypal.com/v1/notifications/CERTS{PATH[-30:]}',
    f'//api.paypal.com{PATH}',
    f'file://{PATH}',
    'file:///etc/passwd',
    'http://169.254.169.254/latest/meta-data',
    f'https://127.0.0.1{PATH}',
    f'https://[::1]{PATH}',
    'https://[',
    '',
]


@pytest.mark.parametrize('url', HOSTILE)
@pytest.mark.parametrize('test_mode', [True, False, None])
def test_addresses_that_are_never_fetched(url, test_mode):
    with pytest.raises(SignatureError) as failure:
        paypal_certificates.public_key(url, test_mode)
    assert failure.value.code == 'bad_cert_url'
    with pytest.raises(SignatureError):
        paypal_certificates.public_key(url, test_mode, 'http://127.0.0.1:1')


@pytest.mark.parametrize('host', ['api', 'api-m'])
@pytest.mark.parametrize('port', ['', ':443'])
def test_each_environment_has_its_own_hosts(host, port):
    live = f'https://{host}.paypal.com{port}{PATH}'
    test = f'https://{host}.sandbox.paypal.com{port}{PATH}'
    paypal_certificates.check_url(live, test_mode=False)
    paypal_certificates.check_url(test, test_mode=True)
    for url, test_mode in ((live, True), (test, False), (live, None), (test, None)):
        with pytest.raises(SignatureError):
            paypal_certificates.check_url(url, test_mode)
    for url in (live, test):
        with pytest.raises(SignatureError):
            paypal_certificates.check_url(url, True, 'http://127.0.0.1:1')


def test_the_sandboxs_certificate_is_nowhere_but_there(paypal_server, prove):
    port = int(paypal_server.base.rpartition(':')[2])
    for url in (
        f'http://127.0.0.1:{port + 1}{PATH}',
        f'http://127.0.0.1{PATH}',
        f'https://127.0.0.1:{port}{PATH}',
        f'http://localhost:{port}{PATH}',
        f'{paypal_server.base}/elsewhere',
        f'{TEST}{PATH}',
    ):
        refused(prove, 'bad_cert_url', url=url)
    assert not paypal_server.calls


# === FETCHING IT === #


@pytest.mark.parametrize('status', [301, 302, 307, 308])
def test_redirect_of_the_certificate(paypal_server, prove, status):
    paypal_server.on('GET', '/elsewhere', Answer(200, pem(certificate())))
    redirect = Answer(status, b'', {'Location': f'{paypal_server.base}/elsewhere'})
    refused(prove, 'bad_certificate', served=redirect)
    assert [call.path for call in paypal_server.calls] == [PATH]


def test_certificate_that_paypal_does_not_have(prove):
    for status in (400, 404, 410):
        refused(prove, 'bad_certificate', served=Answer(status, b'{}'))


@pytest.mark.parametrize(
    'served',
    [
        Answer(500, b''),
        Answer(403, b'<html>proxy'),
        Answer(429, b''),
        Answer(drop=True),
        Answer(200, b''),
        Answer(200, b'<html>try again later</html>'),
        Answer(200, b'x' * 10, {'Content-Length': '99', 'Connection': 'close'}),
    ],
)
def test_certificate_that_cannot_be_fetched_now(paypal_server, prove, served):
    """PayPal sends the notification again, and the sweep finds its payment before."""
    with pytest.raises(GatewayUnavailable) as failure:
        prove(served=served)
    assert 'html' not in str(failure.value)
    assert prove(), "and it is asked for again the next time"


def test_certificate_that_takes_too_long(prove, monkeypatch):
    monkeypatch.setattr(paypal_certificates, 'TIMEOUT', (1, 0.2))
    with pytest.raises(GatewayUnavailable):
        prove(served=Answer(200, pem(certificate()), wait=1))


def test_certificate_that_is_too_large(prove):
    large = pem(certificate()) + b'#' * paypal_certificates.LARGEST
    refused(prove, 'bad_certificate', served=large)


def test_no_token_for_what_anybody_may_have(paypal_server, prove):
    prove()
    (call,) = paypal_server.calls
    assert 'Authorization' not in call.headers


def test_whoever_keeps_certificates_fetches_none_while_it_verifies(paypal_server, paypal_gateway):
    """Each forged notification may name another certificate at PayPal."""
    paypal_server.on('GET', PATH, Answer(200, pem(certificate())))
    url = f'{paypal_server.base}{PATH}'
    kept = {}
    with pytest.raises(CertificateNeeded) as needed:
        paypal_gateway.verify_event(BODY, signed(url=url), kept.get)
    assert not paypal_server.calls
    assert (needed.value.url, needed.value.test_mode) == (url, True)
    assert needed.value.api_base == paypal_server.base
    kept[url] = paypal_gateway.fetch_certificate(
        needed.value.url, needed.value.test_mode, needed.value.api_base
    )
    assert paypal_gateway.verify_event(BODY, signed(url=url), kept.get)
    assert len(paypal_server.calls) == 1
    # What is kept is looked at as what is fetched.
    for wrong in (b'', b'<html>', pem(certificate(['evil.example']))):
        kept[url] = wrong
        with pytest.raises((SignatureError, GatewayUnavailable)):
            paypal_gateway.verify_event(BODY, signed(url=url), kept.get)


def test_nothing_else_is_fetched(paypal_server):
    for url in HOSTILE:
        with pytest.raises(SignatureError):
            paypal_certificates.fetch(url, True, paypal_server.base)
    assert not paypal_server.calls


# === WHOSE IT IS === #


@pytest.mark.parametrize('days', [(-30, -1), (1, 30)])
def test_certificate_out_of_its_dates(prove, days):
    refused(prove, 'bad_certificate', served=pem(certificate(days=days)))


def test_certificate_that_ends_while_we_know_it(prove, monkeypatch):
    prove()

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return NOW + timedelta(days=31)

    monkeypatch.setattr(paypal_certificates, 'datetime', Later)
    refused(prove, 'bad_certificate')


@pytest.mark.parametrize(
    'name',
    [REAL_NAME, 'evil.example', f'{SANDBOX_NAME}.evil.example', f'x.{SANDBOX_NAME}', 'paypal.com'],
)
def test_the_sandboxs_name_is_its_own(prove, name):
    refused(prove, 'bad_certificate', served=pem(certificate([name])))


def test_certificate_that_vouches_for_itself(at_paypal, prove):
    refused(prove, 'bad_certificate', served=pem(certificate(by_itself=True)))
    with pytest.raises(SignatureError) as failure:
        at_paypal(pem(certificate([REAL_NAME], by_itself=True)))
    assert failure.value.code == 'bad_certificate'


def test_key_of_another_kind(prove):
    curve = ec.generate_private_key(ec.SECP256R1())
    refused(prove, 'bad_certificate', served=pem(certificate(key=curve)))
    weak = rsa.generate_private_key(65537, 1024)
    refused(prove, 'bad_certificate', key=weak, served=pem(certificate(key=weak)))


def test_what_is_no_certificate(prove):
    broken = b'-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    for served in (broken, pem(certificate()) + broken):
        refused(prove, 'bad_certificate', served=served)


@pytest.fixture
def at_paypal(monkeypatch, paypal_server):
    """Verify in PayPal's environments, where certificates and authorities are the arguments'."""

    def prove(served, authorities=b'', test_mode=False, tmp_path=None):
        monkeypatch.setattr(paypal_certificates, '_download', lambda _url: served)
        if authorities:
            (tmp_path / 'ca.pem').write_bytes(authorities)
            monkeypatch.setattr(
                paypal_certificates.certifi, 'where', lambda: str(tmp_path / 'ca.pem')
            )
        paypal_certificates._checked.cache_clear()
        headers = signed(url=f'{TEST if test_mode else LIVE}{PATH}')
        return paypal_events.verify(BODY, headers, 'WH-1', test_mode)

    return prove


@pytest.mark.parametrize('test_mode', [True, False])
@pytest.mark.parametrize(
    'names', [[REAL_NAME], ['other.example', 'a.b.paypal.com'], ['PayPal.com'], ['*.paypal.com']]
)
def test_names_of_paypal(at_paypal, names, test_mode):
    seen = at_paypal(pem(certificate(names)), test_mode=test_mode)
    assert seen.test_mode is test_mode


@pytest.mark.parametrize(
    'names',
    [
        ['evil.example'],
        ['paypal.com.evil.example'],
        ['evilpaypal.com'],
        ['paypal.co'],
        [SANDBOX_NAME],
    ],
)
def test_names_of_others(at_paypal, names):
    with pytest.raises(SignatureError) as failure:
        at_paypal(pem(certificate(names)))
    assert failure.value.code == 'bad_certificate'


def test_common_name_counts_where_there_is_no_other(at_paypal):
    assert at_paypal(pem(certificate(common_name=REAL_NAME)))
    with pytest.raises(SignatureError):
        at_paypal(pem(certificate(common_name='evil.example')))


@pytest.fixture(scope='module')
def chain():
    """A root, an intermediate, and PayPal's certificate under them."""
    keys = [rsa.generate_private_key(65537, 2048) for _number in range(2)]
    root = certificate(['Root'], keys[0], authority=True)
    middle = certificate(['Middle'], keys[1], issuer=root, issuer_key=keys[0], authority=True)
    leaf = certificate([REAL_NAME], issuer=middle, issuer_key=keys[1])
    return root, middle, leaf


def test_chain_to_an_authority(at_paypal, chain, tmp_path):
    root, middle, leaf = chain
    assert at_paypal(pem(leaf, middle), pem(root), tmp_path=tmp_path)
    assert at_paypal(pem(leaf, middle, root), pem(root), tmp_path=tmp_path)


def test_chain_to_nobody(at_paypal, chain, tmp_path):
    root, middle, leaf = chain
    other = certificate(['Root'], rsa.generate_private_key(65537, 2048), authority=True)
    alone = certificate([REAL_NAME])
    for served, authorities in (
        (pem(leaf, middle), pem(other)),
        (pem(leaf, middle, root), pem(other)),
        (pem(leaf, root), pem(root)),
        (pem(alone, middle), pem(root)),
    ):
        with pytest.raises(SignatureError) as failure:
            at_paypal(served, authorities, tmp_path=tmp_path)
        assert failure.value.code == 'bad_certificate'


def test_certificate_alone_is_proven_by_its_host(at_paypal, chain, tmp_path):
    """Its issuer cannot be followed offline: documented, and not pretended."""
    _root, _middle, leaf = chain
    other = certificate(['Root'], rsa.generate_private_key(65537, 2048), authority=True)
    assert at_paypal(pem(leaf), pem(other), tmp_path=tmp_path)


def test_the_real_authorities_can_be_read():
    """Those of `certifi`, which vouch for nothing of ours."""
    with pytest.raises(SignatureError):
        paypal_certificates._check_chain(certificate([REAL_NAME]), [certificate(['x'])])


def test_dates_as_older_libraries_tell_them():
    class Older:
        not_valid_before, not_valid_after = datetime(2026, 1, 1), datetime(2027, 1, 1)

    start, end = paypal_certificates._validity(Older())
    assert start == datetime(2026, 1, 1, tzinfo=timezone.utc) < end
