// Part of Pay Now. See LICENSE file for full copyright and licensing details.

// What is transferred follows the ticks, and is copied by a click. Reference and QR code are the
// server's: where it does not answer, nothing is shown that belongs to other ticks.
(() => {
    const section = document.querySelector(".pay-now-transfer");
    if (!section) {
        return;
    }

    function show(element, shown) {
        if (element) {
            element.hidden = !shown;
        }
    }

    // === Copying === //

    // Where the page is not served by https there is no other way.
    function copyByHand(text) {
        const area = document.createElement("textarea");
        area.value = text;
        area.className = "pay-now-spoken";
        section.append(area);
        area.focus();
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        return done;
    }

    async function copy(button) {
        const text = button.dataset.copy;
        let done = false;
        try {
            await navigator.clipboard.writeText(text);
            done = true;
        } catch {
            done = copyByHand(text);
        }
        if (!done) {
            // The text can still be selected by hand.
            button.hidden = true;
            return;
        }
        const [label, copied] = button.children;
        show(label, false);
        show(copied, true);
        clearTimeout(button.payNowTimer);
        button.payNowTimer = setTimeout(() => {
            show(copied, false);
            show(label, true);
        }, 2000);
    }

    section.addEventListener("click", (event) => {
        const button = event.target.closest(".pay-now-copy");
        if (button) {
            copy(button);
            button.focus();
        }
    });

    for (const image of section.querySelectorAll(".pay-now-qr img")) {
        image.addEventListener("error", () => show(image.closest(".pay-now-qr"), false));
    }

    // === Following the ticks === //

    const form = document.querySelector(".pay-now-form");
    const ways = [...section.querySelectorAll("[data-account]")];
    if (!form || !ways.length) {
        return;
    }

    function write(way, transfer) {
        for (const part of way.querySelectorAll(".pay-now-asked")) {
            show(part, Boolean(transfer));
        }
        const qr = way.querySelector(".pay-now-qr");
        show(qr, Boolean(transfer?.qr));
        if (!transfer) {
            return;
        }
        const invoices = way.querySelector(".pay-now-invoices");
        if (invoices) {
            invoices.textContent = transfer.invoices;
        }
        way.querySelector(".pay-now-transfer-amount").textContent = transfer.amount_text;
        way.querySelector("[data-kind=amount]").dataset.copy = transfer.amount_plain;
        way.querySelector(".pay-now-reference").textContent = transfer.reference;
        way.querySelector("[data-kind=reference]").dataset.copy = transfer.reference;
        show(way.querySelector(".pay-now-quoted"), transfer.reference);
        show(way.querySelector(".pay-now-unquoted"), !transfer.reference);
        if (transfer.qr) {
            qr.querySelector("img").src = transfer.qr;
        }
    }

    function writeAll(transfers) {
        const known = new Map(transfers.map((one) => [String(one.account), one]));
        for (const way of ways) {
            write(way, known.get(way.dataset.account));
            show(way, known.has(way.dataset.account));
        }
        // Where to transfer is worth knowing before anything is ticked.
        if (!ways.some((way) => !way.hidden)) {
            show(ways[0], true);
        }
    }

    const ticked = () =>
        [...form.querySelectorAll("[name=item]:checked")].map((box) => box.value).join("-");
    let asked = ticked();
    let timer;

    async function ask() {
        const items = ticked();
        if (items === asked) {
            section.classList.remove("pay-now-asking");
            return;
        }
        asked = items;
        let transfers = [];
        if (items) {
            const url = new URL(section.dataset.transfers, window.location.href);
            url.searchParams.set("items", items);
            try {
                const answer = await fetch(url);
                transfers = answer.ok ? await answer.json() : [];
            } catch {
                transfers = [];
            }
        }
        if (items === asked && items === ticked()) {
            writeAll(transfers);
            section.classList.remove("pay-now-asking");
        }
    }

    function follow() {
        if (ticked() !== asked) {
            section.classList.add("pay-now-asking");
        }
        clearTimeout(timer);
        timer = setTimeout(ask, 200);
    }

    form.addEventListener("change", follow);
    // Back from the provider, the browser shows the ticks as they were.
    window.addEventListener("pageshow", follow);
})();
