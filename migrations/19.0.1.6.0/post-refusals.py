# Part of Pay Now. See LICENSE file for full copyright and licensing details.

#: Our own codes of before. `unknown` was one too, of refunds that were never made; Stripe says the
#: same of refunds that were made and failed.
PAYMENTS = ('other_currency', 'superseded', 'items_changed', 'in_progress', 'lapsed')
REFUNDS = ('disputed', 'dispute_lost', 'made_elsewhere', 'too_much', 'of_dispute')


def migrate(cr, version):
    """Tell our own reasons from the providers' codes, which they shared a field with.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    cr.execute(
        """
        UPDATE payment_transaction
           SET pay_now_refusal = CASE pay_now_failure_code
                   WHEN 'unknown' THEN 'no_payment' ELSE pay_now_failure_code END,
               pay_now_failure_code = NULL
         WHERE CASE WHEN operation = 'refund'
                    THEN pay_now_failure_code IN %(refunds)s
                      OR pay_now_failure_code = 'unknown' AND pay_now_refund_ref IS NULL
                    ELSE pay_now_failure_code IN %(payments)s END
        """,
        {'payments': PAYMENTS, 'refunds': REFUNDS},
    )
