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
    document.getElementById("filter-value").placeholder = { isnull: "true or false", in: "value" }[operator.value] || "value";
  };
  if (column && operator) {
    for (const each of [column, operator]) each.addEventListener("change", narrow);
    narrow();
  }
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
    said.textContent = everything.checked ? "All that match:" : chosen ? `${chosen} selected:` : "Select rows to";
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
