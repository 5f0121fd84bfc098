# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The example of the documentation, as it stands there: nginx before two workers of Odoo."""

import base64
import datetime
import ipaddress
import os
import re
import socket
import ssl
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from requests.adapters import HTTPAdapter

from dev import settings
from dev.demo.people import Customer, wait_for
from dev.demo.play import Play
from dev.env import console, databases, nginx, odoo, postgres

DOCUMENT = settings.CHECKOUT / 'doc/operations.md'
HOST = 'erp.example.com'
EVENT = 'pay.now.event'
# Another address of this machine: what a client comes from.
CLIENT = '127.0.0.77'
BASE_URL = """
parameters = env['ir.config_parameter']
parameters.set_param('web.base.url', 'http://127.0.0.1:{port}')
parameters.set_param('web.base.url.freeze', 'True')
"""


class Internet(HTTPAdapter):
    """Knows where the company's host is, and connects from an address of its own."""

    def __init__(self, port):
        self.place = f'https://127.0.0.1:{port}'
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(CLIENT, 0), **kwargs)

    def send(self, request, **kwargs):
        request.url = request.url.replace(f'https://{HOST}', self.place, 1)
        request.headers['Host'] = HOST
        return super().send(request, **kwargs)


class Site:
    """The company's Odoo behind nginx, as the internet reaches it."""

    def __init__(self, folder, ports, log):
        self.folder, self.ports, self.log = folder, ports, log
        self.session = self.connect(requests.Session())

    def connect(self, session):
        """Let a session reach the host, through nginx."""
        internet = Internet(self.ports[443])
        session.trust_env = False
        session.verify = str(self.folder / 'odoo.pem')
        session.mount(f'https://{HOST}', internet)
        session.mount(internet.place, internet)
        return session

    def customer(self):
        customer = Customer()
        self.connect(customer._session)
        return customer

    def ask(self, method, path, **values):
        values = {'timeout': 60, 'allow_redirects': False, **values}
        return self.session.request(method, f'https://{HOST}{path}', **values)

    def proxy_log(self):
        names = ('odoo.log', 'odoo.error.log', 'start.log')
        return {name: (self.folder / name).read_text() for name in names}


def example():
    """Return the text of the example."""
    [text] = re.findall(r'^```nginx\n(.*?)^```$', DOCUMENT.read_text(), re.M | re.S)
    return text


def at(text, folder, ports):
    """Return the example with the ports and files of the test, and nothing else changed."""
    for known, own in (
        ('127.0.0.1:8069', f'127.0.0.1:{ports[8069]}'),
        ('127.0.0.1:8072', f'127.0.0.1:{ports[8072]}'),
        ('listen 80;', f'listen 127.0.0.1:{ports[80]};'),
        ('listen 443 ssl;', f'listen 127.0.0.1:{ports[443]} ssl;'),
        ('/etc/ssl/', f'{folder}/'),
        ('/var/log/nginx/', f'{folder}/'),
    ):
        assert known in text
        text = text.replace(known, own)
    return text


def sign_itself(folder):
    """Make a key and a certificate of the host and this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    addresses = x509.SubjectAlternativeName(
        [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(addresses, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / 'odoo.pem').write_bytes(certificate.public_bytes(pem))
    (folder / 'odoo.key').write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture(scope='module')
def served(sandbox_process, tmp_path_factory):
    """Give the site, and the play of a company that is connected to both providers."""
    program = nginx.ensure()
    if not program:
        pytest.skip("NOT TESTED: there is no nginx")
    folder = tmp_path_factory.mktemp('nginx')
    sign_itself(folder)
    sandbox_process.reset()
    sandbox_process.account(account=sandbox_process.account_id, currency='usd')
    sandbox_process.paypal.account(currency='USD')
    odoo.ensure()
    # The process of the websockets is started by the name of this file.
    entry = folder / 'odoo-bin'
    entry.write_text("import odoo.cli\n\nodoo.cli.main()\n")
    ports = {known: odoo.free_port() for known in (80, 443, 8069, 8072)}
    arguments = [
        '--workers=2',
        '--proxy-mode',
        '--max-cron-threads=1',
        f'--gevent-port={ports[8072]}',
    ]
    with postgres.server() as server, databases.temporary(server, databases.module(server)) as name:
        odoo.shell(server, name, BASE_URL.format(port=ports[8069]))
        log = console.log_file(name)
        with (
            odoo.serving(server, name, ports[8069], arguments=arguments, log=log, entry=(entry,)),
            nginx.serving(program, folder, at(example(), folder, ports), ports[443]),
        ):
            play = Play(f'http://127.0.0.1:{ports[8069]}', name, sandbox_process, None)
            play.set_up()
            play.make_customers()
            # From here on the world comes by nginx.
            play.admin.call('ir.config_parameter', 'set_param', 'web.base.url', f'https://{HOST}')
            for side in play.sides.values():
                side.client.webhooks(mode='held', copies=1, shuffle=False)
            yield Site(folder, ports, log), play


@pytest.fixture
def site(served):
    return served[0]


@pytest.fixture
def page(served):
    """An invoice, and the path of its pay page."""
    _site, play = served
    invoice, _name = play.invoice('pay', 120.00)
    url = urlsplit(play.admin.get('account.move', invoice, 'pay_now_url'))
    assert (url.scheme, url.netloc) == ('https', HOST)
    return invoice, url.path


class TestNginx:
    def test_a_page_over_https(self, site, page):
        _invoice, path = page
        answer = site.ask('GET', path)
        assert answer.status_code == 200
        assert '120' in answer.text
        assert answer.headers['Strict-Transport-Security']
        assert "frame-ancestors" in answer.headers['Content-Security-Policy']
        cookies = answer.headers.get('Set-Cookie', '')
        assert not cookies or 'secure' in cookies.lower()
        # Whoever forgets the s.
        plain = requests.get(
            f'http://127.0.0.1:{site.ports[80]}{path}',
            headers={'Host': HOST},
            allow_redirects=False,
            timeout=10,
        )
        assert plain.status_code == 301
        assert plain.headers['Location'] == f'https://{HOST}{path}'

    def test_the_address_of_the_client_is_the_real_one(self, site, page):
        _invoice, path = page
        site.ask('GET', f'{path}?who=real', headers={'X-Forwarded-For': '203.0.113.9'})
        lines = wait_for(
            "the line of the request",
            lambda: [line for line in site.log.read_text().splitlines() if 'who=real' in line],
        )
        assert all(CLIENT in line for line in lines), lines
        assert not any('203.0.113.9' in line for line in lines)
        assert CLIENT in site.proxy_log()['odoo.log']

    def test_paid_and_notified_through_it(self, site, served, page):
        _site, play = served
        stripe = play.sides['pay_now_stripe']
        _invoice, path = page
        customer = site.customer().open(f'https://{HOST}{path}').pay(stripe)
        # The provider sends the payer back to where the payer came from, by https.
        customer.press(stripe.agree)
        assert urlsplit(customer.url).path.startswith('/pay_now/')
        assert f':{site.ports[443]}/' in customer.url
        held = stripe.client.outbox()
        assert held
        for out in held:
            way = urlsplit(out['url']).path
            headers = out['headers']
            forged = out['body'].replace('"id"', '"ID"', 1).encode()
            answer = site.ask('POST', way, data=forged, headers=headers)
            assert answer.status_code in (401, 403)
            answer = site.ask('POST', way, data=out['body'].encode(), headers=headers)
            assert answer.status_code == 200
        done = [('source', '=', 'webhook'), ('state', '=', 'done')]
        wait_for("the notification", lambda: play.admin.search(EVENT, done, 'event_ref'))

    def test_a_websocket(self, site):
        # The process of the websockets may begin later than the others.
        wait_for("a websocket", lambda: self.open_websocket(site).startswith(b'HTTP/1.1 101'))

    def open_websocket(self, site):
        context = ssl.create_default_context(cafile=str(site.folder / 'odoo.pem'))
        lines = [
            'GET /websocket HTTP/1.1',
            f'Host: {HOST}',
            f'Origin: https://{HOST}',
            'Upgrade: websocket',
            'Connection: Upgrade',
            f'Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}',
            'Sec-WebSocket-Version: 13',
            '',
            '',
        ]
        with (
            socket.create_connection(('127.0.0.1', site.ports[443]), 20) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as secured,
        ):
            secured.sendall('\r\n'.join(lines).encode())
            return secured.recv(200)

    def test_big_bodies_are_refused(self, site, page):
        _invoice, path = page
        big = {'data': b'x' * (1 << 20 | 1), 'headers': {'Content-Type': 'application/json'}}
        assert site.ask('POST', '/pay_now/webhook/1', **big).status_code == 413
        small = {'data': b'x' * (65 << 10)}
        assert site.ask('POST', path, **small).status_code == 413

    def test_one_address_is_slowed_down_and_no_token_is_in_a_log(self, site, page):
        _invoice, path = page
        token = path.rsplit('/', 1)[1]
        answers = {site.ask('GET', path).status_code for _number in range(60)}
        assert answers == {200, 429}
        # The providers are not.
        webhook = {site.ask('POST', '/pay_now/webhook/1').status_code for _number in range(40)}
        assert 429 not in webhook
        logs = site.proxy_log()
        assert '/pay_now/invoice/' in logs['odoo.log']
        assert '***' in logs['odoo.log']
        for name, text in logs.items():
            assert token not in text, name
