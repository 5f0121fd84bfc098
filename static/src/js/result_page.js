// Part of Pay Now. See LICENSE file for full copyright and licensing details.

// The result appears by itself. The server is asked less and less often, and not for ever.
(() => {
    const PAUSES = [2, 4, 8, 15, 30, 30, 60, 60, 60, 120, 120]; // seconds
    const result = document.querySelector(".pay-now-result");
    const here = window.location.href;

    async function look() {
        // What the address redirects to does not matter: it lets the provider be asked.
        await fetch(result.dataset.ask, { redirect: "manual" });
        const response = await fetch(here, { cache: "no-store" });
        if (!response.ok) {
            return;
        }
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        const found = page.querySelector(".pay-now-result");
        if (found && !found.dataset.ask) {
            delete result.dataset.ask;
            // A region of its own: screen readers say what changes in it.
            result.replaceChildren(...found.childNodes);
            document.querySelector(".pay-now-next").replaceWith(page.querySelector(".pay-now-next"));
        }
    }

    async function follow() {
        for (const pause of PAUSES) {
            await new Promise((resolve) => setTimeout(resolve, pause * 1000));
            // Offline for a moment: the next time will do.
            await look().catch(() => {});
            if (!result.dataset.ask) {
                return;
            }
        }
        result.querySelector(".pay-now-soon").hidden = true;
        result.querySelector(".pay-now-later").hidden = false;
    }

    if (result?.dataset.ask) {
        follow();
    }
})();
