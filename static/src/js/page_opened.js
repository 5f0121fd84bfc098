// Part of Pay Now. See LICENSE file for full copyright and licensing details.

// Says once that somebody looks at the page: it was in sight for some seconds, or used. What loads
// an address to look for viruses mostly does neither. Nothing is sent but that.
(() => {
    const SECONDS = 3;
    const USES = ["pointerdown", "keydown", "wheel"];
    const { opened } = document.body.dataset;
    if (!opened) {
        return;
    }
    let timer;

    function tell() {
        stop();
        // Whatever comes of it is no matter of whoever reads the page.
        navigator.sendBeacon?.(opened);
    }

    function use(event) {
        if (event.isTrusted) {
            tell();
        }
    }

    function watch() {
        clearTimeout(timer);
        if (document.visibilityState === "visible") {
            timer = setTimeout(tell, SECONDS * 1000);
        }
    }

    function stop() {
        clearTimeout(timer);
        document.removeEventListener("visibilitychange", watch);
        for (const name of USES) {
            window.removeEventListener(name, use);
        }
    }

    document.addEventListener("visibilitychange", watch);
    for (const name of USES) {
        window.addEventListener(name, use, { passive: true });
    }
    watch();
})();
