// A date field shows a day as the browser's own language writes it, which may not be the page's: beside it stands the day
// in words, in the language of the page. An element with `data-day-of` names the field whose day it is to say.

(() => {
  "use strict";
  const language = document.documentElement.lang;
  const words = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "full" });

  function placeFor(input) {
    const given = document.querySelector(`[data-day-of="${CSS.escape(input.id)}"]`);
    if (given) return given;
    const made = document.createElement("span");
    made.className = "hint";
    made.id = `${input.id}-words`;
    input.after(made);
    input.setAttribute("aria-describedby", [input.getAttribute("aria-describedby"), made.id].filter(Boolean).join(" "));
    return made;
  }

  for (const input of document.querySelectorAll('input[type="date"]')) {
    const place = placeFor(input);
    const say = () => { place.textContent = input.value ? words.format(new Date(`${input.value}T12:00`)) : ""; };
    input.addEventListener("input", say);
    say();
  }
})();
