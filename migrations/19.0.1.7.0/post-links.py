# Part of Pay Now. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Let the addresses mailed so far be of the customers that the invoices have today.

    From now on an address ends where the invoice is given to another customer. So does one that was
    mailed to a former customer, as far as the history of the invoice tells.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    _end_mailed_to_others(cr)
    cr.execute(
        """
        UPDATE account_move
           SET pay_now_token_partner_id = commercial_partner_id,
               pay_now_token_company_id = company_id
         WHERE pay_now_token IS NOT NULL
           AND pay_now_token_partner_id IS NULL
        """
    )


def _end_mailed_to_others(cr):
    """End the addresses that stand in a message from before the customer was corrected.

    Whoever has the invoice now gets a new one with the next mail.
    """
    cr.execute(
        """
        WITH change AS (
            SELECT message.id, message.res_id,
                   lag(message.id, 1, 0) OVER (
                       PARTITION BY message.res_id ORDER BY message.id
                   ) AS before_id,
                   COALESCE(partner.commercial_partner_id, partner.id) AS former_id
              FROM mail_tracking_value value
              JOIN ir_model_fields field ON field.id = value.field_id
              JOIN mail_message message ON message.id = value.mail_message_id
              JOIN res_partner partner ON partner.id = value.old_value_integer
             WHERE field.model = 'account.move'
               AND field.name = 'partner_id'
               AND message.model = 'account.move'
        )
        UPDATE account_move move
           SET pay_now_token = NULL,
               pay_now_token_expiry = NULL
          FROM change
          JOIN mail_message mailed
            ON mailed.model = 'account.move'
           AND mailed.res_id = change.res_id
           AND mailed.id BETWEEN change.before_id AND change.id
         WHERE move.id = change.res_id
           AND move.commercial_partner_id != change.former_id
           AND move.pay_now_token IS NOT NULL
           AND move.pay_now_token_partner_id IS NULL
           AND position('/pay_now/invoice/' || move.id || '/' || move.pay_now_token
                        IN mailed.body) > 0
        """
    )
