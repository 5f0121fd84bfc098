# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from ..gateways.errors import GatewayAuthError

#: How loud a notification is, by the health it tells of.
NOTIFICATION_TYPES = {'green': 'success', 'amber': 'warning', 'red': 'danger'}


class PaymentProvider(models.Model):
    """What *Check again* found, said to the person who pressed it."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS - HEALTH === #

    def _pay_now_problem_text(self, error):
        """Return what keeps the connection from working, and the one thing to do about it.

        :param GatewayError error: what the gateway raised.
        :rtype: str
        """
        answer = self._pay_now_error_text(error)
        if isinstance(error, GatewayAuthError):
            return self.env._("%s Disconnect, then connect with the current keys.", answer)
        return answer

    def _pay_now_health_notices(self):
        """Return the health light of each provider, for those too who cannot open providers.

        :return: `{code: {level, message}}` as core's widget `actionable_errors` shows them.
        :rtype: dict
        """
        labels = dict(self._fields['pay_now_health']._description_selection(self.env))
        return {
            f'provider_{provider.id}': {
                'level': NOTIFICATION_TYPES[provider.pay_now_health],
                'message': self.env._(
                    "%(provider)s: %(health)s. %(text)s",
                    provider=provider._pay_now_short_name(),
                    health=labels[provider.pay_now_health],
                    text=provider.pay_now_health_text,
                ),
            }
            for provider in self
        }

    def _pay_now_check_notification(self, failures):
        """Return the notification of what was found, after which the screen shows it too.

        :param dict failures: `{provider: text}` of those that could not be asked.
        :return: a client action.
        :rtype: dict
        """
        worst, lines = 'green', []
        for provider in self:
            health = provider.pay_now_health or 'green'
            if provider in failures:
                health, text = 'red', failures[provider]
            elif provider.pay_now_status != 'connected':
                text = self.env._("not connected")
            elif health == 'green':
                text = self.env._("Checked: connected, everything fine.")
            elif health == 'amber':
                text = self.env._("Checked: connected. %s", provider.pay_now_health_text)
            else:
                text = provider.pay_now_health_text
            worst = max(worst, health, key=list(NOTIFICATION_TYPES).index)
            lines.append(f'{provider._pay_now_short_name()}: {text}')
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': NOTIFICATION_TYPES[worst],
                'message': '\n'.join(lines),
                'sticky': worst == 'red',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
