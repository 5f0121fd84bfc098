# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The play: what happens between a sign-up and a clearing account that is right to the cent."""

import time
import traceback

from .. import console
from .books import Books
from .paying import Paying
from .people import Failure, Refused
from .reminding import Reminding
from .setting_up import SettingUp


class Play(SettingUp, Paying, Reminding, Books):
    """All scenes, one after the other, over HTTP, SMTP and nothing else."""

    #: Without these none of the others can be played.
    ESSENTIAL = ('set_up', 'make_customers')
    SCENES = (
        ("The ground: mail server and address", 'ground'),
        ("Set-up in four steps", 'set_up'),
        ("Customers", 'make_customers'),
        ("An invoice, paid from its own mail by card", 'invoice_by_card'),
        ("A reminder of three items, one unticked", 'reminder'),
        ("SEPA debit: pending, settled by a later webhook", 'sepa'),
        ("A declined card, then paid", 'declined_then_paid'),
        ("Webhooks off: the sweep books it", 'webhooks_off'),
        ("A customer without e-mail", 'no_email'),
        ("An invoice in a foreign currency", 'foreign_currency'),
        ("A customer who usually pays by cheque", 'usual_method'),
        ("A run with the previous balance", 'previous_balance'),
        ("Every notification again, three times at once, in random order", 'redelivery'),
        ("Nothing left to handle", 'nothing_to_handle'),
        ("The books against the sandbox", 'books'),
    )

    def run(self):
        """Play all scenes.

        :return: the number of scenes that failed.
        """
        started = time.monotonic()
        failed = []
        for title, scene in self.SCENES:
            console.say(f"\n{title}")
            if not self._play(scene):
                failed.append(title)
                if scene in self.ESSENTIAL:
                    console.say("   ✗ the other scenes need this one: not played")
                    break
        seconds = time.monotonic() - started
        verdict = f"{len(failed)} FAILED: {'; '.join(failed)}" if failed else "all as designed"
        console.say(f"\nThe play: {len(self.SCENES)} scenes in {seconds:.0f} s, {verdict}.")
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
