// Part of Pay Now. See LICENSE file for full copyright and licensing details.

import { markup } from "@odoo/owl";

import { openMenu } from "@account_pay_now/js/tours/pay_now_setup";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("pay_now_reminders_tour", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps(
            "account.menu_finance",
            markup(_t("Who owes you money? <b>Invoicing</b> makes the list."))
        ),
        ...openMenu(
            "account.menu_finance_receivables",
            "account_pay_now.menu_pay_now_generate",
            _t("Generate reminders: nothing is sent before you have seen the list.")
        ),
        {
            trigger: ".modal button[name=action_generate]",
            content: _t("One reminder for each customer, with all that is due."),
            tooltipPosition: "top",
            run: "click",
        },
        {
            trigger: "button[name=action_send]:visible:enabled",
            content: _t("Look through the list, drop whom you do not want to remind, then send."),
            tooltipPosition: "bottom",
            run: "click",
        },
        {
            isActive: ["auto"],
            trigger: ".o_form_view",
        },
    ],
});
