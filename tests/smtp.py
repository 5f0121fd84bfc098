# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A mail server on loopback that says what a test wants it to say, when it wants it."""

import collections
import contextlib
import socketserver
import threading
from unittest.mock import patch

from odoo.addons.base.models.ir_mail_server import IrMail_Server

OK = '250 2.0.0 OK'
#: Hangs up without an answer.
HANG_UP = None


class _Dialogue(socketserver.StreamRequestHandler):
    """One connection. See RFC 5321."""

    def handle(self):
        self.taken, self.recipients = 0, []
        if not self._answer('CONNECT', '220 mail.example.com'):
            return
        while line := self.rfile.readline():
            command, _space, argument = line.decode().strip().partition(' ')
            command = command.upper()
            if command == 'QUIT':
                self._say('221 Bye')
                return
            if not self._command(command, argument):
                return

    def _command(self, command, argument):
        """Answer one command; return whether to go on."""
        if command in ('MAIL', 'RSET'):
            self.recipients = []
        if command == 'RCPT':
            self.recipients.append(argument.partition('<')[2].partition('>')[0])
        if command != 'DATA':
            return self._answer(command, OK)
        if not self._answer('DATA', '354 Go on'):
            return False
        if self.said.startswith('354'):
            while self.rfile.readline().rstrip(b'\r\n') != b'.':
                pass
            going_on = self._answer('CONTENT', OK)
            if self.said == OK:
                self.taken += 1
                self.server.mails.update(self.recipients)
            self.recipients = []
            return going_on
        return True

    def _answer(self, step, usual):
        self.server.steps[step] += 1
        answer = self.server.script(step, self)
        self.said = usual if answer is True else answer or ''
        if answer is HANG_UP:
            return False
        self._say(self.said)
        return not self.said.startswith('421')

    def _say(self, text):
        with contextlib.suppress(OSError):
            self.wfile.write(f'{text}\r\n'.encode())


class ScriptedServer(socketserver.ThreadingTCPServer):
    """A mail server: `with ScriptedServer() as server`.

    `script(step, dialogue)` is asked at each `CONNECT`, command, and `CONTENT` (the end of a mail):
    True for the usual answer, a line of its own, or `HANG_UP`. `mails` counts the recipients of
    what was taken, `steps` what was asked.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Dialogue)
        self.mails, self.steps = collections.Counter(), collections.Counter()
        self.works()

    @property
    def port(self):
        return self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        return super().__exit__(*error)

    def works(self):
        self.script = lambda _step, _dialogue: True

    def says(self, step, answer, to=None):
        """Give one answer at one step: always, or where a mail is to somebody.

        :param str step: see the class.
        :param str answer: or `HANG_UP`.
        :param str to: one of the recipients.
        """

        def script(asked, dialogue):
            return answer if asked == step and (not to or to in dialogue.recipients) else True

        self.script = script


def really_sending():
    """Return a context in which Odoo connects to its mail servers, as it does not in tests."""
    return patch.object(IrMail_Server, '_disable_send', lambda _self: False)
