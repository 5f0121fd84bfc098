# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Where things are, and on which ports; every value can be set from the environment."""

import hashlib
import os
from pathlib import Path

MODULE = "account_pay_now"
CHECKOUT = Path(__file__).resolve().parent.parent

# Outside the checkout on purpose: it holds a link back to the checkout, and a tool that walks the
# tree would otherwise never come to an end.
CACHE_DIR = (
    Path(
        os.environ.get("CACHE_DIR")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / MODULE
    )
    .expanduser()
    .resolve()
)

# Another checkout or installation of Odoo 19: the folder that holds the odoo package.
ODOO_DIR = os.environ.get("ODOO_DIR") and Path(os.environ["ODOO_DIR"]).expanduser().resolve()

ODOO_INTERFACE = os.environ.get("ODOO_INTERFACE", "127.0.0.1")
ODOO_PORT = int(os.environ.get("ODOO_PORT", 8069))
SANDBOX_PORT = int(os.environ.get("SANDBOX_PORT", 8079))
PAYPAL_SANDBOX_PORT = int(os.environ.get("PAYPAL_SANDBOX_PORT", 8078))
MAIL_PORT = int(os.environ.get("MAIL_PORT", 8025))
MAIL_WEB_PORT = int(os.environ.get("MAIL_WEB_PORT", 8026))

DEMO_DATABASE = os.environ.get("DEMO_DATABASE", "pay_now_demo")

# WEBHOOKS=off: the demonstration's provider notifies nothing, and all is booked the same.
WEBHOOKS = os.environ.get("WEBHOOKS", "on") != "off"

LOG_DIR = CACHE_DIR / "log"
TOOLS_BIN_DIR = CACHE_DIR / "bin"
DATA_DIR = CACHE_DIR / "data"
FILESTORE_DIR = DATA_DIR / "filestore"

# Several checkouts may share the cache: each has its own link under the module's name.
ADDONS_DIR = CACHE_DIR / "addons" / hashlib.sha256(bytes(CHECKOUT)).hexdigest()[:12]
