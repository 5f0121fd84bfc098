# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import controllers, models, report, wizard
from .hooks import post_init_hook, uninstall_hook
