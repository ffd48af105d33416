// A list of records: select all, say how many, only the comparisons that a column has, and a cell edited where it stands.
(() => {
  "use strict";
  const form = document.getElementById("many");

  // only the comparisons that the chosen column has
  const column = document.getElementById("filter-column"), operator = document.getElementById("filter-operator");
  const narrow = () => {
    const known = (column.selectedOptions[0]?.dataset.operators || "").split(" ");
    for (const option of operator.options) { option.hidden = !known.includes(option.value); option.disabled = option.hidden; }
    if (operator.selectedOptions[0]?.disabled) operator.value = known[0];
    document.getElementById("filter-value").placeholder = { isnull: "true or false", in: "one, two, three", between: "least, most" }[operator.value] || "";
  };
  if (column && operator) {
    for (const each of [column, operator]) each.addEventListener("change", narrow);
    narrow();
  }

  // sort by one more
  document.querySelector("#rows thead")?.addEventListener("click", (event) => {
    const head = event.target.closest("a[data-also]");
    if (!head || !event.shiftKey) return;
    event.preventDefault();
    location.assign(head.dataset.also);
  });
  if (!form) return;

  // select
  const boxes = () => [...form.querySelectorAll("tbody input[name=keys]")];
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Select all of this page");
  form.querySelector("thead .select")?.replaceChildren(all);
  const everything = form.querySelector("input[name=all]"), said = form.querySelector("[data-selected]");
  const count = () => {
    const chosen = boxes().filter((box) => box.checked).length, of = boxes().length;
    all.checked = chosen === of && of > 0;
    all.indeterminate = chosen > 0 && chosen < of;
    said.textContent = everything.checked ? "All selected" : chosen ? `${chosen} selected` : "Select rows";
    form.querySelector(".many").classList.toggle("has-some", chosen > 0 || everything.checked);
    for (const button of form.querySelectorAll(".many button")) button.disabled = !chosen && !everything.checked;
  };
  let last = null;
  form.addEventListener("click", (event) => {
    const box = event.target.closest("tbody input[name=keys]");
    if (!box) return;
    if (event.shiftKey && last) {
      const list = boxes(), [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
      for (const each of list.slice(from, to + 1)) each.checked = box.checked;
    }
    last = box;
    count();
  });
  all.addEventListener("change", () => { for (const box of boxes()) box.checked = all.checked; count(); });
  everything.addEventListener("change", count);
  form.addEventListener("change", count);
  window.addEventListener("pageshow", count);
  count();
})();

// A cell edited where it stands: a click or Enter opens it, Enter stages or saves it, Escape leaves it as it was; arrows go from cell to cell.
(() => {
  "use strict";
  const table = document.querySelector("#rows[data-here]");
  if (!table) return;
  const names = new Set([...table.querySelectorAll("th[data-can-edit]")].map((head) => head.dataset.canEdit));
  const prepare = (cell) => { if (names.has(cell.dataset.column)) { cell.toggleAttribute("data-edit", true); cell.tabIndex = -1; } };
  for (const cell of table.querySelectorAll("tr[data-key] [data-column]")) prepare(cell);

  const address = (cell) => `${table.dataset.here}${cell.closest("tr").dataset.key}/cells/${encodeURIComponent(cell.dataset.column)}`;
  const remembered = () => { try { return localStorage.getItem("poolhouse-stage") || ""; } catch { return ""; } };
  const remember = (stage) => { try { localStorage.setItem("poolhouse-stage", stage); } catch { /* a browser that keeps nothing */ } };
  const ask = (cell, query) => htmx.ajax("GET", address(cell) + query + (cell.tagName === "TH" ? "&lead=1" : ""), { source: cell, target: cell, swap: "outerHTML" });
  const leave = (cell) => ask(cell, "?shown=1");
  const open = async (cell) => {
    const other = table.querySelector(".is-edited");
    if (other) await leave(other);
    const place = { row: cell.closest("tr"), column: cell.dataset.column };
    await ask(cell, `?stage=${encodeURIComponent(remembered())}`);
    const field = place.row.querySelector(`.is-edited[data-column="${CSS.escape(place.column)}"] :is(input:not([type=hidden]), textarea, select)`);
    field?.focus();
    field?.select?.();
  };
  const isPlain = (event) => !event.target.closest("a, button, input, select, textarea, label");
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-edit]");
    if (cell && isPlain(event) && document.getSelection().isCollapsed) open(cell);
  });

  const beside = (cell, key) => {
    const cells = [...cell.parentElement.querySelectorAll("[data-edit]")], at = cells.indexOf(cell);
    if (key === "ArrowRight") return cells[at + 1];
    if (key === "ArrowLeft") return cells[at - 1] || cell.parentElement.querySelector("a");
    const row = key === "ArrowDown" ? cell.parentElement.nextElementSibling : cell.parentElement.previousElementSibling;
    return row?.querySelector(`[data-column="${CSS.escape(cell.dataset.column)}"]`);
  };
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("[data-column]"), row = event.target.closest("tr[data-key]");
    if (cell?.classList.contains("is-edited")) {
      if (event.key === "Escape") { event.stopPropagation(); leave(cell); }
      else if (event.key === "Enter" && event.target.tagName === "SELECT") { event.preventDefault(); event.target.form.requestSubmit(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !row) return;
    const isCell = event.target.matches("[data-edit]");
    if (isCell && (event.key === "Enter" || event.key === "e" || event.key === "F2")) { event.preventDefault(); event.stopPropagation(); open(cell); }
    else if (isCell && event.key.startsWith("Arrow")) { const next = beside(cell, event.key); if (next) { event.preventDefault(); next.focus(); } }
    else if (!isCell && event.target.matches("a") && (event.key === "ArrowRight" || event.key === "e")) {
      const first = row.querySelector("[data-edit]");
      if (first) { event.preventDefault(); event.stopPropagation(); if (event.key === "e") open(first); else first.focus(); }
    }
  });

  const toast = (words, cell) => {
    const box = document.createElement("div"), text = document.createElement("p");
    box.className = "toast passing";
    text.textContent = words;
    box.append(text);
    if (cell.dataset.undo) {
      const form = document.createElement("form"), button = document.createElement("button");
      form.method = "post";
      form.action = cell.dataset.undo;
      for (const [name, value] of [["csrf", document.querySelector("meta[name=csrf]").content], ["database", cell.dataset.database]]) {
        if (!value) continue;
        const field = document.createElement("input");
        Object.assign(field, { type: "hidden", name, value });
        form.append(field);
      }
      button.className = "small";
      button.textContent = "Undo";
      form.append(button);
      box.append(form);
    }
    document.getElementById("toasts").replaceChildren(box);
  };
  document.addEventListener("htmx:after:swap", () => {
    for (const cell of table.querySelectorAll("[data-just]")) {
      const just = cell.dataset.just;
      delete cell.dataset.just;
      prepare(cell);
      if (!document.activeElement || document.activeElement === document.body) cell.focus();
      if (just === "saved") toast(`${cell.dataset.column} saved.`, cell);
      if (just === "staged") toast(`${cell.dataset.column} staged in ${cell.dataset.stage}.`, cell);
      if (just !== "shown") { remember(cell.dataset.stage || ""); refreshStaging(just); }
    }
  });
  const refreshStaging = async (just) => {
    const bar = document.getElementById("staging");
    if (just !== "staged" || !bar) return;
    const answer = await fetch(table.dataset.staged, { headers: { "HX-Request": "true", "HX-Target": "#staging" } });
    if (answer.ok) await htmx.swap({ text: await answer.text(), target: bar, swap: "outerHTML" });
  };
})();
