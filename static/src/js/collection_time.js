/* Part of Pay Now. See LICENSE file for full copyright and licensing details. */

/* Reports that say above their figures what these cannot know. */

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { GraphRenderer } from "@web/views/graph/graph_renderer";
import { graphView } from "@web/views/graph/graph_view";
import { PivotRenderer } from "@web/views/pivot/pivot_renderer";
import { pivotView } from "@web/views/pivot/pivot_view";

/* Functions: the translations are there when a view is drawn. */
const NOTES = {
    "pay.now.due.report": () =>
        _t(
            "Open items of the receivable accounts, in the company's currency. The day on which money is expected is an estimate by what each customer did so far: nobody has promised it."
        ),
    "pay.now.reminder.report": () =>
        _t(
            "What was paid after a reminder was not always paid because of it. Reminders with and without a button go to different customers: only “Held out”, chosen by chance in the settings, shows what the button changes."
        ),
    "pay.now.paid.report": () =>
        _t(
            "A difference is not a cause: who has the money at hand may choose to pay online. “Days earlier” compares each customer with itself, and leaves out who has never paid otherwise."
        ),
    "pay.now.dso.report": () =>
        _t(
            "By countback: what customers owe at the end of a month, used up by the sales of that month and of those before it. It moves with the sales and the terms of payment, too."
        ),
};

const noted = (Renderer, name) =>
    class extends Renderer {
        static template = `account_pay_now.${name}`;

        get payNowNote() {
            return NOTES[this.props.model.metaData.resModel]?.();
        }
    };

registry
    .category("views")
    .add("pay_now_noted_pivot", { ...pivotView, Renderer: noted(PivotRenderer, "NotedPivot") })
    .add("pay_now_noted_graph", { ...graphView, Renderer: noted(GraphRenderer, "NotedGraph") });
