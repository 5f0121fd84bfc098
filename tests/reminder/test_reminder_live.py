# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.bus.tests.common import WebsocketCase


@tagged('post_install', '-at_install')
class TestReminderLive(ReminderCommon, WebsocketCase):
    """What a screen of a run hears, over a websocket as browsers have it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.make_invoice(100, days_late=30)
        cls.watcher, cls.stranger = (
            new_test_user(
                cls.env,
                login,
                groups=groups,
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for login, groups in (
                ('live_watcher', 'account.group_account_invoice'),
                ('live_stranger', 'base.group_user'),
            )
        )

    def listen(self, user, run):
        """Open a websocket as the screen of a run does."""
        # Odoo's class ends the session of whoever logged in before.
        self.session = None
        session = self.authenticate(user.login, user.login)
        socket = self.websocket_connect(cookie=f'session_id={session.sid}')
        self.subscribe(socket, [f'{const.RUN_CHANNEL}{run.id}'], self.last_heard)
        return socket

    def heard(self, socket):
        """Return what arrives next of runs, and remember it."""
        notices = json.loads(socket.recv())
        return [one['message'] for one in notices if one['message']['type'] == const.RUN_CHANGED]

    def test_who_may_read_the_run_hears_of_each_step(self):
        run = self.generate()
        # The notices of making it are not what is listened for.
        self.env.cr.precommit.run()
        self.last_heard = self.env['bus.bus'].sudo().search([], order='id desc', limit=1).id
        watcher, stranger = self.listen(self.watcher, run), self.listen(self.stranger, run)
        told = {'type': const.RUN_CHANGED, 'payload': {'id': run.id}}
        for step in (run.action_send, run.action_stop, run.action_resume):
            with self.subTest(step.__name__):
                step()
                self.trigger_notification_dispatching([run])
                self.assertEqual(self.heard(watcher), [told])
        # What nobody may read arrives nowhere: what follows is the first that is heard.
        self.env['bus.bus']._sendone(self.stranger.partner_id, const.RUN_CHANGED, {'id': 0})
        self.trigger_notification_dispatching([self.stranger.partner_id])
        self.assertEqual([one['payload'] for one in self.heard(stranger)], [{'id': 0}])
