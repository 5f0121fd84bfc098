# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The address that fills in a provider's form: sent only where every provider takes it.

What the sandbox refuses, as the providers do, must not keep anybody from paying or registering.
"""

import re
from datetime import datetime, timedelta, timezone

import pytest

from dev.tests.paypal.server import forget_everything
from gateways import GATEWAYS, PLATFORM_GATEWAYS, base
from gateways.base import Credentials, OnboardingRequest
from gateways.errors import GatewayRefused
from gateways.paypal import onboarding as paypal_onboarding
from gateways.paypal import order as paypal_order

TAKEN = (
    'a@example.com',
    "o'brien+x@mail.example.co.uk",
    f'{"a" * 64}@example.com',
    'a@xn--bcker-gra.example',
)
#: What somebody typed, or has in a contact; what the providers refuse among it.
DISLIKED = (
    'a@b..com',
    'a@example.com.',
    'a..b@example.com',
    '.a@example.com',
    'a.@example.com',
    'a@-example.com',
    'a@bäcker.example',
    'é@example.com',
    'a@example',
    'a@example.c',
    'a b@example.com',
    'a@example.com\n',
    'a@b.example, c@d.example',
    '"a b"@example.com',
    'a@[127.0.0.1]',
    f'{"a" * 65}@example.com',
    f'a@{"b" * 60}.{"c" * 60}.{"d" * 60}.{"e" * 60}.example.com',
    'nobody',
    '',
)

EXPIRY = datetime.now(timezone.utc) + timedelta(hours=20)


@pytest.fixture
def gateways(sandbox, paypal):
    """Both gateways against the sandbox, and both platforms'."""
    paypal.account(features=['reporting', 'disputes', 'partner'])
    forget_everything()
    stripe = Credentials(key=sandbox.key)
    application = Credentials(
        key=paypal.client_id, secret=paypal.secret, partner_id='SANDBXMERCHNT'
    )
    yield {
        'stripe': GATEWAYS['pay_now_stripe'](stripe, api_base=sandbox.api_base),
        'paypal': GATEWAYS['pay_now_paypal'](application, api_base=paypal.api_base),
        'stripe platform': PLATFORM_GATEWAYS['pay_now_stripe'](stripe, api_base=sandbox.api_base),
        'paypal platform': PLATFORM_GATEWAYS['pay_now_paypal'](
            application, api_base=paypal.api_base
        ),
    }
    forget_everything()


@pytest.fixture
def fills_in(gateways, make_request):
    """Open a checkout, or begin a registration, with an address."""

    def fill_in(name, email, reference='INV-1'):
        if name.endswith('platform'):
            request = OnboardingRequest(
                reference=reference,
                return_url='http://127.0.0.1:8069/pay_now/onboarding/1/token/return',
                refresh_url='http://127.0.0.1:8069/pay_now/onboarding/1/token/refresh',
                email=email,
                company="Boulangerie Martin",
                country='FR',
                locale='fr_FR',
            )
            return gateways[name].onboarding_url(request)
        # The same request, whenever it is made again.
        request = make_request(payer_email=email, expires_at=EXPIRY)
        return gateways[name].open_checkout(request, f'key-{reference}')

    return fill_in


ALL = pytest.mark.parametrize('name', ['stripe', 'paypal', 'stripe platform', 'paypal platform'])


@pytest.mark.parametrize('email', TAKEN)
def test_taken(email):
    assert base.EMAIL.fullmatch(email)


@pytest.mark.parametrize('email', DISLIKED)
def test_left_out(email):
    assert not base.EMAIL.fullmatch(email)


@ALL
def test_what_is_sent_is_taken(fills_in, name):
    for number, email in enumerate(TAKEN):
        assert fills_in(name, email, f'INV-{number}').url


def sent_to(name, sandbox, paypal):
    """What was posted to make a checkout, or to begin a registration: answers and addresses."""
    calls = sandbox.requests() if 'stripe' in name else paypal.requests()
    paths = ('/v1/checkout/sessions', '/v1/accounts', '/v2/checkout/orders')
    paths += ('/v2/customer/partner-referrals',)
    return [call for call in calls if call['method'] == 'POST' and call['path'] in paths]


@ALL
@pytest.mark.parametrize('email', ['a@b..com', 'a@example.com.'])
def test_a_refusal_because_of_it_is_tried_once_without(
    fills_in, name, email, sandbox, paypal, monkeypatch
):
    """Should a provider refuse what we took for fine."""
    for module in (base, paypal_order, paypal_onboarding):
        monkeypatch.setattr(module, 'EMAIL', re.compile('.+'))
    first = fills_in(name, email)
    statuses = [call['status'] for call in sent_to(name, sandbox, paypal)]
    assert len(statuses) == 2 and statuses[0] == 400 and statuses[1] < 300
    again = fills_in(name, email)
    if 'platform' not in name:
        assert again.id == first.id, "the same request again is the same checkout"


@ALL
def test_other_refusals_are_not_tried_again(fills_in, name, sandbox, paypal):
    side = sandbox if 'stripe' in name else paypal
    side.misbehave(status=400, times=5)
    with pytest.raises(GatewayRefused):
        fills_in(name, 'a@example.com')
    assert len(sent_to(name, sandbox, paypal)) <= 1
