# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from markupsafe import escape

from odoo import models
from odoo.tools import SQL


class MailThread(models.AbstractModel):
    """Notes on many records by one statement, and mails of reminders that came back."""

    _inherit = 'mail.thread'

    def _pay_now_log_batch(self, bodies):
        """Log a note with many records, as `_message_log_batch` does, by one statement.

        The first is logged by `mail`; the others are copies of its row, whatever other modules
        have added to it. One by one, `create` looks for each note into the caches of all models
        with a chatter, which takes longer than the rest of a reminder.

        :param dict bodies: `{id of a record: text}`.
        :return: None
        """
        first, others = self[:1], self[1:]
        note = first._message_log_batch({first.id: bodies[first.id]}) if first else None
        if not others:
            return
        # What is escaped stays as it is in the sanitized frame.
        frame = note._fields['body'].convert_to_column('%s', note)
        note.flush_recordset()
        same = [
            SQL.identifier(name)
            for name, field in note._fields.items()
            if field.store and field.column_type and name not in ('id', 'res_id', 'body')
        ]
        self.env.cr.execute(
            SQL(
                "INSERT INTO mail_message (res_id, body, %(same)s)"
                " SELECT others.id, others.text, %(same)s"
                " FROM mail_message, unnest(%(ids)s, %(texts)s) others(id, text)"
                " WHERE mail_message.id = %(note)s",
                same=SQL(', ').join(same),
                ids=others.ids,
                texts=[frame.replace('%s', escape(bodies[record.id])) for record in others],
                note=note.id,
            )
        )
        others.invalidate_recordset(['message_ids'])

    def _routing_handle_bounce(self, email_message, message_dict):
        """Override of `mail` to be notified of reminders that came back: they have no chatter."""
        result = super()._routing_handle_bounce(email_message, message_dict)
        message = message_dict['bounced_message']
        if message_dict['bounced_email'] and message and message.model == 'pay.now.reminder':
            reminder = self.env['pay.now.reminder'].sudo().browse(message.res_id).exists()
            reminder._message_receive_bounce(
                message_dict['bounced_email'], message_dict['bounced_partner']
            )
        return result
