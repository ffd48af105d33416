// One workspace: where a verb would lead, the focus after a swap, what was done in words, and Undo beside it.
(() => {
  "use strict";
  const TAKES_AWAY = new Set(["drop", "expunge", "delete", "revert", "rollback", "expunge-all", "close", "expire", "refresh", "make-transient"]);
  const workspace = () => document.getElementById("workspace");
  let asked = null;

  // where a verb would lead
  const clear = () => {
    const board = document.getElementById("board");
    if (!board || !board.dataset.verb) return;
    delete board.dataset.verb;
    for (const each of board.querySelectorAll(".is-next")) each.classList.remove("is-next");
    const preview = document.getElementById("preview");
    preview.querySelector("[data-python]").textContent = "Point at a verb";
    preview.querySelector("[data-where]").textContent = "and see its Python call, and where its object would go.";
  };
  const preview = (button) => {
    const board = document.getElementById("board");
    clear();
    if (!board || !button) return;
    const verb = button.dataset.verb, { goes, python, becomes } = button.dataset;
    board.dataset.verb = verb;
    for (const way of board.querySelectorAll(".way")) way.classList.toggle("is-next", way.dataset.way.split(" ").includes(verb) && isFrom(way, button));
    if (!goes) {
      const panel = document.getElementById("preview"), said = button.querySelector("small");
      panel.querySelector("[data-python]").textContent = button.title.split(":")[0];
      panel.querySelector("[data-where]").textContent = said ? said.textContent : "";
      return;
    }
    const room = board.querySelector(`[data-room="${goes}"]`), card = button.closest("[data-ref]");
    const panel = document.getElementById("preview");
    panel.querySelector("[data-python]").textContent = python;
    panel.querySelector("[data-where]").textContent = `${card.dataset.badge} → ${becomes}`;
    if (!room) return;
    room.classList.add("is-next");
    room.querySelector("[data-ghost]").textContent = card.querySelector(".label").textContent;
    if (!room.contains(card)) room.querySelector(".ghost").classList.add("is-next");
  };
  // of the ways of one name, the one that begins where the object stands
  const FROM = { tp: "transient", pt: "pending", ps: "pending", sd: "persistent", ds: "deleted", sx: "persistent", xs: "detached", xt: "detached", dx: "deleted" };
  const isFrom = (way, button) => {
    const card = button.closest("[data-ref]");
    return !card || [...way.classList].some((name) => FROM[name] === card.dataset.state);
  };
  const pointed = (event) => event.target.closest?.("#board [data-goes], .foot [data-verb]");
  document.addEventListener("pointerover", (event) => { const button = pointed(event); if (button) preview(button); else if (event.target.closest?.("#workspace")) clear(); });
  document.addEventListener("focusin", (event) => { const button = pointed(event); if (button) preview(button); });

  // what was asked, so that the focus can be given back where the work goes on
  document.addEventListener("htmx:before:request", (event) => {
    const source = event.detail.ctx.sourceElement;
    if (!source?.closest?.("#workspace") || (source.getAttribute("hx-trigger") || "").startsWith("every")) return;
    const button = source.matches("form") ? event.detail.ctx.request.submitter : source;
    asked = {
      ref: source.closest("[data-ref]")?.dataset.ref,
      verb: (button || source.querySelector?.("[data-verb], [data-action]"))?.dataset?.verb,
      newest: newest(),
      form: Boolean(document.getElementById("form")),
      id: document.activeElement?.id,
      isTour: Boolean(source.closest("#tour")),
      place: rows().indexOf(source.closest("[data-row]")),
    };
    for (const menu of document.querySelectorAll("#workspace details.menu[open]")) menu.open = false;
  });
  const rows = () => [...document.querySelectorAll("#workspace [data-row]")];
  const newest = () => document.querySelector("#tape > li[data-number]")?.dataset.number;

  document.addEventListener("htmx:after:settle", (event) => {
    if (!asked || !workspace() || event.target !== workspace()) return;
    const done = asked;
    asked = null;
    const form = document.getElementById("form");
    if (form && !done.form) form.querySelector("input:not([type=hidden]), textarea, select")?.focus();
    else if (!isHeld(done)) restore(done);
    if (newest() !== done.newest) tell(done.verb);
  });
  // a button that was morphed into another verb is none that the person chose
  const isHeld = ({ ref, verb, isTour }) => {
    const active = document.activeElement;
    if (!active || active === document.body || isTour) return false;
    return !ref || (active.dataset.verb ?? verb) === verb;
  };
  const restore = ({ ref, verb, id, isTour, place }) => {
    const card = ref && document.querySelector(`#workspace [data-ref="${CSS.escape(ref)}"]`);
    const same = card ? card.querySelector(`[data-verb="${verb}"]:not([data-force])`) : verb && document.querySelector(`.foot [data-verb="${verb}"]:not(:disabled)`);
    const next = isTour ? document.querySelector("#tour [data-tour]") : ref && !card && rows().at(Math.min(place, rows().length - 1));
    const field = document.getElementById(id);
    (next || same || card || (field?.checkVisibility() && field) || document.querySelector("#workspace .tabs [aria-current]"))?.focus({ preventScroll: false });
  };

  // what was refused: each field of the open form says what is wrong with it, and a conflict is brought into sight
  const unmark = () => {
    for (const problem of document.querySelectorAll("#form [data-marked]")) problem.remove();
    for (const field of document.querySelectorAll("#form [aria-invalid]")) field.removeAttribute("aria-invalid");
  };
  const mark = (fields) => {
    unmark();
    for (const [name, words] of Object.entries(fields)) {
      const place = document.querySelector(`#form [data-field="${CSS.escape(name)}"]`), field = place?.querySelector("input:not([type=hidden]), textarea, select");
      if (!field) continue;
      place.closest("details")?.toggleAttribute("open", true);
      const problem = document.createElement("small");
      Object.assign(problem, { className: "problem", id: `${field.id}-problem`, textContent: words });
      problem.dataset.marked = "";
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", `${field.id}-type ${problem.id}`);
      field.after(problem);
    }
  };
  document.addEventListener("htmx:after:swap", (event) => {
    const context = event.detail.ctx;
    if (!context?.sourceElement?.closest?.("#workspace") || (context.response?.status ?? 0) < 400) return;
    const told = document.querySelector("#messages [data-fields]"), conflict = document.querySelector("#conflicts h2");
    if (told) mark(JSON.parse(told.dataset.fields));
    conflict?.scrollIntoView({ block: "center" });
    conflict?.focus({ preventScroll: true });
  });

  // in words for who does not see it, and with Undo for what took something away
  const tell = (verb) => {
    const entry = document.querySelector("#tape > li[data-number]");
    const python = entry.querySelector(".python").textContent.trim().split("\n").pop();
    const moves = [...entry.querySelectorAll(".moves li")].map((each) => each.textContent.replace("→", "to"));
    document.getElementById("said").textContent = [python, ...moves.slice(0, 3)].join("; ");
    const undo = document.querySelector("[data-verb='undo']:not(:disabled)");
    if (TAKES_AWAY.has(verb) && undo) toast(undo.querySelector("[data-what]").textContent, undo);
  };
  const toast = (words, undo) => {
    const box = document.createElement("div"), text = document.createElement("p");
    box.className = "toast";
    text.textContent = `Done: ${words}`;
    box.append(text);
    if (undo) {
      const button = document.createElement("button");
      button.className = "small";
      button.textContent = "Undo";
      button.addEventListener("click", () => { box.remove(); document.querySelector("[data-verb='undo']:not(:disabled)")?.click(); });
      box.append(button);
    }
    document.getElementById("toasts").replaceChildren(box);
    setTimeout(() => { if (!box.matches(":hover, :focus-within")) box.remove(); }, 8000);
  };

  // a copy of the tape goes to the clipboard where the browser lets it, else it opens
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-copies]");
    if (!link || !navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const answer = await fetch(link.href);
    if (!answer.ok) { location.href = link.href; return; }
    await navigator.clipboard.writeText(await answer.text());
    toast(`the tape is copied as ${link.textContent}`);
  });
})();
