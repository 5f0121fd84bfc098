# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import checkout, pay_page, portal, trial, webhook
