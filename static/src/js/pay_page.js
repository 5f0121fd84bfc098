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
    const typed = form.querySelector("[name=amount]");

    function write(amount) {
        const [whole, decimals] = Math.abs(amount).toFixed(format.digits).split(".");
        const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, format.separator);
        const number = decimals ? grouped + format.point + decimals : grouped;
        return format.before ? `${format.symbol}\u00a0${number}` : `${number}\u00a0${format.symbol}`;
    }

    function update() {
        let total = 0;
        for (const box of form.querySelectorAll("[name=item]:checked")) {
            total += Number(box.dataset.amount);
        }
        const payable = Number(total.toFixed(format.digits)) > 0;
        output.textContent = write(payable ? total : 0);
        for (const button of form.querySelectorAll("[name=provider_id]")) {
            button.disabled = !payable;
        }
        if (nothing) {
            nothing.hidden = payable;
        }
        if (typed) {
            typed.placeholder = write(payable ? total : 0);
        }
    }

    form.classList.add("pay-now-live");
    form.addEventListener("change", update);
    // Back from the provider, the browser shows the ticks as they were.
    window.addEventListener("pageshow", update);
    update();
})();
