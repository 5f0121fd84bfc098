// Part of Pay Now. See LICENSE file for full copyright and licensing details.

// Without a script there is no button to print, and with one it works wherever it comes from later.
(() => {
    document.documentElement.classList.add("pay-now-script");
    document.addEventListener("click", (event) => {
        if (event.target.closest("[data-print]")) {
            window.print();
        }
    });
})();
