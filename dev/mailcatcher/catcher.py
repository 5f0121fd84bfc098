# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The mail server and the web server, both on loopback only."""

import logging
import threading

from aiosmtpd.controller import Controller
from werkzeug.serving import make_server

from ..env.console import DevError
from .mailbox import Mailbox
from .web import Application

HOST = '127.0.0.1'


class MailCatcher:
    """Accepts every mail and lets nothing out: `with MailCatcher(…) as mails`.

    :param int smtp_port: where mails are delivered.
    :param int web_port: where a person looks at them.
    :param Path folder: where they are kept as a maildir as well, if anywhere.
    """

    def __init__(self, smtp_port, web_port, folder=None):
        self.smtp_port = smtp_port
        self.web_port = web_port
        self.url = f'http://{HOST}:{web_port}'
        self.mailbox = Mailbox(folder)
        self._controller = None
        self._web = None

    def __enter__(self):
        logging.getLogger('werkzeug').setLevel(logging.WARNING)
        logging.getLogger('mail.log').setLevel(logging.WARNING)
        try:
            self._web = make_server(HOST, self.web_port, Application(self.mailbox), threaded=True)
        except (OSError, SystemExit):
            raise DevError(f"Port {self.web_port} is taken: set MAIL_WEB_PORT") from None
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        self._controller = Controller(self, hostname=HOST, port=self.smtp_port)
        try:
            self._controller.start()
        except OSError:
            self._stop_web()
            raise DevError(f"Port {self.smtp_port} is taken: set MAIL_PORT") from None
        return self

    def __exit__(self, *_error):
        self._controller.stop(no_assert=True)
        self._stop_web()

    def _stop_web(self):
        self._web.shutdown()
        self._web.server_close()

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        """Keep a mail that was delivered."""
        self.mailbox.add(envelope.mail_from, envelope.rcpt_tos, envelope.content)
        return '250 OK'

    # === READING === #

    def find(self, address, after=0):
        """Return the mails to an address, oldest first.

        :param str address: a recipient's e-mail address.
        :param int after: leave out mails up to this number.
        """
        return [mail for mail in self.mailbox.all() if mail.number > after and mail.is_for(address)]

    @property
    def newest(self):
        """The number of the newest mail, 0 when there is none."""
        return max((mail.number for mail in self.mailbox.all()), default=0)
