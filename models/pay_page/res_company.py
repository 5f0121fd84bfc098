# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class ResCompany(models.Model):
    """What the company decides about its pay page, and how the page looks."""

    _inherit = 'res.company'
    _pay_now_written_by = dict.fromkeys(
        (
            'pay_now_answer_paid',
            'pay_now_answer_promise',
            'pay_now_answer_problem',
            'pay_now_promise_days',
            'pay_now_grace_days',
            'pay_now_transfer_first',
        ),
        True,
    )

    pay_now_partial = fields.Boolean(
        string="Let customers pay a part of an amount",
        help="On the pay page customers may type a smaller amount. It pays the oldest of the"
        " ticked items first.",
    )

    pay_now_receipts = fields.Boolean(
        string="Send receipts",
        default=True,
        help="Whoever paid online gets a mail with the paid invoices. Untick it if your payment"
        " provider sends receipts already.",
    )

    pay_now_print_link = fields.Boolean(
        string="Print the payment link on invoices",
        help="The printed invoice says where it is paid online, as its mail does.",
    )
    pay_now_print_qr = fields.Boolean(
        string="Print a QR code for paying on invoices",
        help="Whoever scans it, or clicks on it, comes to the pay page. It takes the place of"
        " Odoo's own payment link.",
    )

    pay_now_answer_paid = fields.Boolean(
        string="Paid by transfer on…",
        default=True,
        help="Customers may say so on the pay page. Reminders wait until the transfer is here.",
    )
    pay_now_answer_promise = fields.Boolean(
        string="Will pay on…",
        default=True,
        help="Customers may promise a day on the pay page. Reminders wait until then.",
    )
    pay_now_answer_problem = fields.Boolean(
        string="Report a problem",
        default=True,
        help="Customers may say on the pay page what is wrong. Reminders wait until somebody has"
        " closed it.",
    )
    pay_now_promise_days = fields.Integer(
        string="Days a payment may be put off",
        default=30,
        help="Counted from the first promise of the same items.",
    )
    pay_now_grace_days = fields.Integer(
        string="Days of grace",
        default=3,
        help="How long reminders wait after the promised day, and for a transfer to arrive.",
    )
    pay_now_transfer_first = fields.Monetary(
        string="Bank transfer first above",
        help="From more than this amount the pay page shows the bank transfer before the online"
        " payment, which may cost more. Zero: never.",
    )

    _pay_now_answer_days = models.Constraint(
        'CHECK (pay_now_promise_days >= 0 AND pay_now_grace_days >= 0)',
        "Days cannot be negative.",
    )
    _pay_now_transfer_above_zero = models.Constraint(
        'CHECK (pay_now_transfer_first >= 0)', "The amount cannot be negative."
    )
