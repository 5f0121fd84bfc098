# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Odoo's test company, made once for all test classes where the database was prepared."""

import json

from odoo.models import BaseModel
from odoo.modules.registry import Registry
from odoo.tests.common import get_db_name

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.base.tests.common import BaseCommon

#: The parameter in which a prepared database names its records.
PARAMETER = 'account_pay_now.prepared_tests'


class PreparedCase(AccountTestInvoicingCommon):
    """What Odoo gives its tests of invoicing, with the French chart of accounts.

    Loading a chart takes longer than most test classes do. `prepare` loads it once and commits;
    each class then finds the records, and works in a transaction of its own as ever. In any other
    database they are created for the class.
    """

    maxDiff = None
    tax_number = 0
    _prepared = {}

    @classmethod
    @AccountTestInvoicingCommon.setup_chart_template('fr')
    def setUpClass(cls):
        prepared = cls._read_prepared()
        if not prepared:
            super().setUpClass()
            return
        # Whatever Odoo does for the class, except creating records.
        super(BaseCommon, cls).setUpClass()
        cls.env = cls.env(user=prepared['uid'], context=cls.default_env_context())
        for name, value in prepared['attributes'].items():
            setattr(cls, name, cls._unpack(value))

    @classmethod
    def prepare(cls):
        """Create the records and commit them, with a parameter that names them."""
        cls.setUpClass()
        attributes = {name: cls._pack(value) for name, value in vars(cls).items()}
        prepared = {
            'uid': cls.env.uid,
            'attributes': {name: value for name, value in attributes.items() if value},
        }
        cls.env['ir.config_parameter'].sudo().set_param(PARAMETER, json.dumps(prepared))
        cls.commit_patcher.stop()
        cls.cr.commit()
        cls.doClassCleanups()

    @classmethod
    def _read_prepared(cls):
        """Return what the database was prepared with, nothing where it was not."""
        database = get_db_name()
        if database not in cls._prepared:
            with Registry(database).cursor() as cr:
                cr.execute("SELECT value FROM ir_config_parameter WHERE key = %s", [PARAMETER])
                cls._prepared[database] = json.loads((cr.fetchone() or ['null'])[0])
        return cls._prepared[database]

    @classmethod
    def _pack(cls, value):
        """Return records, or a dictionary of records, as JSON has them; None for the rest."""
        if isinstance(value, BaseModel):
            return [value._name, value.ids]
        if isinstance(value, dict) and value and all(map(cls._pack, value.values())):
            return {key: cls._pack(one) for key, one in value.items()}
        return None

    @classmethod
    def _unpack(cls, value):
        if isinstance(value, dict):
            return {key: cls._unpack(one) for key, one in value.items()}
        model, ids = value
        return cls.env[model].browse(ids)
