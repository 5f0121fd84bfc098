# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import demo, onboarding, pay_page, platform_webhook, portal, trial, unknown, webhook
