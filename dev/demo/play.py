# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The play: what happens between a sign-up and a clearing account that is right to the cent."""

import traceback

from .. import console
from .paying import Paying
from .people import Administrator, Failure, Refused
from .reminding import Reminding
from .setting_up import SettingUp


class Play(SettingUp, Paying, Reminding):
    """All scenes, one after the other, over HTTP, SMTP and nothing else.

    :param str url: Odoo's address.
    :param str database: its database.
    :param sandbox: the client of the sandbox.
    :param mails: the mail catcher.
    :param bool webhooks: whether the sandbox notifies at all.
    """

    SCENES = (
        ('Set-up in four steps', 'set_up'),
        ('People and invoices', 'make_customers'),
        ('An invoice, paid from its own mail by card', 'invoice_by_card'),
        ('A declined card, then paid', 'declined_then_paid'),
        ('SEPA debit: pending, settled by a later webhook', 'sepa'),
        ('Webhooks off: the sweep books it', 'webhooks_off'),
        ('A reminder of three items, one unticked', 'reminder'),
        ('Who gets no button, and why', 'refusals'),
        ('A run with the previous balance', 'previous_balance'),
        ('Every event again, three times at once, in random order', 'redelivery'),
        ('The books against the sandbox', 'books'),
    )

    def __init__(self, url, database, sandbox, mails, webhooks=True):
        self.url = url
        self.sandbox = sandbox
        self.mails = mails
        self.webhooks = webhooks
        self.admin = Administrator(url, database)
        self.paid = []

    def run(self):
        """Play all scenes.

        :return: the number of scenes that failed.
        """
        failed = 0
        for title, scene in self.SCENES:
            console.say(f"\n{title}")
            try:
                getattr(self, scene)()
            except (Failure, Refused) as error:
                failed += 1
                console.say(f"   ✗ {error}")
            except Exception:
                failed += 1
                console.say(f"   ✗ {traceback.format_exc()}")
        console.say(f"\nThe play: {len(self.SCENES) - failed} scenes as designed, {failed} not.")
        return failed

    def say(self, fact):
        """Tell what was just seen."""
        console.say(f"   ✓ {fact}")
