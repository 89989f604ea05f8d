// Entering a form by keyboard: a digit answers the question and goes on to the next, the total is shown while one types.
// Without this script the radio buttons do the same, one at a time.

(() => {
  "use strict";
  const LEFT_OUT = "none";

  function begin(form) {
    const questions = [...form.querySelectorAll("[data-question]")];
    const byKeys = form.hasAttribute("data-keys");
    const total = form.querySelector("[data-total]");
    const left = form.querySelector("[data-left]");
    const progress = form.querySelector("[data-progress]");

    const inputs = (question) => [...question.querySelectorAll('input[type="radio"]')];
    const typed = (question) => question.querySelector('input:not([type="radio"], [type="checkbox"])');
    const leftOut = (question) => question.querySelector('input[type="checkbox"]');

    // What is said of a question: an answer, or that it was left out.
    function chosen(question) {
      const field = typed(question);
      if (!field) return inputs(question).find((one) => one.checked);
      if (leftOut(question)?.checked) return leftOut(question);
      return field.value.trim() ? { value: field.value.trim().replace(",", ".") } : undefined;
    }

    function sum(answers) {
      const found = answers.reduce((all, one) => all + Number(one.value), 0);
      return Number.isNaN(found) ? total.dataset.none : found.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
    }

    function count() {
      const said = questions.map(chosen).filter(Boolean); // also that a question was left out
      const answers = said.filter((one) => one.value !== LEFT_OUT);
      const open = questions.length - said.length;
      if (total) total.textContent = answers.length ? sum(answers) : total.dataset.none;
      if (left) left.textContent = open ? `${left.dataset.text} ${open}` : "";
      if (progress) progress.textContent = progress.dataset.text.replace("{done}", said.length).replace("{all}", questions.length);
    }

    function goTo(place) {
      const question = questions[place];
      if (!question) {
        form.querySelector("button:not([type='button'])").focus();
        return;
      }
      (inputs(question).find((one) => one.checked) ?? inputs(question)[0]).focus();
      question.scrollIntoView({ block: "nearest" });
    }

    function onKey(event) {
      const question = event.target.closest?.("[data-question]");
      if (!question || event.ctrlKey || event.altKey || event.metaKey) return;
      const isRadio = event.target.type === "radio";
      if (!isRadio) return;
      const leaveOut = event.key === "m";
      const wanted = inputs(question).find((one) => (leaveOut ? one.value === LEFT_OUT : one.value === event.key));
      if (wanted && (leaveOut || /^[0-9]$/.test(event.key))) {
        event.preventDefault();
        wanted.checked = true;
        count();
        goTo(questions.indexOf(question) + 1);
      } else if (event.key === "Backspace") {
        event.preventDefault();
        goTo(Math.max(0, questions.indexOf(question) - 1));
      }
    }

    form.addEventListener("change", count);
    form.addEventListener("input", (event) => {
      const question = event.target.closest("[data-question]");
      if (question && event.target === typed(question)) leftOut(question).checked = false; // a number is an answer
      count();
    });
    if (byKeys) {
      form.addEventListener("keydown", onKey);
      goTo(Math.max(0, questions.findIndex((one) => !chosen(one)))); // after an error, the first that is open
    }
    count();
  }

  document.querySelectorAll("form[data-entry]").forEach(begin);
})();
