# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A request to Stripe as any program could send it."""

SESSION = {
    'mode': 'payment',
    'success_url': 'http://127.0.0.1/return?session={CHECKOUT_SESSION_ID}',
    'line_items[0][quantity]': '1',
    'line_items[0][price_data][currency]': 'eur',
    'line_items[0][price_data][unit_amount]': '1000',
    'line_items[0][price_data][product_data][name]': "Bread",
}
