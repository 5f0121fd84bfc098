// Part of Pay Now. See LICENSE file for full copyright and licensing details.

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import {
    RemainingDaysField,
    remainingDaysField,
} from "@web/views/fields/remaining_days/remaining_days_field";

/** A day to answer until: the date itself, and how many days are left. */
export class DeadlineField extends RemainingDaysField {
    get diffString() {
        const days = this.diffDays;
        if (days === null) {
            return "";
        }
        return _t("%(date)s (%(days)s)", { date: this.formattedValue, days: this.daysText(days) });
    }

    daysText(days) {
        if (days === 0) {
            return _t("today");
        }
        if (days < 0) {
            return days === -1 ? _t("1 day late") : _t("%s days late", -days);
        }
        return days === 1 ? _t("1 day") : _t("%s days", days);
    }
}

registry.category("fields").add("pay_now_deadline", {
    ...remainingDaysField,
    component: DeadlineField,
    displayName: _t("Deadline"),
    // A date alone is narrower.
    listViewWidth: 160,
});
