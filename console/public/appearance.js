// Sets light or dark before the first paint, so that a dark room is not lit up. External because of the content policy.
(function () {
  try {
    var theme = localStorage.getItem("vigie.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage refused: the system's preference decides.
  }
})();
