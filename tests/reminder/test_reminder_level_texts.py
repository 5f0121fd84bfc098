# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.common import ReminderCommon


@tagged('post_install', '-at_install')
class TestReminderLevelTexts(ReminderCommon):
    """What is wrong with the text of a level is said when it is saved, and before it leaves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.load_language('fr_FR')
        cls.level = cls.env['pay.now.reminder.level'].search(
            [('company_id', '=', cls.company.id)], limit=1
        )
        cls.template = cls.level.template_id
        cls.make_invoice(100, days_late=10)

    def warnings(self, function):
        """Return what whoever saves is told."""
        self.env.cr.flush()
        known = self.env['bus.bus'].sudo().search([])
        function()
        self.env.cr.flush()
        new = self.env['bus.bus'].sudo().search([]) - known
        messages = [json.loads(one.message) for one in new]
        return ' '.join(
            one['payload']['message'] for one in messages if one['type'] == 'simple_notification'
        )

    def write_text(self, body, lang='en_US'):
        self.template.with_context(lang=lang).body_html = body

    def test_the_ready_levels_are_fine(self):
        for level in self.env['pay.now.reminder.level'].search([]):
            self.assertFalse(level.text_problem)
        self.assertEqual(self.generate().send_question()['lines'], [])

    def test_without_items_and_button(self):
        said = self.warnings(lambda: self.write_text('<p>Please pay.</p>'))
        self.assertIn("(English (US)): the invoices are not listed", said)
        self.assertIn("(English (US)): there is no place for the Pay now button", said)
        self.assertIn("invoices are not listed", self.level.text_problem)
        (line, *_others) = self.generate().send_question()['lines']
        self.assertIn("invoices are not listed", line)

    def test_own_table_without_a_button(self):
        self.write_text(
            '<p><t t-foreach="object.item_ids" t-as="line"><t t-out="line.move_name"/></t></p>'
        )
        self.assertNotIn("are not listed", self.level.text_problem)
        self.assertIn("Pay now button", self.level.text_problem)
        self.write_text('<!-- <t t-out="object.items_html"/> --><p>Please pay.</p>')
        self.assertIn("are not listed", self.level.text_problem, "a comment is not in the mail")

    def test_only_in_one_language(self):
        self.write_text('<p>Merci de payer.</p>', 'fr_FR')
        self.assertIn("Français", self.level.text_problem)
        self.assertNotIn("English", self.level.text_problem)
        run = self.generate()
        self.assertEqual(run.send_question()['lines'], [], "the customer reads English")
        self.customer.lang = 'fr_FR'
        self.assertIn("Français", run.send_question()['lines'][0])

    def test_empty_is_refused(self):
        for body in ('', '<p><br></p>', '<p> &nbsp; </p>', '<!-- Hello -->'):
            for lang, said in (
                ('en_US', "there is no text"),
                ('fr_FR', "il n’y a pas de texte"),
            ):
                with (
                    self.subTest(body=body, lang=lang),
                    self.assertRaisesRegex(ValidationError, said),
                    self.cr.savepoint(),
                ):
                    self.write_text(body, lang)
        empty = self.template.copy()
        empty.body_html = False
        with self.assertRaisesRegex(ValidationError, "there is no text"):
            self.level.template_id = empty

    def test_empty_in_the_database_does_not_leave(self):
        run = self.generate()
        self.env.cr.execute(
            "UPDATE mail_template SET body_html = '{\"en_US\": \"\"}' WHERE id = %s",
            [self.template.id],
        )
        self.env.invalidate_all()
        with self.assertRaisesRegex(ValidationError, "there is no text"):
            run.action_send()
        self.assertEqual(run.reminder_ids.state, 'draft')
        run.sudo().trigger = 'auto'
        run.sudo()._send_by_itself()
        self.assertEqual(run.reminder_ids.state, 'draft', "nor by itself")
        self.assertIn(f"nothing in the text of {self.level.name}", run.problem)

    @mute_logger(
        'odoo.addons.mail.models.mail_render_mixin', 'odoo.addons.mail.models.mail_template'
    )
    def test_that_cannot_be_written_in_one_language(self):
        self.customer.lang = 'fr_FR'
        run = self.generate()
        body = self.template.with_context(lang='en_US').body_html
        broken = f'{body}<p t-out="1 / 0"/>'
        self.env.cr.execute(
            "UPDATE mail_template SET body_html = jsonb_set(body_html, '{fr_FR}', %s::jsonb)"
            " WHERE id = %s",
            [json.dumps(broken), self.template.id],
        )
        self.env.invalidate_all()
        (line,) = run.send_question()['lines']
        self.assertIn("(Français): the mail cannot be written", line)
        self.assertIn("division by zero", line)
        said = self.warnings(lambda: self.level.write({'template_id': self.template.id}))
        self.assertIn("(Français): the mail cannot be written", said)
        self.assertEqual(run.reminder_ids.state, 'draft')
