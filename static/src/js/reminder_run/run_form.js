// Part of Pay Now. See LICENSE file for full copyright and licensing details.

import { browser } from "@web/core/browser/browser";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";

/** The time between the two clicks of a double click, at most. */
const DOUBLE_CLICK = 500;

/** Asks before a run is sent, with the figures of this moment and what is wrong with its texts. */
export class RunFormController extends FormController {
    /** @override */
    async beforeExecuteActionButton(clickParams) {
        const goOn = await super.beforeExecuteActionButton(clickParams);
        if (goOn === false || clickParams.name !== "action_send") {
            return goOn;
        }
        const { title, lines } = await this.orm.call(
            this.props.resModel, "send_question", [[this.model.root.resId]]
        );
        // Without a question there is nothing to send: the server says why.
        return !title || this.confirmed(title, lines);
    }

    /** @returns {Promise<boolean>} whether somebody wants to go on */
    confirmed(title, lines) {
        return new Promise((resolve) => {
            this.dialogService.add(
                ConfirmationDialog,
                {
                    title,
                    body: lines.join("\n") || _t("The mails leave in the background."),
                    confirmLabel: _t("Send"),
                    // Still there for the second click of two, which would else fall on what is below.
                    confirm: () => {
                        resolve(true);
                        return new Promise((close) => browser.setTimeout(close, DOUBLE_CLICK));
                    },
                    cancelLabel: _t("Not yet"),
                    cancel: () => resolve(false),
                },
                { onClose: () => resolve(false) }
            );
        });
    }
}

registry.category("views").add("pay_now_run_form", {
    ...formView,
    Controller: RunFormController,
});
