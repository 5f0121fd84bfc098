# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.orm.models import MAGIC_COLUMNS

from odoo.addons.account_pay_now import const


class PayNowAuthorityMixin(models.AbstractModel):
    """Who may write what: people write the fields of a list, the module everything else (sudo).

    `readonly` keeps nobody from writing a field by RPC. Each model that has stored fields of ours
    inherits this mixin (`tests/test_authority.py`), and names in `_pay_now_written_by` the fields
    that people write: all who may write the record, or the members of some groups only. Any other
    stored field of ours is refused, in `write`, in `create` and as a default of the context, and
    views show it read-only.

    What the module's buttons do in a user's name checks the access to the record first, then
    writes in sudo.
    """

    _name = 'pay.now.authority.mixin'
    _description = "Record of which people write the listed fields only"

    #: `{field: True, or external ids of groups, separated by commas}`; those of all files of a
    #: model count together.
    _pay_now_written_by = {}

    # === DEFAULTS === #

    @api.model
    def default_get(self, fields):
        """Override of `base`: what the module alone writes has no default of the context.

        Buttons work in sudo, with the context of whoever presses them. In a user's name such a
        default is refused, as any other way to write the field.
        """
        records = self
        if self.env.su and (forged := self._pay_now_forged_defaults(fields)):
            kept = {key: v for key, v in self.env.context.items() if key not in forged}
            records = self.with_env(self.env(context=kept))
        return super(PayNowAuthorityMixin, records).default_get(fields)

    @api.model
    def _pay_now_forged_defaults(self, fields):
        """Return the keys of the context that give defaults to what the module alone writes.

        :param fields: names of the fields that a default is asked for.
        :rtype: set
        """
        keys = {key for key in self.env.context if key.startswith('default_')}
        if not keys:
            return keys
        listed = self._pay_now_whitelist()
        return {
            key
            for name in fields
            if (key := f'default_{name}') in keys
            and name not in listed
            and (field := self._fields.get(name))
            and self._pay_now_is_decided(field)
        }

    # === ACCESS === #

    @api.model
    def _has_field_access(self, field, operation):
        """Override of `base` to let people write the listed fields only."""
        # Asked for each value that is read: first what costs nothing.
        if operation != 'read' and not self.env.su and not self._pay_now_may_write(field):
            return False
        return super()._has_field_access(field, operation)

    @api.model
    def _check_field_access(self, field, operation):
        """Override of `base` to say in plain words that nobody changes a field by hand.

        :raise AccessError: as of `base`.
        """
        if operation != 'read' and not self.env.su and not self._pay_now_may_write(field):
            label = field._description_string(self.env) or field.name
            raise AccessError(
                self.env._(
                    "“%(fields)s” says what happened: it cannot be changed by hand.", fields=label
                )
            )
        return super()._check_field_access(field, operation)

    @api.model
    def _pay_now_may_write(self, field):
        """Tell whether the user may write a field, whatever the rights on the record are.

        :param odoo.fields.Field field: of this model.
        :rtype: bool
        """
        if not self._pay_now_is_decided(field):
            return True
        groups = self._pay_now_whitelist().get(field.name, False)
        return groups if isinstance(groups, bool) else self.env.user.has_groups(groups)

    @api.model
    def _pay_now_is_decided(self, field):
        """Tell whether the list decides about a field: a stored one of this module.

        :param odoo.fields.Field field: of this model.
        :rtype: bool
        """
        return bool(
            field.store
            and const.MODULE in field._modules
            and field.name not in MAGIC_COLUMNS
            # Not those of core that we add values to.
            and (field.name.startswith('pay_now_') or self._name.startswith('pay.now.'))
        )

    @api.model
    def _pay_now_whitelist(self):
        """Return what people write, as all files of the model have it.

        :return: see `_pay_now_written_by`.
        :rtype: dict
        """
        whitelist = {}
        for definition in reversed(type(self).mro()):
            whitelist.update(vars(definition).get('_pay_now_written_by', ()))
        return whitelist
