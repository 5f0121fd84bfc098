# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A mail server that keeps every mail on this machine and shows it on a web page."""

from .catcher import MailCatcher
from .mailbox import Mail, Mailbox
