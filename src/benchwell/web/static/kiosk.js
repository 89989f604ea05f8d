// A kiosk keeps nothing: pages of it replace one another in the browser's history, so that "back" leads to the code.

(() => {
  "use strict";
  const leave = document.querySelector("[data-leave]");
  leave?.addEventListener("click", (event) => {
    event.preventDefault();
    location.replace(leave.href);
  });
  if (leave) history.replaceState(null, "", "/kiosk");
  // A page that comes back from the browser's memory is loaded anew.
  addEventListener("pageshow", (event) => event.persisted && location.replace("/kiosk"));
  document.querySelector("[data-kiosk]")?.reset();
})();
