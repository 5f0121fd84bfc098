// Part of Pay Now. See LICENSE file for full copyright and licensing details.

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { debounce } from "@web/core/utils/timing";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { listView } from "@web/views/list/list_view";
import { View } from "@web/views/view";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { Component, EventBus, onWillUnmount, useEffect, useRef, useState, useSubEnv, xml } from "@odoo/owl";

/** As `RUN_CHANGED` and `RUN_CHANNEL` of the server. */
const CHANGED = "pay_now_run_changed";
const CHANNEL = "pay_now_run_";
/** Several changes at once are shown at once. */
const PAUSE = 300;

/** What a run's reminders are sorted by, and the field that counts them. */
const TABS = [
    { name: "to_send", label: _t("To send"), states: ["draft", "queued", "sending", "to_print"] },
    { name: "held", label: _t("Held"), states: ["held"] },
    { name: "dropped", label: _t("Dropped"), states: ["canceled"] },
    { name: "failed", label: _t("Failed"), states: ["failed", "uncertain"] },
    { name: "sent", label: _t("Sent"), states: ["sent"] },
];

/** Who comes back from a reminder finds the list as it was: run -> tab that was chosen. */
const lastTabs = new Map();

/**
 * The reminders of a run, as a list of its own with search, groups and selection, and live.
 *
 * The server says that the run has changed; the figures and the list are read anew, but for a list
 * in which somebody has selected or is changing something: that waits until they are done.
 */
export class RunReminders extends Component {
    static template = xml`
        <div class="o_pay_now_run_reminders d-flex flex-column">
            <ul class="nav nav-tabs" role="tablist">
                <li t-foreach="tabs" t-as="tab" t-key="tab.name" class="nav-item" role="presentation">
                    <button type="button" role="tab" class="nav-link" t-att-name="'tab_' + tab.name"
                        t-att-class="{active: tab.name === state.tab}"
                        t-att-aria-selected="tab.name === state.tab ? 'true' : 'false'"
                        t-on-click="() => this.choose(tab.name)">
                        <t t-out="tab.label"/>
                        <span class="badge rounded-pill text-bg-light ms-2" t-out="count(tab.name)"/>
                    </button>
                </li>
            </ul>
            <div t-ref="list"/>
        </div>`;
    static props = { ...standardWidgetProps };

    setup() {
        this.action = useService("action");
        this.busService = useService("bus_service");
        this.listRef = useRef("list");
        this.listBus = new EventBus();
        useSubEnv({
            // The buttons of the list are about the list.
            config: {
                ...this.env.config,
                breadcrumbs: [],
                embeddedActions: [],
                viewSwitcherEntries: [],
                views: [],
            },
            payNowRun: { bus: this.listBus, changed: () => this.refreshRun() },
        });
        this.state = useState({ tab: lastTabs.get(this.runId) || this.firstTab });
        this.onChanged = debounce(() => this.refresh(), PAUSE);
        const heard = ({ id }) => id === this.runId && this.onChanged();
        this.busService.subscribe(CHANGED, heard);
        onWillUnmount(() => this.busService.unsubscribe(CHANGED, heard));
        useEffect(
            (id) => {
                if (!id) {
                    return;
                }
                this.state.tab = lastTabs.get(id) || this.firstTab;
                this.busService.addChannel(CHANNEL + id);
                return () => this.busService.deleteChannel(CHANNEL + id);
            },
            () => [this.runId]
        );
        // Whatever way the figures were read anew: without a bus by a button of the form.
        this.refreshList = debounce(() => this.listBus.trigger("REFRESH"), PAUSE);
        useEffect(
            () => {
                if (this.isShown) {
                    this.refreshList();
                }
                this.isShown = true;
            },
            () => {
                const { state, progress } = this.props.record.data;
                return [state, progress, ...TABS.map((tab) => this.count(tab.name))];
            }
        );
        // Apart from the form, which renders all that it has whenever its record is read: the list
        // would be read as often, and forget what is selected.
        useEffect(
            (el, id, tab) => {
                if (!id) {
                    return;
                }
                const { app } = this.__owl__;
                const list = app.createRoot(View, { env: this.env, props: this.viewProps(tab) });
                list.mount(el);
                return () => list.destroy();
            },
            () => [this.listRef.el, this.runId, this.state.tab]
        );
    }

    get runId() {
        return this.props.record.resId;
    }

    get tabs() {
        return TABS;
    }

    /** What there is to do first, else what there is. */
    get firstTab() {
        const found = TABS.find((tab) => this.count(tab.name) && tab.name !== "dropped");
        return found ? found.name : "to_send";
    }

    count(name) {
        const { data } = this.props.record;
        return data[`${name}_count`] + (name === "to_send" ? data.to_print_count : 0);
    }

    viewProps(name) {
        const { states } = TABS.find((tab) => tab.name === name);
        return {
            type: this.env.isSmall ? "kanban" : "list",
            resModel: "pay.now.reminder",
            views: [[false, "list"], [false, "kanban"]],
            searchViewId: false,
            loadIrFilters: true,
            noBreadcrumbs: true,
            domain: [["run_id", "=", this.runId], ["state", "in", states]],
            // What all of them have in common is no column.
            context: { pay_now_tab: name },
            selectRecord: (resId, { activeIds }) => this.open(resId, activeIds),
            createRecord: () => {},
        };
    }

    choose(tab) {
        lastTabs.set(this.runId, tab);
        this.state.tab = tab;
    }

    /** Opens a reminder; the pager leads to those beside it. */
    open(resId, resIds) {
        return this.action.doAction(
            {
                type: "ir.actions.act_window",
                res_model: "pay.now.reminder",
                res_id: resId,
                views: [[false, "form"]],
            },
            { props: { resIds } }
        );
    }

    async refresh() {
        await this.refreshRun();
        this.refreshList();
    }

    /** Reads the figures anew, unless somebody is changing the run. */
    async refreshRun() {
        const { record } = this.props;
        if (!(await record.isDirty())) {
            await record.load();
        }
    }
}

registry.category("view_widgets").add("pay_now_run_reminders", { component: RunReminders });

/** A list or kanban view that is shown within a run: both tell each other what has changed. */
const withinRun = (Controller) =>
    class extends Controller {
        setup() {
            super.setup();
            const bus = this.env.payNowRun?.bus;
            const refresh = () => this.refreshList();
            bus?.addEventListener("REFRESH", refresh);
            onWillUnmount(() => bus?.removeEventListener("REFRESH", refresh));
            useEffect(
                () => {
                    if (this.isOutdated && !this.isInUse) {
                        this.refreshList();
                    }
                },
                () => [this.isInUse]
            );
        }

        /** Whether somebody would lose what they are doing. */
        get isInUse() {
            const { root } = this.model;
            return Boolean(root.editedRecord || root.selection?.length || root.isDomainSelected);
        }

        async refreshList() {
            this.isOutdated = this.isInUse;
            if (!this.isOutdated) {
                await this.model.root.load();
                this.render(true);
            }
        }

        /** @override */
        async afterExecuteActionButton(clickParams) {
            await super.afterExecuteActionButton(clickParams);
            await this.env.payNowRun?.changed();
        }
    };

registry.category("views").add("pay_now_run_reminder_list", {
    ...listView,
    Controller: withinRun(listView.Controller),
});
registry.category("views").add("pay_now_run_reminder_kanban", {
    ...kanbanView,
    Controller: withinRun(kanbanView.Controller),
});
