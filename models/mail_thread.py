# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    def _routing_handle_bounce(self, email_message, message_dict):
        """Override of `mail` to hear of reminders that came back: they have no chatter."""
        result = super()._routing_handle_bounce(email_message, message_dict)
        message = message_dict['bounced_message']
        if message_dict['bounced_email'] and message and message.model == 'pay.now.reminder':
            reminder = self.env['pay.now.reminder'].sudo().browse(message.res_id).exists()
            reminder._message_receive_bounce(
                message_dict['bounced_email'], message_dict['bounced_partner']
            )
        return result
