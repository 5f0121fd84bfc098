# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The two providers of the play: what differs between them, so that the scenes need not."""

from urllib.parse import parse_qs, urlsplit


class Side:
    """One provider: its part of the sandbox, and what Odoo made for it once it is connected.

    :param client: the control of its part of the sandbox.
    """

    #: What each kind of payer presses on the hosted page.
    agree = declined = later = ''
    #: What Odoo keeps of a refused choice.
    refusal = ''
    #: What is said of wrong keys, and wrong keys.
    wrong_keys_message = ''
    wrong_keys = {}

    def __init__(self, client):
        self.client = client
        self.provider_id = self.clearing_id = self.commission_id = None

    def figures(self):
        """Return balance and fees, in cents."""
        state = self.client.account_state()
        return state['balance'], state['fees']

    def given_back(self):
        """Return the amounts of all refunds, in cents."""
        return [one['amount'] for one in self.client.account_state()['refunds']]

    def fees_wait(self):
        """Let fees be known later only, where that can be."""

    def release_fees(self):
        """All fees become known now."""


class StripeSide(Side):
    """Stripe: money moves on its page, and its fee is known a moment later."""

    code, name, prefix = 'pay_now_stripe', "Stripe", ''
    agree, declined, later = 'card', 'declined', 'sepa'
    refusal = "declined"
    wrong_keys_message = "Invalid API Key provided"
    wrong_keys = {'api_key': 'sk_test_wrong_key'}

    @property
    def keys(self):
        """What is pasted into the window of step 3."""
        return {'api_key': self.client.key}

    def fees_wait(self):
        self.client.fees(delay=None)

    def release_fees(self):
        self.client.fees(delay=1.0)
        self.client.release_fees()

    def agree_without_browser(self, url):
        """The payer pays, and is never seen again."""
        self.client.pay(session=url.rpartition('/')[2], method=self.agree)

    @staticmethod
    def amount(text, _lang):
        """Return an amount in euros as the hosted page writes it."""
        return f'{text} EUR'


class PayPalSide(Side):
    """PayPal: the payer approves there, and money moves by our capture, its fee known at once."""

    code, name, prefix = 'pay_now_paypal', "PayPal", 'paypal_'
    agree, declined, later = 'paypal', 'declined', 'echeck'
    refusal = "source you chose"
    wrong_keys_message = "Client Authentication failed"

    @property
    def keys(self):
        """What is pasted into the window of step 3."""
        return {'api_key': self.client.client_id, 'api_secret': self.client.secret}

    @property
    def wrong_keys(self):
        return {'api_key': self.client.client_id, 'api_secret': 'wrong'}

    def agree_without_browser(self, url):
        """The payer approves, and is never seen again."""
        (order,) = parse_qs(urlsplit(url).query)['token']
        self.client.approve(order=order, how=self.agree)

    @staticmethod
    def amount(text, lang):
        """Return an amount in euros as the approval page writes it."""
        return f'{text.replace(".", ",") if lang.startswith("fr") else text} EUR'
