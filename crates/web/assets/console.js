// What a screen reader hears while the time slider moves, the stream that says that something changed, and the mark that says that a
// page stopped refreshing itself.
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

  // One stream for the page in front. It says that items or sources changed; the parts of the page ask for what they show. A page that
  // nobody sees lets go of its connection, since a browser has only a few for each server, and reads itself again when it is seen.
  var mark = document.querySelector("[data-events]");
  var stream = null;
  var timer = null;
  var lost = null;
  function tell(what) { if (window.htmx) window.htmx.trigger(document.body, what); }
  function tellAll() { tell("items"); tell("sources"); }
  function listen(again) {
    if (!mark || stream || document.hidden) return;
    if (again) tellAll();
    var opened = false;
    stream = new EventSource(mark.getAttribute("data-events"));
    stream.onopen = function () {
      // What changed while the line was down is asked for now.
      if (opened) tellAll();
      opened = true;
      quiet();
      stalled(false);
    };
    stream.addEventListener("items", function () { tell("items"); });
    stream.addEventListener("sources", function () { tell("sources"); });
    stream.onerror = function () {
      // A line that comes back at once is not worth a word; one that stays away is.
      if (!lost) lost = setTimeout(function () { stalled(true); }, 6000);
      // The browser tries again by itself unless the server refused; then the page asks by its own clock.
      if (stream && stream.readyState === 2 && !timer) {
        timer = setInterval(function () { if (!document.hidden) tellAll(); }, 15000);
      }
    };
  }
  function quiet() {
    clearInterval(timer);
    clearTimeout(lost);
    timer = lost = null;
  }
  function rest() {
    if (stream) stream.close();
    stream = null;
    quiet();
  }
  if (mark && window.EventSource) {
    listen(false);
    document.addEventListener("visibilitychange", function () {
      if (document.hidden) rest(); else listen(true);
    });
    window.addEventListener("pagehide", rest);
  }

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
