# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Payers with browsers, and the merchant at the screens of Odoo and of the providers.

They do what people do when a page does not come: wait a little, and begin again.
"""

import contextlib
import time
from urllib.parse import parse_qs, urlsplit

import requests
from lxml import html

from ..demo.people import Administrator, Refused

#: What a payer may do, and how often: each is a method of `Payer`.
MANNERS = {
    "plain": 40,
    "never_returns": 20,
    "declined_first": 8,
    "pays_later": 8,
    "changes_provider": 8,
    "two_windows": 8,
    "clicks_twice": 8,
}
#: Seconds that an answer is waited for, and that somebody goes on trying.
PATIENCE = 40
TRIES_SECONDS = 120


class GaveUp(Exception):
    """Somebody tried for so long that something must be wrong."""


class Payer:
    """Pays one invoice, once, whatever happens meanwhile.

    :param dict invoice: its `id`, `url` and `amount`.
    :param dict sides: code -> `dev.demo.sides.Side`.
    :param random.Random rng: how this one is.
    """

    def __init__(self, invoice, sides, rng):
        self.invoice, self.sides, self.rng = invoice, sides, rng
        self.code = rng.choice(sorted(sides))
        self.manner = rng.choices(list(MANNERS), MANNERS.values())[0]
        #: The page on which the payer agreed.
        self.hosted = None
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def side(self):
        return self.sides[self.code]

    def pay(self):
        """Pay.

        :return: the provider's code.
        :raise GaveUp: it cannot be done.
        """
        end = time.monotonic() + TRIES_SECONDS
        while time.monotonic() < end:
            # A page that does not come, or is none: the same again a moment later.
            with contextlib.suppress(requests.RequestException, _Again):
                back = getattr(self, f"_{self.manner}")()
                if self.manner != "never_returns":
                    self._return(back)
                return self.code
            time.sleep(self.rng.uniform(0.2, 1.5))
        raise GaveUp(f"{self.manner} at {self.code}, invoice {self.invoice['id']}")

    # === MANNERS === #

    def _plain(self):
        return self._agree(self._begin(), self.side.agree)

    _never_returns = _plain

    def _declined_first(self):
        hosted = self._begin()
        back = self._press(hosted, self.side.declined)
        # At PayPal nobody knows it before the money is asked for.
        if back:
            self._return(back)
            self.manner = "pays_after_decline"
            raise _Again
        return self._agree(hosted, self.side.agree)

    def _pays_after_decline(self):
        return self._agree(self._begin(), self.side.agree)

    def _pays_later(self):
        return self._agree(self._begin(), self.side.later)

    def _changes_provider(self):
        self._begin()
        self.code = next(code for code in sorted(self.sides) if code != self.code)
        self.manner = "plain"
        return self._plain()

    def _two_windows(self):
        first = self._begin()
        second = self._begin()
        return self._agree(self.rng.choice([first, second]), self.side.agree)

    def _clicks_twice(self):
        path = self._click()
        self._click()
        return self._agree(self._checkout(path), self.side.agree)

    # === STEPS === #

    def _begin(self):
        """Open the page, choose the provider; return where the payer lands."""
        return self._checkout(self._click())

    def _click(self):
        """Press the button of the page; return where the checkout is opened."""
        page = self._get(self.invoice["url"])
        form = html.fromstring(page.content)
        items = form.xpath('//form//input[@name="item"][not(@disabled)]/@value')
        if not items:
            # Nothing to pay, and nobody has paid: look again.
            raise _Again
        answer = self._session.post(
            f"{self.invoice['url'].partition('#')[0]}/pay",
            data={"provider_id": self.side.provider_id, "item": items},
            allow_redirects=False,
            timeout=PATIENCE,
        )
        if answer.status_code != 303:
            raise _Again
        return requests.compat.urljoin(answer.url, answer.headers["Location"])

    def _checkout(self, url):
        answer = self._get(url, allow_redirects=False)
        target = answer.headers.get("Location", "")
        if not target.startswith(self.side.client.api_base):
            raise _Again
        return target

    def _agree(self, hosted, method):
        """Agree on the provider's page; return where the browser is sent to."""
        back = self._press(hosted, method)
        if not back:
            raise _Again
        self.hosted = hosted.partition("#")[0]
        return back

    def _press(self, hosted, method):
        # The provider's own page works, whatever its API does.
        return self.side.client.press(hosted, method)

    def _return(self, back):
        """Come back, and follow to the result; who gets none goes away."""
        with contextlib.suppress(requests.RequestException):
            self._session.get(back, timeout=PATIENCE)

    def _get(self, url, **options):
        answer = self._session.get(url, timeout=PATIENCE, **options)
        if answer.status_code >= 400:
            raise _Again
        return answer


class _Again(Exception):
    """Not what was to come: begin again."""


class Merchant:
    """Refunds, at the screens of Odoo and of the providers; and what befalls the merchant.

    :param str url: Odoo's address.
    :param str database: its database.
    :param dict sides: code -> `dev.demo.sides.Side`.
    """

    def __init__(self, url, database, sides):
        self.sides = sides
        self.admin = self._patiently(lambda: Administrator(url, database))
        #: Refunds asked for in Odoo, at the providers, disputes, payouts.
        self.done = {"refunds": 0, "dashboard_refunds": 0, "disputes": 0, "payouts": 0}

    @staticmethod
    def _patiently(action):
        """Do something as soon as the server answers, for it may be dead at this moment."""
        end = time.monotonic() + TRIES_SECONDS
        while True:
            try:
                return action()
            except (requests.RequestException, ValueError, KeyError):
                # Not even JSON: the answer of a server that has no database.
                if time.monotonic() > end:
                    raise GaveUp("the merchant's screen") from None
            except Exception as error:
                # What Odoo shows as an error of the database; or of this moment.
                if time.monotonic() > end or isinstance(error, GaveUp):
                    raise
            time.sleep(0.5)

    def send(self, run):
        """Send a reminder run."""

        def press():
            if self.admin.get("pay.now.reminder.run", run, "state") == "draft":
                self.admin.press("pay.now.reminder.run", run, "action_send")

        self._patiently(press)

    def refund(self, invoice, share):
        """Refund a part of what was paid for an invoice, on the screen of Odoo.

        Who does not know whether it was done looks before asking again.

        :param float share: of the amount.
        """

        def ask():
            paid = self.admin.search(
                "payment.transaction",
                [
                    ("invoice_ids", "in", [invoice["id"]]),
                    ("state", "=", "done"),
                    ("operation", "!=", "refund"),
                    ("payment_id", "!=", False),
                ],
                "payment_id",
            )
            if len(paid) != 1:
                raise Refused("not booked yet")
            if self.admin.count(
                "payment.transaction",
                ("source_transaction_id", "=", paid[0]["id"]),
                ("operation", "=", "refund"),
            ):
                return
            context = {"active_id": paid[0]["payment_id"][0], "active_model": "account.payment"}
            wizard = self.admin.create(
                "payment.refund.wizard",
                context=context,
                amount_to_refund=round(invoice["amount"] * share, 2),
            )
            self.admin.press("payment.refund.wizard", wizard, "action_refund")

        self._patiently(ask)
        self.done["refunds"] += 1

    def refund_there(self, payer, share):
        """Refund a part of what somebody paid at the provider's dashboard."""
        amount = round(payer.invoice["amount"] * share * 100)
        payer.side.client.control("refund", **self._money_of(payer), amount=amount)
        self.done["dashboard_refunds"] += 1

    def be_disputed(self, payer, outcome):
        """A payer disputes, and the bank decides a moment later.

        :param bool outcome: whether it is won; None as long as nobody knows.
        """
        client = payer.side.client
        found = client.control("dispute", **self._money_of(payer))
        self.done["disputes"] += 1
        if outcome is not None:
            time.sleep(payer.rng.uniform(0.1, 4))
            dispute = found.get("dispute_id") or found["id"]
            client.control("close_dispute", dispute=dispute, won=outcome)

    def be_paid_out(self, code):
        """The provider transfers what it holds to the bank, if it holds anything."""
        client, end = self.sides[code].client, time.monotonic() + TRIES_SECONDS
        while client.account_state()["balance"] <= 0:
            if time.monotonic() > end:
                raise GaveUp("a balance to pay out")
            time.sleep(1)
        client.control("payout")
        self.done["payouts"] += 1

    @staticmethod
    def _money_of(payer):
        """Return what the provider calls the money of a payer, as soon as it has arrived."""
        end = time.monotonic() + TRIES_SECONDS
        while time.monotonic() < end:
            state = payer.side.client.account_state()
            if payer.code == "pay_now_stripe":
                session_id = payer.hosted.rpartition("/")[2]
                intents = [
                    one["payment_intent"] for one in state["sessions"] if one["id"] == session_id
                ]
                for one in state["charges"]:
                    if one["payment_intent"] in intents and one["status"] == "succeeded":
                        return {"charge": one["id"]}
            else:
                (order_id,) = parse_qs(urlsplit(payer.hosted).query)["token"]
                captures = {one["id"]: one["status"] for one in state["captures"]}
                for one in state["orders"]:
                    if one["id"] == order_id:
                        for capture_id in one["captures"]:
                            if captures[capture_id] == "COMPLETED":
                                return {"capture": capture_id}
            time.sleep(1)
        raise GaveUp(f"the money of invoice {payer.invoice['id']} at {payer.code}")
