/* Tells of a browser that is too old, in the language of the oldest: one that knows no modules, or not all that ours are
   written with. It stands before them, so that it hears of what they fail at. */
(function () {
  function tell() {
    document.getElementById("old").removeAttribute("hidden");
  }
  if (!("noModule" in document.createElement("script"))) tell();
  window.addEventListener("error", function (event) {
    if (event.error instanceof SyntaxError) tell();
  });
})();
