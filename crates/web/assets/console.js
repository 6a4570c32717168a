// What a screen reader hears while the time slider moves, and the mark that says a page stopped refreshing itself.
// Everything here is an addition: the pages work without it.
(function () {
  "use strict";

  function speak(slider) {
    var list = document.getElementById(slider.getAttribute("list"));
    var option = list && list.options[Number(slider.value)];
    if (!option) return;
    slider.setAttribute("aria-valuetext", option.label);
    var output = document.getElementById("moment-words");
    if (output) output.textContent = option.label;
  }

  document.addEventListener("input", function (event) {
    if (event.target.matches("input[type=range]")) speak(event.target);
  });
  var slider = document.querySelector("input[type=range]");
  if (slider) speak(slider);

  function stalled(on) {
    var mark = document.getElementById("stalled");
    if (mark) mark.hidden = !on;
  }
  document.addEventListener("htmx:sendError", function () { stalled(true); });
  document.addEventListener("htmx:timeout", function () { stalled(true); });
  document.addEventListener("htmx:responseError", function () { stalled(true); });
  document.addEventListener("htmx:afterSwap", function () { stalled(false); });

  // After half an hour without a key, a click or a scroll the session is over, and what is on the screen goes too.
  var idle = 30 * 60 * 1000;
  var lock = setTimeout(leave, idle);
  function leave() { window.location.assign("/signin"); }
  ["keydown", "pointerdown", "scroll"].forEach(function (name) {
    document.addEventListener(name, function () {
      clearTimeout(lock);
      lock = setTimeout(leave, idle);
    }, { passive: true, capture: true });
  });

  // A page that the browser kept must not come back after somebody signed out.
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) window.location.reload();
  });
})();
