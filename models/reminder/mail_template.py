# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class MailTemplate(models.Model):
    """The texts of reminders: what is wrong with one is said when it is saved."""

    _inherit = 'mail.template'

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `mail` to look at the levels whose text it is.

        :raise ValidationError: if there is nothing left in it.
        """
        result = super().write(vals)
        if {'body_html', 'subject', 'model_id'} & vals.keys():
            levels = self.env['pay.now.reminder.level'].sudo()
            levels = levels.search([('template_id', 'in', self.ids)])
            if levels:
                levels._check_texts(levels._langs())
                levels._warn_of_texts()
        return result
