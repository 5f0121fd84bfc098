# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import test_collection_reports, test_collection_screens, test_report_rows
