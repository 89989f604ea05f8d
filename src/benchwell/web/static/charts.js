// Draws every `figure.chart` of the page from the Vega-Lite specification in it, in the page's own colours and typeface.
// Without this script the words and the table of the chart are there all the same.
//
// Content security: formulas are interpreted (`ast`), never evaluated; nothing is loaded but Vega from this service.
// Colours are written `var(--own)` in a specification; they get the value that the style sheet has at the moment, so that
// a chart is right in light, dark and print.

(() => {
  "use strict";
  const own = document.currentScript.dataset;
  const FONT = '"Atkinson Hyperlegible Next", system-ui, sans-serif';
  const NARROW = 460; // pixels below which the picture for a phone is drawn
  const drawn = new Map(); // figure -> {view, width}
  let library = null;

  function script(address) {
    return new Promise((resolve, reject) => {
      const made = document.createElement("script");
      made.src = address;
      made.addEventListener("load", resolve);
      made.addEventListener("error", () => reject(new Error("A script for charts did not load.")));
      document.head.append(made);
    });
  }

  // A page without charts never loads Vega.
  function load() {
    library ??= Promise.all([
      script(own.vega).then(() => Promise.all([script(own.vegaLite), script(own.interpreter)])),
      document.fonts.load('16px "Atkinson Hyperlegible Next"').catch(() => []),
    ]);
    return library;
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(name).trim() || "gray";
  }

  // The specification with every `var(--name)` as the colour that it is now.
  function coloured(part, colour) {
    if (typeof part === "string") return part.replace(/var\((--[a-z-]+)\)/g, (_all, name) => colour(name));
    if (Array.isArray(part)) return part.map((one) => coloured(one, colour));
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, coloured(value, colour)]));
  }

  function look(colour) {
    const text = { labelColor: colour("--ink"), titleColor: colour("--ink"), labelFontSize: 13, titleFontSize: 13 };
    const axis = { gridColor: colour("--grid"), domainColor: colour("--muted"), tickColor: colour("--muted") };
    return {
      font: FONT,
      background: null,
      padding: 4,
      view: { stroke: null },
      axis: { ...text, ...axis, titleFontWeight: "normal", labelOverlap: true, labelFlush: false },
      legend: { ...text, titleFontWeight: "normal", orient: "bottom" },
      header: text,
      title: { color: colour("--ink"), subtitleColor: colour("--muted"), fontSize: 14, anchor: "start" },
      text: { color: colour("--ink"), fontSize: 13 },
      line: { color: colour("--own"), strokeWidth: 2 },
      point: { color: colour("--own"), filled: true, size: 60 },
      area: { color: colour("--expect") },
      rule: { color: colour("--muted") },
      rect: { color: colour("--band") },
      bar: { color: colour("--own") },
      range: { category: ["--own", "--mark", "--peer", "--above", "--below"].map(colour) },
    };
  }

  // Later parts win; what a specification says about its own axes stays, but the typeface is the page's.
  function merged(first, second) {
    const both = { ...first };
    for (const [name, value] of Object.entries(second ?? {})) {
      const isPart = value && typeof value === "object" && !Array.isArray(value);
      both[name] = isPart ? merged(first[name] ?? {}, value) : value;
    }
    return both;
  }

  const German = {
    number: { decimal: ",", thousands: ".", grouping: [3], currency: ["", " €"] },
    time: {
      dateTime: "%A, der %e. %B %Y, %X", date: "%d.%m.%Y", time: "%H:%M:%S", periods: ["AM", "PM"],
      days: ["Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"],
      shortDays: ["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"],
      months: ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
      shortMonths: ["Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
    },
  };

  function compiled(figure, width) {
    const colour = colours();
    const wide = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const written = (width < NARROW && wide.usermeta?.narrow) || wide; // a desk's picture does not shrink to a phone's
    const spec = coloured(written, colour);
    const config = { ...merged(look(colour), spec.config), font: FONT, background: null };
    const parts = ["hconcat", "vconcat", "concat", "facet", "repeat"];
    if (!parts.some((name) => name in spec)) {
      spec.width = width;
      spec.autosize = { type: "fit-x", contains: "padding" };
    }
    return window.vegaLite.compile({ ...spec, background: null, config }).spec;
  }

  function room(figure) {
    let place = figure.querySelector(".chart-draw");
    if (!place) {
      place = document.createElement("div");
      place.className = "chart-draw";
      place.tabIndex = 0;
      place.setAttribute("role", "img");
      const words = figure.querySelector("p.hidden");
      place.setAttribute("aria-label", (words ?? figure.querySelector("figcaption")).textContent.trim());
      const picture = document.createElement("div"); // Vega writes its own words on it
      picture.setAttribute("aria-hidden", "true");
      place.append(picture);
      words?.setAttribute("aria-hidden", "true"); // said once
      figure.querySelector('script[type="application/json"]').before(place); // below what the upright axis shows
    }
    place.classList.add("drawn");
    return place;
  }

  function draw(figure) {
    const place = room(figure);
    const width = Math.max(240, Math.floor(place.clientWidth));
    drawn.get(figure)?.view.finalize();
    const german = document.documentElement.lang === "de";
    const view = new window.vega.View(window.vega.parse(compiled(figure, width), null, { ast: true }), {
      expr: window.vegaExpressionInterpreter,
      renderer: "svg",
      container: place.firstElementChild,
      hover: false,
      locale: german ? German : undefined,
      loader: { load: () => Promise.reject(new Error("Charts load nothing.")) },
      logLevel: window.vega.Error,
    });
    view.run();
    drawn.set(figure, { view, width });
  }

  function drawOne(figure) {
    try {
      draw(figure);
    } catch (error) {
      figure.querySelector(".chart-draw")?.remove(); // its table is still there
      console.error(error);
    }
  }

  function drawNew() {
    for (const figure of drawn.keys()) {
      if (!figure.isConnected) {
        drawn.get(figure).view.finalize();
        drawn.delete(figure);
      }
    }
    const wanted = [...document.querySelectorAll("figure.chart")].filter(
      (figure) => !drawn.has(figure) && figure.querySelector('script[type="application/json"]'),
    );
    if (wanted.length) load().then(() => wanted.filter((one) => !drawn.has(one)).forEach(drawOne), console.error);
  }

  function drawAgain() {
    [...drawn.keys()].forEach(drawOne);
  }

  let waiting = 0;
  function onResize() {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      for (const [figure, { width }] of drawn) {
        const now = figure.querySelector(".chart-draw")?.clientWidth ?? width;
        if (Math.abs(now - width) > 8) drawOne(figure);
      }
    });
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);
  matchMedia("print").addEventListener("change", drawAgain);
  addEventListener("resize", onResize);
  // Parts of a page come and go; whoever brought them need not know of charts.
  new MutationObserver(drawNew).observe(document.body, { childList: true, subtree: true });
  drawNew();
})();
