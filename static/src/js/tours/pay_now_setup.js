// Part of Pay Now. See LICENSE file for full copyright and licensing details.

import { markup } from "@odoo/owl";

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

/** Two clicks in the menu of Invoicing, where there is room for it. */
export function openMenu(section, entry, content) {
    return [
        {
            trigger: `.o_menu_sections [data-menu-xmlid="${section}"]`,
            content,
            tooltipPosition: "bottom",
            run: "click",
        },
        {
            trigger: `.o-dropdown--menu [data-menu-xmlid="${entry}"]`,
            content,
            tooltipPosition: "right",
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("pay_now_setup_tour", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps(
            "account.menu_finance",
            markup(_t("Let your customers pay online: it is set up in <b>Invoicing</b>."))
        ),
        ...openMenu(
            "account.menu_finance_configuration",
            "account_pay_now.menu_pay_now_setup",
            _t("Open the online payment set-up.")
        ),
        {
            trigger: ".o_field_widget[name=sage_customer_code] input",
            content: _t("Your customer number at Sage: it is on what Sage invoices to you."),
            tooltipPosition: "bottom",
            run: "edit FR-123456",
        },
        {
            trigger: "button[name=action_save_code]:visible",
            content: _t("Keep it."),
            tooltipPosition: "bottom",
            run: "click",
        },
        {
            trigger: "button[name=action_sign_up]:visible:enabled",
            content: _t("Sign up with your e-mail address. There is no subscription."),
            tooltipPosition: "bottom",
            run: "click",
        },
        {
            trigger: "button[name=action_pay_now_connect]:visible",
            content: _t("Connect Stripe or PayPal. Test keys will do to try it out."),
            tooltipPosition: "bottom",
            run: "click",
        },
        {
            isActive: ["auto"],
            trigger: ".modal .o_form_view",
        },
    ],
});
