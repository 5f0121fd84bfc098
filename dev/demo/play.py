# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The play: what happens between a sign-up and a clearing account that is right to the cent."""

import time
import traceback

from ..env import console
from .books import Books
from .other_ways import OtherWays
from .paying import Paying
from .people import Failure, Refused
from .reminding import Reminding
from .setting_up import SettingUp
from .sides import PayPalSide, StripeSide

STRIPE, PAYPAL = StripeSide.code, PayPalSide.code


class Play(SettingUp, Paying, Reminding, OtherWays, Books):
    """All scenes, one after the other, over HTTP, SMTP and nothing else."""

    #: Without these none of the others can be played.
    ESSENTIAL = ('set_up', 'make_customers')
    SCENES = (
        ("The ground: mail server and address", 'ground', None),
        ("Set-up in four steps", 'set_up', None),
        ("Customers", 'make_customers', None),
        ("An invoice, paid from its own mail by card", 'invoice_paid', STRIPE),
        ("An invoice, paid from its own mail with PayPal", 'invoice_paid', PAYPAL),
        ("A reminder of three items, one unticked", 'reminder', STRIPE),
        ("A reminder of three items, one unticked, with PayPal", 'reminder', PAYPAL),
        ("SEPA debit: pending, settled by a later webhook", 'pending', STRIPE),
        ("PayPal from a bank account: pending, settled by a later webhook", 'pending', PAYPAL),
        ("A declined card, then paid", 'declined_then_paid', STRIPE),
        ("PayPal declines the source chosen, then paid", 'declined_then_paid', PAYPAL),
        ("Webhooks off: the sweep books it", 'webhooks_off', STRIPE),
        ("PayPal, webhooks off: the sweep takes and books it", 'webhooks_off', PAYPAL),
        ("From one provider to the other, and back", 'switching', None),
        ("A customer without e-mail", 'no_email', None),
        ("An invoice in a foreign currency", 'foreign_currency', None),
        ("A customer who usually pays by cheque", 'usual_method', None),
        ("A run with the previous balance", 'previous_balance', None),
        ("A bank transfer that finds its invoices by its reference", 'transfer', None),
        ("A payment plan: asked for, accepted, its first part paid", 'plan', STRIPE),
        ("A statement of account, paid with PayPal", 'statement', PAYPAL),
        ("A reminder that states interest and the indemnity", 'interest', None),
        ("An invoice downloaded, paid from its pay notice", 'notice', STRIPE),
        ("A card payment refunded in Odoo, in part", 'refund', STRIPE),
        ("A PayPal payment refunded in Odoo, in part", 'refund', PAYPAL),
        ("Every notification again, three times at once, in random order", 'redelivery', None),
        ("Nothing left to handle", 'nothing_to_handle', None),
        ("The books against the sandbox", 'books', None),
    )

    def run(self, only=None):
        """Play all scenes.

        :param only: the names of the scenes to play; all without it.
        :return: the number of scenes that failed.
        """
        started = time.monotonic()
        failed = []
        scenes = [one for one in self.SCENES if not only or one[1] in only]
        for title, scene, provider in scenes:
            console.say(f"\n{title}")
            self.side = self.sides.get(provider)
            if not self._play(scene):
                failed.append(title)
                if scene in self.ESSENTIAL:
                    console.say("   ✗ the other scenes need this one: not played")
                    break
        seconds = time.monotonic() - started
        verdict = f"{len(failed)} FAILED: {'; '.join(failed)}" if failed else "all as designed"
        console.say(f"\nThe play: {len(scenes)} scenes in {seconds:.0f} s, {verdict}.")
        return len(failed)

    def _play(self, scene):
        """Play one scene and tell whether it ended as it should."""
        try:
            getattr(self, scene)()
        except (Failure, Refused) as error:
            console.say(f"   ✗ {error}")
        except Exception:  # noqa: BLE001 - whatever it is, the next scene is still worth seeing
            console.say(f"   ✗ {traceback.format_exc()}")
        else:
            return True
        return False
