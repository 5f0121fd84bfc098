# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.payment.test_timeline import BOOKKEEPER, TimelineCase

WIDE, NARROW = (1440, 900), (390, 844)


@tagged('post_install', '-at_install')
class TestTimelineScreens(BrowserMixin, TimelineCase, HttpCase):
    """A bookkeeper pastes an invoice's number, and reads; on a phone, too."""

    def test_in_a_browser(self):
        self.load_language('fr_FR')
        reader = self.new_user('timeline_fr', BOOKKEEPER, lang='fr_FR')
        invoice = self.make_invoice(300)
        self.send(self.generate())
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx, commission='4.60')
        self.notified(tx)
        self.gateway.give_back(tx.provider_reference, '100')
        tx._synchronize()
        screen = self.Timeline.with_user(reader).create({'query': invoice.name})
        action = self.env.ref('account_pay_now.action_pay_now_timeline').id
        box = "document.querySelector('.o_form_view div[name=query] input')"
        story = "document.querySelector('.o_pay_now_timeline time')"
        with self.browser('timeline_fr') as browser:
            self.show(browser, f'/odoo/action-{action}', box, 'timeline_empty', WIDE, full=False)
            self.run_js(
                browser,
                f"(box => {{ box.value = '{invoice.name}';"
                " box.dispatchEvent(new Event('input', {bubbles: true}));"
                " box.dispatchEvent(new Event('change', {bubbles: true})); })"
                f'({box})',
            )
            self.run_js(browser, "document.querySelector('button[name=action_search]').click()")
            self.wait_for(browser, story)
            self.picture(browser, 'timeline_1440')
            link = "document.querySelector('.o_pay_now_timeline a[href*=\"payment.transaction\"]')"
            path = self.run_js(browser, f"{link}.getAttribute('href')")
            address = f'/odoo/action-{action}/{screen.id}'
            self.show(browser, address, story, 'timeline_390', NARROW)
            self.assert_fits(browser)
            button = "document.querySelector('button[name=action_pay_now_story]')"
            self.show(browser, path, button, 'timeline_transaction', WIDE, full=False)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, story)
