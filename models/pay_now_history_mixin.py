# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import AccessError, UserError


class PayNowHistoryMixin(models.AbstractModel):
    """Records of what happened or was said once: there is one of each, and no second one.

    A duplicate would be a second payment, reminder or answer that never was.
    """

    _name = 'pay.now.history.mixin'
    _description = "Record that is not duplicated"

    #: Of what a provider told, and of what proves it, people write the fields that are not
    #: read-only, and nothing else.
    _keeps_facts = False

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base` to keep people from changing what happened, by whatever client.

        :param dict vals: as of `base`.
        :raise AccessError: with a field that is read-only, in anybody's name but the module's.
        """
        if self._keeps_facts and not self.env.su:
            facts = [name for name in vals if self._pay_now_is_fact(name)]
            if facts:
                labels = self.fields_get(facts, ['string']).values()
                raise AccessError(
                    self.env._(
                        "“%(fields)s” says what happened: it cannot be changed by hand.",
                        fields=', '.join(label['string'] for label in labels),
                    )
                )
        return super().write(vals)

    def _pay_now_is_fact(self, name):
        """Tell whether a field says what happened.

        :param str name: of a field.
        :rtype: bool
        """
        field = self._fields.get(name)
        return bool(field and field.store and field.readonly)

    def copy_data(self, default=None):
        """Override of `base` to refuse.

        :raise UserError: always.
        """
        name = self.env['ir.model']._get(self._name).sudo().name
        raise UserError(self.env._("“%s” says what happened once: it cannot be duplicated.", name))
