// Runs before the first paint, so that the chosen theme never flashes. A classic script on purpose.
(function () {
    "use strict";
    try {
        const chosen = localStorage.getItem("bullpen-theme");
        if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
    } catch (error) {
        // Storage may be forbidden; the system's theme is used then.
    }
})();
