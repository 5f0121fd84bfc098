# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Odoo's test company, made once for all test classes where the database was prepared."""

import json
from unittest.mock import patch

from odoo.models import BaseModel
from odoo.modules.registry import Registry
from odoo.tests.common import get_db_name

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.base.tests.common import BaseCommon

#: The parameter in which a prepared database names its records.
PARAMETER = 'account_pay_now.prepared_tests'
#: The chart of accounts that comes with Odoo's `account` itself.
GENERIC = 'generic_coa'


class PreparedCase(AccountTestInvoicingCommon):
    """What Odoo gives its tests of invoicing: a French company with the chart that Odoo always has.

    So that Odoo alone runs them, with no chart of a country installed. A class of which the chart
    matters names another one in `chart`, and the module it comes from has to be installed.

    Loading a chart takes longer than most test classes do. `prepare` loads it once and commits;
    each class then finds the records, and works in a transaction of its own as ever. In any other
    database they are created for the class.
    """

    #: The chart of accounts of the class, a key of Odoo's mapping of charts.
    chart = GENERIC
    maxDiff = None
    tax_number = 0
    _prepared = {}

    @classmethod
    @AccountTestInvoicingCommon.setup_country('fr')
    def setUpClass(cls):
        cls.chart_template = cls.chart
        prepared = cls._read_prepared() if cls.chart == GENERIC else None
        if not prepared:
            # Of a chart whose module is not installed, Odoo skips the class.
            super().setUpClass()
            return
        # Whatever Odoo does for the class, except creating records.
        super(BaseCommon, cls).setUpClass()
        cls.env = cls.env(user=prepared['uid'], context=cls.default_env_context())
        for name, value in prepared['attributes'].items():
            setattr(cls, name, cls._unpack(value))

    @classmethod
    def setup_independent_user(cls):
        """Override of `account` to make room for the users of a class with a chart of its own."""
        users = cls.env['res.users'].search([('login', '=like', '%accountman')])
        for user in users:
            user.login = f'prepared_{user.login}'
        users.flush_recordset()
        return super().setup_independent_user()

    @classmethod
    def _create_company(cls, **create_values):
        """Override of `account` to let the generic chart, an American one, be of the country."""
        if cls.chart != GENERIC:
            # Beside the company of a prepared database.
            create_values['name'] = f"Company {cls.chart}"
        company = super()._create_company(**create_values)
        if cls.chart == GENERIC:
            taxes = cls.env['account.tax'].search([('company_id', '=', company.id)])
            company.account_fiscal_country_id = company.country_id
            taxes.tax_group_id.country_id = company.country_id
            taxes.country_id = company.country_id
        return company

    @classmethod
    def prepare(cls):
        """Create the records and commit them, with a parameter that names them."""
        # Outside a test, Odoo installs the modules of the country.
        with patch.object(Registry(get_db_name())['res.company'], 'install_l10n_modules'):
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
