# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What strangers send over HTTP: hostile inputs at every public address, from a seed.

Nothing of what is sent may succeed: a form with the attacker's own token names foreign items or no
provider; where all that was sent could be right, it is not sent.
"""

import contextlib
import http.client
import json
from urllib.parse import quote, urlencode

from .report import Report

#: What a public address answers; a session that ended leads to the log-in.
ALLOWED = {200, 204, 303, 400, 403, 404, 405, 429}
#: The providers are answered by a status alone.
MACHINES = '/pay_now/webhook/'
BOUNDARY = 'x-attack'
FORM = 'application/x-www-form-urlencoded'
METHODS = ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'GET', 'POST', 'PROPFIND']
TYPES = [
    'application/json', 'text/xml', 'multipart/form-data', '', 'x', 'text/plain; charset=utf-7',
    f'{FORM}; charset=x', 'multipart/form-data; boundary=', 'application/json-rpc', '\xe9/\xe9',
]  # fmt: skip
#: As they stand in an address.
SEGMENTS = [
    '²', '-1', '0', '9' * 5000, '9' * 9, '1e5', '1.0', ' 1', '1%0A', '%00', '1%00', '%ff%fe', 'é',
    '%ED%A0%80', '%C0%AF', '%E2%80%AE', '%0d%0aX-A:b', '..', '.', '%2e%2e', '%2F', '%', '%zz',
    '%u0041', "'", '%22%3E%3Cscript%3E', '{{7*7}}', '%24%7B7*7%7D', "1'%20OR%201=1--", '0x1',
    '%F0%9F%92%B6', 'A' * 3000, '1;1', '1%3B', '%5C', '~', '*', '1,2', '[]', 'admin', '%09', '%20',
]  # fmt: skip
#: As they stand in a form.
VALUES = [
    '²', '٣', '-1', '0', '9' * 400, '9' * 5000, '1e308', 'nan', 'inf', '-0', '1,,2', '\0', '1\0',
    'é', '\ud800'.encode('utf-8', 'surrogatepass'), b'\xff\xfe', "'; DROP TABLE x; --", '${7*7}',
    '{{7*7}}', '<script>alert(1)</script>', 'a@b.example\nBcc: c@d.example', '2026-02-30',
    '0000-00-00', ' ' * 999,
    '\u202e\u2028', 'A' * 9000, '../../etc/passwd', 'None', '[]', '{}', '1;2', '%0a', '٢٠٢٦-٠١-٠١',
    '10000-01-01', '1 234,50', '💶' * 50, '=cmd()', '@SUM(1)', '1' + '0' * 30,
]  # fmt: skip
FIELDS = [
    'item', 'provider_id', 'amount', 'email', 'update', 'answer', 'paid_on', 'promised_on',
    'plan', 'plan_parts', 'plan_rhythm', 'plan_seen',
    'problem', 'lang', 'token', 'kind', 'document_id', 'csrf_token', 'self', 'context',
    'no_such_field',
]  # fmt: skip


class Generator:
    """Makes requests, each as (kind, method, path, headers, body)."""

    def __init__(self, rng, world):
        self.rng = rng
        self.world = world
        self.own = world['attacker']
        self.kinds = [
            self.address, self.address, self.document, self.document, self.form, self.form,
            self.form, self.multipart, self.typed, self.method, self.query, self.webhook,
            self.session,
        ]  # fmt: skip

    def __iter__(self):
        while True:
            yield self.rng.choice(self.kinds)()

    def segment(self):
        """Return one part of an address: hostile, or an id that there may be."""
        victim = self.world['victim']
        known = [*victim['moves'], *victim['items'], victim['tx'], self.world['provider'], 1]
        return str(self.rng.choice(known)) if self.rng.random() < 0.3 else self.rng.choice(SEGMENTS)

    def value(self):
        """Return one value of a form; what there is of others among them."""
        if self.rng.random() < 0.3:
            victim = self.world['victim']
            return str(
                self.rng.choice([*victim['items'], *victim['moves'], self.world['provider']])
            )
        return self.rng.choice(VALUES)

    def page(self):
        """Return an address of the attacker's own."""
        return self.rng.choice(self.own['pages'])

    def near(self):
        """Return a token that is almost one."""
        token = self.page().rsplit('/', 1)[1]
        place = self.rng.randrange(len(token))
        return self.rng.choice(
            [token[:place], token[::-1], f'{token}x', f'{token[:place]}%00', 'é']
        )

    def address(self):
        """Any address below ours."""
        rng = self.rng
        first = rng.choice(
            ['invoice', 'reminder', 'statement', 'account', 'plan', 'trial', 'checkout', 'return',
             'cancel', 'result', 'onboarding', 'overdue', 'webhook', 'x', self.segment()]
        )  # fmt: skip
        parts = [first, *(self.segment() for _part in range(rng.randrange(4)))]
        if rng.random() < 0.5:
            parts.append(
                rng.choice(
                    ['pay', 'answer', 'opened', 'qr', 'pdf/1', 'return', 'refresh', '', 'x', '2']
                )
            )
        method = rng.choice(['GET', 'GET', 'POST', 'HEAD'])
        body = urlencode({'a': 'b'}) if method == 'POST' else None
        return ('address', method, f'/pay_now/{"/".join(parts)}', {'Content-Type': FORM}, body)

    def document(self):
        """A document there is, with a token that is none of it."""
        rng = self.rng
        victim = self.world['victim']
        kind, number = rng.choice(
            [('invoice', rng.choice(victim['moves'])), ('result', victim['tx']),
             ('checkout', victim['tx']), ('return', victim['tx']), ('cancel', victim['tx']),
             ('reminder', 1), ('statement', 1), ('trial', 1), ('account', 1), ('plan', 1),
             ('invoice', 2**31 - 1)]
        )  # fmt: skip
        path = f'/pay_now/{kind}/{number}/{rng.choice([self.near(), self.segment()])}'
        some = '-'.join(str(one) for one in rng.sample(victim["moves"], 1))
        tail = rng.choice(['', '', '/pay', '/answer', '/plan', '/opened',
                           f'/transfer?items={some}', f'/qr?account=1&items={some}',
                           f'/pdf/{rng.choice(victim["moves"])}',
                           f'/print/{rng.choice(victim["moves"])}'])  # fmt: skip
        posts = ('/pay', '/answer', '/plan', '/opened', '/print')
        method = 'POST' if tail.startswith(posts) else 'GET'
        return ('document', method, f'{path}{tail}', {'Content-Type': FORM}, 'item=1')

    def fields(self):
        """Return the values of a form that cannot be right: never one's own items."""
        rng = self.rng
        pairs = [(rng.choice(FIELDS), self.value()) for _field in range(rng.randrange(1, 8))]
        own = {str(number) for number in self.own['items']}
        return [(name, value) for name, value in pairs if value not in own]

    def form(self):
        """The attacker's own page, with a hostile form."""
        # Of its own invoices it may have the PDFs made.
        others = self.rng.choice(self.world['victim']['moves'])
        tail = self.rng.choice(['pay', 'answer', 'plan', 'pay', 'opened', f'print/{others}'])
        body = urlencode(self.fields()).encode()
        if self.rng.random() < 0.1:
            body = self.rng.choice(
                [b'', b'%', b'&&&=', b'%zz=%zz', b'item', b'\xff' * 50, b'a=' * 9000]
            )
        elif self.rng.random() < 0.02:
            body = b'problem=' + b'x' * (1 << 19)
        return ('form', 'POST', f'{self.page()}/{tail}', {'Content-Type': FORM}, body)

    def multipart(self):
        """Files in place of text, and what only begins as a form of several parts."""
        lines = []
        for name, value in self.fields():
            value = value if isinstance(value, bytes) else value.encode('utf-8', 'replace')
            file = self.rng.choice(
                ['', '; filename="a.txt"', '; filename="../\xe9"', '; filename=']
            )
            head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
            lines.append(head.encode() + value + b'\r\n')
        body = b''.join(lines) + f'--{BOUNDARY}--\r\n'.encode()
        body = body[: self.rng.choice([len(body), len(body) // 2, 3, 0])]
        path = f'{self.page()}/{self.rng.choice(["pay", "answer"])}'
        content = f'multipart/form-data; boundary={self.rng.choice([BOUNDARY, "other", ""])}'
        return ('multipart', 'POST', path, {'Content-Type': content}, body)

    def typed(self):
        """A body of another type than it says."""
        body = self.rng.choice(
            [
                json.dumps({'jsonrpc': '2.0', 'params': {'item': [1]}}),
                '[' * 3000,
                '{}',
                '<a/>',
                'null',
                '',
            ]
        )
        path = self.rng.choice([f'{self.page()}/pay', f'{self.page()}/answer', self.page()])
        return ('content type', 'POST', path, {'Content-Type': self.rng.choice(TYPES)}, body)

    def method(self):
        """Addresses that there are, opened in another way."""
        path = self.rng.choice(
            [self.page(), f'{self.page()}/pay', f'{self.page()}/answer', self.own['result'],
             f'{self.page()}/pdf/{self.own["moves"][0]}', '/pay_now', '/pay_now/overdue/1']
        )  # fmt: skip
        return ('method', self.rng.choice(METHODS), path, {}, None)

    def query(self):
        """A page with a hostile query."""
        pairs = [
            (self.rng.choice([*FIELDS, 'noted', 'canceled']), self.value()) for _one in range(3)
        ]
        query = self.rng.choice(
            [urlencode(pairs), '%', '%zz=%ff', '&' * 500, 'a' * 4000, '=', '%00=%00']
        )
        path = self.rng.choice([self.page(), self.own['result']])
        return ('query', 'GET', f'{path}?{query}', {}, None)

    def webhook(self):
        """A notification that nobody signed."""
        rng = self.rng
        number = rng.choice([str(self.world['provider']), self.segment()])
        path = rng.choice(
            [f'{number}', f'{number}/2', 'platform/stripe', f'platform/{self.segment()}']
        )
        event = json.dumps({'id': 'evt_1', 'type': 'x' * 999})
        body = rng.choice(
            [b'{}', b'', b'[' * 5000, b'\xff', event, b'{"id":{}}', b'{"id": "\\ud800"}', b'null']
        )
        headers = {'Content-Type': 'application/json'}
        if rng.random() < 0.5:
            stamp = rng.choice(['1', '9' * 400, '²', 'x', '-1'])
            headers['Stripe-Signature'] = f't={stamp},v1={rng.choice(["0" * 64, "x", ""])}'
        return ('webhook', 'POST', f'{MACHINES}{path}', headers, body)

    def session(self):
        """Cookies and protections of a session that there is not."""
        rng = self.rng
        headers = {
            'Cookie': f'session_id={rng.choice(["x", "0" * 84, "a" * 5000, quote("é"), "../x"])}',
            'Content-Type': FORM,
            'Accept-Language': rng.choice(['fr', 'xx-YY', 'fr;q=x', '*', ',' * 500, 'en;q=9999']),
        }
        if rng.random() < 0.5:
            return ('session', 'POST', '/pay_now/overdue/1', headers, 'csrf_token=x')
        path = rng.choice([f'{self.page()}x', self.page(), '/pay_now/overdue/1'])
        return ('session', 'GET', path, headers, None)


class Client:
    """Sends requests as they are, each by a connection of its own: others wait for the worker."""

    def __init__(self, host, port, cookie=''):
        self.address = host, port
        self.cookie = cookie

    def send(self, method, path, headers, body):
        """Return status, headers and body of the answer."""
        body = body.encode('utf-8', 'replace') if isinstance(body, str) else body
        path = quote(path, safe="/%?=&;:@!$'()*+,~[]{}|^\\`<>#-._").replace('#', '%23')
        path = path.replace(' ', '%20')
        headers = {name: value.encode('utf-8') for name, value in headers.items()}
        if self.cookie:
            cookie = headers.get('Cookie', b'')
            headers['Cookie'] = b'; '.join(filter(None, [cookie, self.cookie.encode()]))
        headers['Connection'] = b'close'
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                # Who sends too much is answered before all of it was read.
                connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, str(answer.headers), answer.read()
        finally:
            connection.close()


def attack(client, requests, world):
    """Send some requests and judge what came of each.

    :param Client client: who sends them.
    :param requests: of a `Generator`.
    :rtype: Report
    """
    report = Report()
    secrets = world['secrets']['keys'] + world['secrets']['tokens']
    for kind, method, path, headers, body in requests:
        report.kinds[kind] += 1
        what = f'{method} {path[:120]} {str(body)[:120]}'
        try:
            status, heads, content = client.send(method, path, headers, body)
        except Exception as error:  # noqa: BLE001 - a server that is gone, too, is an answer
            report.errors.append(f'{what}: {error!r}')
            continue
        report.results[status] += 1
        allowed = ALLOWED | {413} if path.startswith(MACHINES) else ALLOWED
        if status not in allowed:
            report.errors.append(f'{status} {what}')
        elif status >= 400 and method != 'HEAD' and not _is_ours(path, content):
            report.bare.append(f'{what}: {status} {content[:80]}')
        text = heads + content.decode('utf-8', 'replace')
        report.leaks += [f'{what}: {secret[:6]}…' for secret in secrets if secret in text]
    return report


def _is_ours(path, content):
    """Tell whether an error has a page of ours; providers read the status alone."""
    return path.startswith(MACHINES) or b'account_pay_now/static/src/css' in content
