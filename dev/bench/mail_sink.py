# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A mail server that keeps nothing but whom it got which mail for, and is as slow as real ones."""

import asyncio
import collections
import email.parser
import logging
import re

from aiosmtpd.controller import Controller

from ..env import odoo

HOST = "127.0.0.1"
REMINDER = re.compile(r"<pay-now-reminder-([0-9]+)-")


class MailSink:
    """Counts mails by recipient and by Message-ID: `with MailSink(…) as sink`.

    :param float latency: seconds that it takes over a mail.
    """

    def __init__(self, latency=0.0):
        self.latency = latency
        self.port = odoo.free_port()
        self.recipients = collections.Counter()
        self.message_ids = collections.Counter()
        self._controller = None

    def __enter__(self):
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        self._controller = Controller(self, hostname=HOST, port=self.port)
        self._controller.start()
        return self

    def __exit__(self, *_error):
        self._controller.stop(no_assert=True)

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        """Take a mail; whoever hangs up before the answer has sent it all the same."""
        head = envelope.content.partition(b"\r\n\r\n")[0]
        headers = email.parser.BytesParser().parsebytes(head, headersonly=True)
        self.message_ids[headers["Message-ID"].strip()] += 1
        self.recipients.update(envelope.rcpt_tos)
        await asyncio.sleep(self.latency)
        return "250 OK"

    @property
    def twice(self):
        """How many customers got more than one mail, or one mail more than once."""
        return sum(count > 1 for count in (*self.recipients.values(), *self.message_ids.values()))

    @property
    def reminders(self):
        """How often each reminder arrived, by its id."""
        found = collections.Counter()
        for name, count in self.message_ids.items():
            if match := REMINDER.match(name):
                found[match[1]] += count
        return found

    @property
    def others_twice(self):
        """How many mails that are no reminders arrived more than once."""
        return sum(
            count > 1 for name, count in self.message_ids.items() if not REMINDER.match(name)
        )

    def forget(self):
        """Begin anew."""
        self.recipients.clear()
        self.message_ids.clear()
