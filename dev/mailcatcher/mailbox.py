# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The mails received, in memory and, when wanted, in a folder."""

import email
import itertools
import mailbox
import threading
from email import policy
from email.utils import getaddresses


class Mail:
    """One mail as it came in.

    :param int number: its number, never used again for another one.
    :param str sender: the address the mail server was told.
    :param list recipients: the addresses the mail server was told.
    :param bytes source: everything, headers first.
    """

    def __init__(self, number, sender, recipients, source):
        self.number = number
        self.sender = sender
        self.recipients = recipients
        self.source = source
        self.message = email.message_from_bytes(source, policy=policy.default)

    def header(self, name):
        """Return a header as a text, empty when it is not there."""
        return str(self.message[name] or '')

    @property
    def subject(self):
        """What it is about."""
        return self.header('Subject')

    @property
    def html(self):
        """The part that mail programs show."""
        return self._body('html')

    @property
    def text(self):
        """The part for those that show no HTML."""
        return self._body('plain')

    def _body(self, kind):
        part = self.message.get_body((kind,))
        return part.get_content() if part else ''

    @property
    def attachments(self):
        """The files attached, by name: `{name: bytes}`."""
        return {
            part.get_filename() or f'part-{index}': part.get_payload(decode=True) or b''
            for index, part in enumerate(self.message.iter_attachments())
        }

    def is_for(self, address):
        """Tell whether it was delivered to an address, or names it as a recipient."""
        named = getaddresses([self.header('To'), self.header('Cc')])
        return address in self.recipients or address in [one for _name, one in named]


class Mailbox:
    """All mails, oldest first; safe to be used by several threads.

    :param Path folder: where they are kept as a maildir as well, if anywhere.
    """

    def __init__(self, folder=None):
        self._lock = threading.Lock()
        self._mails = {}
        self._numbers = itertools.count(1)
        self._folder = folder and mailbox.Maildir(folder, create=True)

    def add(self, sender, recipients, source):
        """Keep a mail and return it."""
        with self._lock:
            mail = Mail(next(self._numbers), sender, recipients, source)
            self._mails[mail.number] = mail
            if self._folder is not None:
                self._folder.add(source)
        return mail

    def all(self):
        """Return all mails, oldest first."""
        with self._lock:
            return list(self._mails.values())

    def get(self, number):
        """Return a mail by its number, or None."""
        return self._mails.get(number)

    def remove(self, number=None):
        """Forget a mail, or all of them.

        :return: how many were forgotten.
        """
        with self._lock:
            if number is None:
                count = len(self._mails)
                self._mails.clear()
                return count
            return int(self._mails.pop(number, None) is not None)
