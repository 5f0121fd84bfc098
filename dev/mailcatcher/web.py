# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The page with the mails, and the same as JSON.

GET     /                          all mails
GET     /<number>                  one mail: HTML, plain text, attachments
GET     /<number>/html|text|raw    a part of it
GET     /<number>/file/<index>     an attachment
GET     /api/messages              all mails, newest last
GET     /api/messages/<number>     one mail with its bodies
DELETE  /api/messages[/<number>]   forget all, or one
"""

import json
from html import escape
from urllib.parse import quote

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

ROUTES = Map(
    [
        Rule('/', endpoint='list', methods=['GET']),
        Rule('/<int:number>', endpoint='show', methods=['GET']),
        Rule('/<int:number>/<any(html,text,raw):kind>', endpoint='part', methods=['GET']),
        Rule('/<int:number>/file/<int:index>', endpoint='file', methods=['GET']),
        Rule('/api/messages', endpoint='api_list', methods=['GET']),
        Rule('/api/messages/<int:number>', endpoint='api_show', methods=['GET']),
        Rule('/api/messages', endpoint='api_delete', methods=['DELETE']),
        Rule('/api/messages/<int:number>', endpoint='api_delete', methods=['DELETE']),
    ]
)
STYLE = """
body{font:15px/1.5 sans-serif;margin:24px;color:#1a1f36} a{color:#0a57d0}
table{border-collapse:collapse;width:100%} td,th{padding:6px 12px;text-align:left}
tr{border-bottom:1px solid #ddd} iframe{width:100%;height:70vh;border:1px solid #ccc}
pre{white-space:pre-wrap;background:#f6f8fa;padding:12px}
"""
# A mail is a stranger's page: no script, no form, and its links open beside it.
FRAME = 'allow-popups allow-popups-to-escape-sandbox'
MAIL_POLICY = f"default-src 'none'; img-src * data:; style-src 'unsafe-inline'; sandbox {FRAME}"


class Application:
    """The WSGI application.

    :param Mailbox mailbox: the mails.
    """

    def __init__(self, mailbox):
        self.mailbox = mailbox

    def __call__(self, environ, start_response):
        try:
            endpoint, values = ROUTES.bind_to_environ(environ).match()
            response = getattr(self, f'_{endpoint}')(Request(environ), **values)
        except HTTPException as error:
            response = error.get_response(environ)
        return response(environ, start_response)

    def _get(self, number):
        mail = self.mailbox.get(number)
        if not mail:
            raise NotFound()
        return mail

    # === PAGES === #

    @staticmethod
    def _page(title, body, refresh=''):
        head = f'<!DOCTYPE html><meta charset="utf-8"><title>{escape(title)}</title>{refresh}'
        return Response(f'{head}<style>{STYLE}</style>{body}', mimetype='text/html')

    def _list(self, _request):
        rows = ''.join(
            f'<tr><td>{mail.number}</td><td>{escape(", ".join(mail.recipients))}</td>'
            f'<td><a href="/{mail.number}">{escape(mail.subject) or "(no subject)"}</a></td>'
            f'<td>{escape(mail.header("Date"))}</td></tr>'
            for mail in reversed(self.mailbox.all())
        )
        body = (
            '<h1>Mails</h1><p>Every mail that Odoo sends ends here.'
            ' <a href="/api/messages">JSON</a></p>'
            '<table><tr><th>#</th><th>To</th><th>Subject</th><th>Date</th></tr>'
            f'{rows}</table>'
        )
        return self._page("Mails", body, '<meta http-equiv="refresh" content="5">')

    def _show(self, _request, number):
        mail = self._get(number)
        headers = ''.join(
            f'<tr><th>{name}</th><td>{escape(mail.header(name))}</td></tr>'
            for name in ('From', 'To', 'Reply-To', 'Date', 'Message-ID')
        )
        files = ''.join(
            f'<li><a href="/{number}/file/{index}">{escape(name)}</a> ({len(content):,} bytes)</li>'
            for index, (name, content) in enumerate(mail.attachments.items())
        )
        body = (
            f'<p><a href="/">All mails</a> · <a href="/{number}/html">HTML alone</a>'
            f' · <a href="/{number}/text">plain text</a> · <a href="/{number}/raw">source</a></p>'
            f'<h1>{escape(mail.subject)}</h1><table>{headers}</table><ul>{files}</ul>'
            f'<iframe sandbox="{FRAME}" src="/{number}/html" title="HTML"></iframe>'
            f'<h2>Plain text</h2><pre>{escape(mail.text)}</pre>'
        )
        return self._page(mail.subject, body)

    def _part(self, _request, number, kind):
        mail = self._get(number)
        if kind == 'raw':
            return Response(mail.source, content_type='text/plain; charset=utf-8')
        if kind == 'text':
            return Response(mail.text, content_type='text/plain; charset=utf-8')
        response = Response(f'<base target="_blank">{mail.html}', mimetype='text/html')
        response.headers['Content-Security-Policy'] = MAIL_POLICY
        return response

    def _file(self, _request, number, index):
        files = list(self._get(number).attachments.items())
        if index >= len(files):
            raise NotFound()
        name, content = files[index]
        is_pdf = content.startswith(b'%PDF')
        response = Response(
            content, mimetype='application/pdf' if is_pdf else 'application/octet-stream'
        )
        kind = 'inline' if is_pdf else 'attachment'
        response.headers['Content-Disposition'] = f"{kind}; filename*=UTF-8''{quote(name)}"
        return response

    # === JSON === #

    @staticmethod
    def _json(data):
        return Response(json.dumps(data, ensure_ascii=False), mimetype='application/json')

    @staticmethod
    def _summary(mail):
        return {
            'id': mail.number,
            'from': mail.header('From'),
            'to': mail.recipients,
            'subject': mail.subject,
            'date': mail.header('Date'),
            'message_id': mail.header('Message-ID'),
            'attachments': list(mail.attachments),
        }

    def _api_list(self, _request):
        return self._json([self._summary(mail) for mail in self.mailbox.all()])

    def _api_show(self, _request, number):
        mail = self._get(number)
        source = mail.source.decode(errors='replace')
        return self._json(
            {**self._summary(mail), 'html': mail.html, 'text': mail.text, 'source': source}
        )

    def _api_delete(self, _request, number=None):
        if number is not None:
            self._get(number)
        return self._json({'deleted': self.mailbox.remove(number)})
