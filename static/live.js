// Live parts: what stands in [data-live] is swapped when its topic changes; held back while the tab is hidden or text is selected.
(() => {
  "use strict";
  const { worker, stream } = document.currentScript.dataset;
  const lamp = document.getElementById("lamp");
  const WORDS = { live: "live", polling: "polling", paused: "paused", lost: "lost" };
  const held = new Map();
  let post = () => {}, followed = null, last = { state: "", why: "", since: 0 };

  const say = (state, why = "", since = Date.now()) => {
    const words = why || WORDS[state];
    if (!lamp || (lamp.dataset.state === state && lamp.textContent === words)) return;
    lamp.dataset.state = state;
    lamp.textContent = words;
    lamp.title = `${words} since ${new Date(since).toLocaleTimeString()}`;
    lamp.dataset.since = new Date(since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  };
  // what stands in something closed is not followed until it is opened
  const isOpen = (part) => !part.parentElement.closest("details:not([open])");
  const topics = () => [...new Set([...document.querySelectorAll("[data-live]")].filter(isOpen).map((part) => part.dataset.live))];
  const somebodySelects = () => {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && selection.toString() !== "";
  };
  const isStill = () => document.hidden || somebodySelects() || document.documentElement.hasAttribute("data-selecting");

  // who walks over what has been by the keyboard keeps it under the fingers
  const isWalked = (topic) => document.querySelector(`[data-live="${CSS.escape(topic)}"] a.bar:not(.is-open):focus-visible`) !== null;

  // rows do not change places under who reads them: they stay as the page was opened, what is new comes last, and it is said
  const inOrder = (part, html) => {
    const kept = part.querySelectorAll("[data-keeps-order]");
    if (!kept.length) return html;
    const drawn = document.createElement("template");
    drawn.innerHTML = html;
    for (const list of kept) {
      const anew = drawn.content.getElementById(list.id);
      if (!anew) continue;
      const places = new Map([...list.children].map((row, place) => [row.id, place]));
      const place = ({ id }) => places.get(id) ?? places.size;
      const rows = [...anew.children], sorted = rows.toSorted((one, other) => place(one) - place(other));
      if (rows.every((row, at) => row === sorted[at])) continue;
      anew.append(...sorted);
      for (const said of drawn.content.querySelectorAll(`[data-order-of="${CSS.escape(list.id)}"] > *`)) said.hidden = !said.hidden;
    }
    return drawn.innerHTML;
  };

  const show = (topic, html) => {
    if (topic === "gone") {
      htmx.swap({ text: html, target: document.getElementById("messages"), swap: "innerHTML" });
      return;
    }
    for (const part of document.querySelectorAll(`[data-live="${CSS.escape(topic)}"]`)) {
      // what stands below rows that come and go stays where it is: they keep the most room that they have taken
      const heights = [...part.querySelectorAll("[data-steady]")].map((each) => [each.id, each.offsetHeight]);
      htmx.swap({ text: inOrder(part, html), sourceElement: part, target: part, swap: "outerMorph" });
      for (const [id, height] of heights) document.getElementById(id)?.style.setProperty("min-height", `${height}px`);
      part.dispatchEvent(new CustomEvent("poolhouse:live", { bubbles: true, detail: { topic } }));
    }
  };
  window.addEventListener("resize", () => { for (const each of document.querySelectorAll("[data-steady]")) each.style.removeProperty("min-height"); });
  const release = () => {
    if (isStill()) return;
    for (const [topic, html] of held) {
      if (isWalked(topic)) continue;
      held.delete(topic);
      show(topic, html);
    }
    if (last.state && !held.size) say(last.state, last.why, last.since);
  };
  const follow = () => {
    const wanted = document.hidden ? [] : topics();
    if (wanted.join() === followed) return;
    followed = wanted.join();
    post({ address: stream, topics: wanted });
  };
  const heard = (message) => {
    if ("state" in message) {
      last = message;
      if (!isStill() && followed) say(message.state, message.why, message.since);
    } else if (isStill() || isWalked(message.topic)) {
      held.set(message.topic, message.html);
      say("paused");
    } else if (message.topic === "gone" || followed) show(message.topic, message.html);
  };

  const begin = () => {
    if ("SharedWorker" in window) {
      const port = new SharedWorker(worker, { name: "poolhouse" }).port;
      port.onmessage = ({ data }) => heard(data);
      post = (message) => port.postMessage(message);
    } else {
      const feed = new window.poolhouseFeed(stream, (topic, html) => heard({ topic, html }), (state, why, since) => heard({ state, why, since }));
      post = (message) => feed.follow(message.bye ? [] : message.topics);
    }
    follow();
    setInterval(() => { if (followed) post({ address: stream, topics: followed.split(",") }); }, 30000);
  };

  // what a person opened stays open when the part around it is drawn anew
  htmx.registerExtension("poolhouse-live", {
    htmx_before_morph_attr: (element, detail) => !(detail.attrName === "open" && detail.newValue === null),
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) say("paused");
    follow();
    release();
  });
  document.addEventListener("selectionchange", release);
  document.addEventListener("focusout", () => { if (held.size) setTimeout(release); });
  document.addEventListener("pointerdown", (event) => { if (event.target.closest("[data-live]") && event.button === 0 && !event.target.closest("a, button, summary, input, select")) document.documentElement.toggleAttribute("data-selecting", true); });
  for (const over of ["pointerup", "pointercancel"]) document.addEventListener(over, () => { document.documentElement.removeAttribute("data-selecting"); setTimeout(release); });
  document.addEventListener("htmx:after:swap", follow);
  document.addEventListener("toggle", ({ target }) => {
    target.closest?.("[data-steady]")?.style.removeProperty("min-height");
    if (target.querySelector?.("[data-live]")) follow();
  }, true);
  window.addEventListener("pagehide", () => { followed = null; post({ address: stream, bye: true, topics: [] }); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
  if (!lamp || (!topics().length && !document.querySelector("[hx-trigger^='every']"))) return;
  if ("SharedWorker" in window) begin();
  else document.head.append(Object.assign(document.createElement("script"), { src: worker, onload: begin }));
})();
