// Part of Pay Now. See LICENSE file for full copyright and licensing details.

// The total follows the ticks. Whatever is shown here, the server decides what is paid.
(() => {
    const form = document.querySelector(".pay-now-form");
    if (!form) {
        return;
    }
    const format = JSON.parse(form.dataset.format);
    const output = form.querySelector(".pay-now-sum");
    if (!output) {
        return; // Nothing of it can be paid here.
    }
    const nothing = form.querySelector(".pay-now-nothing");
    const unticked = form.querySelector(".pay-now-unticked");
    const limits = form.querySelector(".pay-now-limits");
    const other = form.querySelector(".pay-now-other");
    const typed = form.querySelector("[name=amount]");

    function write(amount) {
        const [whole, decimals] = Math.abs(amount).toFixed(format.digits).split(".");
        const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, format.separator);
        const number = decimals ? grouped + format.point + decimals : grouped;
        return format.before ? `${format.symbol}\u00a0${number}` : `${number}\u00a0${format.symbol}`;
    }

    function update() {
        let total = 0;
        const ticked = form.querySelectorAll("[name=item]:checked");
        for (const box of ticked) {
            total += Number(box.dataset.amount);
        }
        const payable = Number(total.toFixed(format.digits)) > 0;
        output.textContent = write(payable ? total : 0);
        const amount = Number(total.toFixed(format.digits));
        let taken = 0;
        for (const button of form.querySelectorAll("[name=provider_id]")) {
            // What is typed is read by the server, in the customer's language.
            const { low, high, step } = button.dataset;
            const steps = amount / (Number(step) || 1);
            const written = !Number(step) || Math.abs(steps - Math.round(steps)) < 1e-6;
            const within = amount >= Number(low) && amount <= Number(high);
            const fits = typed?.value.trim() || (within && written);
            button.disabled = !payable || !fits;
            taken += fits ? 1 : 0;
        }
        if (limits) {
            limits.hidden = !payable || taken > 0;
        }
        if (nothing) {
            nothing.hidden = payable || !ticked.length;
            unticked.hidden = ticked.length > 0;
        }
        if (typed) {
            typed.placeholder = write(payable ? total : 0);
        }
    }

    // What cannot be paid together: the last tick decides.
    function choose(event) {
        const { group } = event.target.dataset;
        if (!other || !group) {
            return;
        }
        other.hidden = true;
        if (event.target.checked) {
            for (const box of form.querySelectorAll("[name=item]:checked")) {
                if (box.dataset.group !== group) {
                    box.checked = false;
                    other.hidden = false;
                }
            }
        }
    }

    form.classList.add("pay-now-live");
    form.addEventListener("change", (event) => {
        choose(event);
        update();
    });
    typed?.addEventListener("input", update);
    // A double click asks once: the second would find the payment being opened by the first.
    let sent = -Infinity;
    form.addEventListener("submit", (event) => {
        if (event.timeStamp - sent < 3000) {
            event.preventDefault();
        } else {
            sent = event.timeStamp;
        }
    });
    // Back from the provider, the browser shows the ticks as they were.
    window.addEventListener("pageshow", () => {
        sent = -Infinity;
        update();
    });
    update();
})();
