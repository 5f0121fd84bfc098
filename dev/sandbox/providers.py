# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The providers of one sandbox: they share the time, the state file and every new beginning."""

import json
import threading

from .common.store import clock
from .paypal.app import PayPalApplication
from .stripe.app import StripeApplication


class Providers:
    """Everything that runs in one process."""

    def __init__(self):
        self.lock = threading.RLock()
        self.stripe = StripeApplication(self)
        self.paypal = PayPalApplication(self)
        self.all = {'stripe': self.stripe, 'paypal': self.paypal}
        #: The snapshot: `ahead` and name -> what its store knew.
        self.kept = None

    def addresses(self):
        """Return where each provider is: name -> address."""
        return {name: app.store.base for name, app in self.all.items()}

    def reset(self):
        """Forget everything."""
        clock.ahead = 0
        for app in self.all.values():
            app.webhooks.forget()
            app.store.reset()

    def snapshot(self):
        """Remember how everything is. The caller holds the lock."""
        stores = {name: app.store.snapshot() for name, app in self.all.items()}
        self.kept = {'ahead': clock.ahead, **stores}

    def roll_back(self):
        """Make everything as it was at the snapshot. The caller holds the lock.

        What was held back then is signed anew, as if it was sent now.
        """
        clock.ahead = self.kept['ahead']
        for name, app in self.all.items():
            app.webhooks.forget()
            app.store.roll_back(self.kept[name])
            app.webhooks.sign_again()

    def advance(self, seconds):
        """Let time pass, and happen what was due meanwhile."""
        clock.ahead += seconds
        self.tick()

    def tick(self):
        """Do what time has brought, without anybody having asked."""
        for app in self.all.values():
            app.payments.tick()

    def load(self, path):
        """Take over the accounts of an earlier run, if there was one.

        :param pathlib.Path path: what `save` wrote.
        """
        if not path.exists():
            return
        saved = json.loads(path.read_text())
        clock.ahead = saved['ahead']
        for name, app in self.all.items():
            app.store.restore(saved[name])

    def save(self, path):
        """Keep the accounts for a later run."""
        with self.lock:
            kept = {name: app.store.saved() for name, app in self.all.items()}
            text = json.dumps({'ahead': clock.ahead, **kept})
        # Whole or not at all: the process may be told to end once more while it writes.
        partial = path.with_suffix('.part')
        partial.write_text(text)
        partial.replace(path)
