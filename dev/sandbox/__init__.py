# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A sandbox of the payment providers on this machine: a process of its own, with its own state.

One port imitates Stripe, another one PayPal (`paypal/`). What they share – time, lock, faults,
deliveries, control – knows neither of them.
"""
