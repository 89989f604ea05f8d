// A date field shows a day as the browser's own language writes it, which may not be the page's: below it stands the day in
// words, in the language of the page, as soon as there is one.

(() => {
  "use strict";
  const words = new Intl.DateTimeFormat(document.documentElement.lang || "en", { dateStyle: "full" });

  function say(input, place) {
    place.textContent = input.value && input.valueAsDate ? words.format(new Date(`${input.value}T12:00`)) : "";
  }

  for (const input of document.querySelectorAll('input[type="date"]')) {
    const place = document.createElement("span");
    place.className = "hint";
    place.id = `${input.id}-words`;
    input.after(place);
    input.setAttribute("aria-describedby", [input.getAttribute("aria-describedby"), place.id].filter(Boolean).join(" "));
    input.addEventListener("input", () => say(input, place));
    say(input, place);
  }
})();
