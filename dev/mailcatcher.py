# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Catches every mail on this machine and shows it on a web page; nothing leaves."""

import email
import json
import threading
from email import policy
from html import escape

from aiosmtpd.controller import Controller
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response


class MailCatcher:
    """An SMTP server and a page with what it received, on loopback.

    :param int smtp_port: where Odoo delivers.
    :param int web_port: where a person looks.
    """

    def __init__(self, smtp_port, web_port):
        self.messages = []
        self.url = f'http://127.0.0.1:{web_port}'
        self._controller = Controller(self, hostname='127.0.0.1', port=smtp_port)
        self._web = make_server('127.0.0.1', web_port, self._application, threaded=True)

    def __enter__(self):
        self._controller.start()
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error):
        self._controller.stop()
        self._web.shutdown()

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        """Keep a message."""
        self.messages.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return '250 OK'

    # === READING === #

    def find(self, recipient, since=0):
        """Return the messages to a recipient, oldest first.

        :param str recipient: an e-mail address.
        :param int since: leave out as many messages, counted over all.
        """
        return [m for m in self.messages[since:] if recipient in str(m['To'])]

    @staticmethod
    def html(message):
        """Return the HTML part of a message."""
        part = message.get_body(('html',))
        return part.get_content() if part else ''

    @staticmethod
    def text(message):
        """Return the plain-text part of a message."""
        part = message.get_body(('plain',))
        return part.get_content() if part else ''

    # === THE PAGE === #

    def _application(self, environ, start_response):
        request = Request(environ)
        parts = request.path.strip('/').split('/')
        try:
            if parts == ['']:
                response = self._list()
            elif parts == ['api', 'messages']:
                response = self._json()
            else:
                response = self._message(int(parts[0]), parts[1] if len(parts) > 1 else '')
        except (ValueError, IndexError):
            response = NotFound().get_response(environ)
        return response(environ, start_response)

    def _list(self):
        rows = ''.join(
            f'<tr><td>{escape(str(m["To"]))}</td><td><a href="/{n}">{escape(str(m["Subject"]))}</a>'
            f'</td><td>{escape(str(m["Date"]))}</td></tr>'
            for n, m in reversed(list(enumerate(self.messages)))
        )
        return Response(
            '<!DOCTYPE html><meta charset="utf-8"><title>Mails</title><meta http-equiv="refresh"'
            ' content="5"><style>body{font-family:sans-serif}td{padding:6px 12px}</style>'
            f'<h1>Mails</h1><table>{rows}</table>',
            mimetype='text/html',
        )

    def _json(self):
        return Response(
            json.dumps(
                [
                    {'to': str(m['To']), 'subject': str(m['Subject']), 'html': self.html(m)}
                    for m in self.messages
                ]
            ),
            mimetype='application/json',
        )

    def _message(self, number, part):
        message = self.messages[number]
        if part == 'html':
            return Response(self.html(message), mimetype='text/html')
        if part == 'raw':
            return Response(message.as_bytes(), mimetype='text/plain')
        return Response(
            f'<!DOCTYPE html><meta charset="utf-8"><title>{escape(str(message["Subject"]))}</title>'
            f'<p><a href="/">All mails</a> · <a href="/{number}/raw">source</a></p>'
            f'<h2>{escape(str(message["Subject"]))}</h2><p>{escape(str(message["To"]))}</p>'
            f'<iframe src="/{number}/html" style="width:100%;height:80vh;border:1px solid #ccc">'
            f'</iframe><h3>Plain text</h3><pre>{escape(self.text(message))}</pre>',
            mimetype='text/html',
        )
