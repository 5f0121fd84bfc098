# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re

from odoo import api, models

#: Of a report, in each part about a recipient (RFC 3464): the addresses that do not exist, or take
#: no mails. What is about the content, the sender or the way to them is no matter of theirs.
ADDRESS_STATUS = re.compile(r'5\.(1\.[^78]|2)')


#: Models of mails that have no chatter, and are told that they came back.
TOLD_OF_BOUNCES = ('pay.now.reminder', 'pay.now.customer.statement')


class MailThread(models.AbstractModel):
    """Mails of ours that came back."""

    _inherit = 'mail.thread'

    def _routing_handle_bounce(self, email_message, message_dict):
        """Override of `mail` to be notified of what came back of ours: it has no chatter."""
        result = super()._routing_handle_bounce(email_message, message_dict)
        message, email = message_dict['bounced_message'], message_dict['bounced_email']
        if email and message and message.model in TOLD_OF_BOUNCES:
            status = self._pay_now_bounce_status(email_message)
            if status is not None:
                record = self.env[message.model].sudo().browse(message.res_id).exists()
                record._came_back(email, not status or bool(ADDRESS_STATUS.match(status)))
        return result

    @api.model
    def _pay_now_bounce_status(self, email_message):
        """Return why a mail came back.

        :param email.message.EmailMessage email_message: the report; none has nothing to say.
        :return: the enhanced status, empty where none is given; None where it is still on its way:
            reports of a delay come to the same address.
        :rtype: str | None
        """
        parts = email_message.walk() if email_message else ()
        for part in parts:
            if part.get_content_type() != 'message/delivery-status':
                continue
            found = [one for one in part.get_payload() if one['Action']]
            if found and not any(str(one['Action']).strip().lower() == 'failed' for one in found):
                return None
            return str(found[0]['Status'] or '').strip() if found else ''
        return ''
