# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Requests to the providers as any program could send them."""

SESSION = {
    'mode': 'payment',
    'success_url': 'http://127.0.0.1/return?session={CHECKOUT_SESSION_ID}',
    'line_items[0][quantity]': '1',
    'line_items[0][price_data][currency]': 'eur',
    'line_items[0][price_data][unit_amount]': '1000',
    'line_items[0][price_data][product_data][name]': "Bread",
}


def paypal_order(value='100.00', currency='EUR', **unit):
    """Return the body of an order at PayPal; the arguments are its purchase unit's."""
    return {
        'intent': 'CAPTURE',
        'purchase_units': [{'amount': {'currency_code': currency, 'value': value}, **unit}],
        'payment_source': {
            'paypal': {
                'experience_context': {
                    'brand_name': "Boulangerie",
                    'locale': 'fr-FR',
                    'shipping_preference': 'NO_SHIPPING',
                    'user_action': 'PAY_NOW',
                    'return_url': 'http://127.0.0.1/return?reference=1',
                    'cancel_url': 'http://127.0.0.1/cancel',
                }
            }
        },
    }


def paypal_issue(answer):
    """Return status and issue of a refusal of PayPal's."""
    return answer.status_code, answer.json()['details'][0]['issue']


def paypal_links(obj):
    """Return the links of an object of PayPal's by their relation."""
    return {link['rel']: link['href'] for link in obj['links']}


def euros(value):
    """Return PayPal's object of an amount."""
    return {'currency_code': 'EUR', 'value': value}


def paypal_events(paypal):
    """Return the types of all events, the orders' apart."""
    events = [event['event_type'] for event in paypal.events()]
    return [kind for kind in events if not kind.startswith('CHECKOUT.ORDER')]
