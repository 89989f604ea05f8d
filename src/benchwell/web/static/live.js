// Keeps an open page up to date: what arrives is shown at once, then the parts of the page that depend on it are fetched
// anew. An element with `data-live` names the stream and takes the news; elements with `data-part` are what is renewed.
// The browser's own EventSource connects again by itself; after a break everything is fetched, since news may be missed.

(() => {
  "use strict";
  const place = document.querySelector("[data-live]");
  if (!place || !window.EventSource) return;

  const KEPT = 5;
  let waiting = 0;
  let wasLost = false;

  function inUse(part) {
    const active = document.activeElement;
    return part.contains(active) && active.matches("input, select, textarea");
  }

  // Somebody who is choosing what was done must not lose the choice: such a part waits.
  async function renew() {
    const answer = await fetch(location.href, { headers: { "x-live": "1" }, credentials: "same-origin" });
    // Not ours any more, or nobody is signed in: what stands here must not stay.
    if (answer.redirected || [401, 403, 404, 410].includes(answer.status)) return location.reload();
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    let isWhole = true;
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!fresh) continue;
      if (inUse(part)) {
        isWhole = false;
        part.addEventListener("focusout", soon, { once: true });
      } else {
        part.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
      }
    }
    // What had to be looked at stands in the page itself by now, with what can be done about it: it is said once.
    if (isWhole) place.querySelectorAll("[data-until-renewed]").forEach((one) => one.remove());
    document.dispatchEvent(new CustomEvent("benchwell:renewed"));
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(() => renew().catch(console.error), 200);
  }

  function show(html) {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    for (const node of [...parsed.body.children]) {
      if (node.id) document.getElementById(node.id)?.remove();
      place.prepend(document.importNode(node, true));
    }
    [...place.children].slice(KEPT).forEach((node) => !node.matches("[role=alert]") && node.remove());
    soon();
  }

  const source = new EventSource(place.dataset.live);
  for (const kind of ["score", "safety"]) source.addEventListener(kind, (event) => show(event.data));
  source.addEventListener("reload", soon);
  source.addEventListener("error", () => { wasLost = true; });
  source.addEventListener("open", () => {
    if (wasLost) soon();
    wasLost = false;
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
})();
