// Keys and the palette. Inside a field only those with Ctrl or Cmd count, and never the field's own undo.
(() => {
  "use strict";
  const palette = document.getElementById("palette"), help = document.getElementById("help");
  if (!palette) return;
  const field = palette.querySelector("input"), found = () => document.getElementById("found");
  const isTyping = (element) => element.checkVisibility() && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) && !/^(checkbox|radio|button|submit)$/.test(element.type));  // the field of a dialog that was just closed may still have the focus
  const isOpen = () => document.querySelector("dialog[open]") !== null;
  const press = (selector) => {
    const wanted = [...document.querySelectorAll(selector)].find((element) => element.checkVisibility() && !element.disabled);
    if (!wanted) return false;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(wanted.tagName)) wanted.focus();
    else wanted.click();
    return true;
  };

  // the palette: a listbox that the field steers
  const options = () => [...found().querySelectorAll("a[role=option]")];
  const choose = (index) => {
    const all = options();
    all.forEach((option, place) => {
      option.id ||= `option-${place}`;
      option.setAttribute("aria-selected", place === index);
      if (place === index) { field.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
    });
  };
  const chosen = () => options().findIndex((option) => option.getAttribute("aria-selected") === "true");
  let asked = null;
  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    const form = field.form;
    try {
      const answer = await fetch(`${form.action}?q=${encodeURIComponent(field.value)}`, { signal: asked.signal, headers: { "HX-Request": "true", "HX-Target": "#found" } });
      if (!answer.ok) return;
      await htmx.swap({ text: await answer.text(), target: found(), swap: "outerHTML" });
      choose(0);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  const open = () => {
    if (palette.open) return;
    palette.showModal();
    field.select();
    ask();
  };
  let timer = 0;
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 80); });
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], all = options();
    if (step && all.length) {
      event.preventDefault();
      choose((chosen() + step + all.length) % all.length);
    } else if (event.key === "Enter" && all[chosen()]) {
      event.preventDefault();
      all[chosen()].click();
      palette.close();
    }
  });
  for (const dialog of [palette, help]) dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  if (/Mac|iPhone|iPad/.test(navigator.platform)) for (const key of document.querySelectorAll("kbd")) key.textContent = key.textContent.replace("Ctrl", "⌘");

  // rows: the link or button of each, one after the other
  const row = (step) => {
    const rows = [...document.querySelectorAll("main tbody tr, main [data-row]")].filter((each) => each.checkVisibility());
    const starts = rows.map((each) => each.querySelector("a") ?? each.querySelector("button, input")).filter(Boolean);
    const here = starts.findIndex((start) => start.closest("tr, [data-row]").contains(document.activeElement));
    const next = starts[Math.max(0, Math.min(starts.length - 1, here + step))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return Boolean(next);
  };

  const PLAIN = {
    "?": () => { help.showModal(); return true; },
    "/": () => press("main input[type=search]") || (open(), true),
    c: () => press("[data-key~=c]"),
    e: () => press("[data-key~=e]"),
    s: () => press("[data-key~=s]"),
    j: () => row(1),
    k: () => row(-1),
  };
  const save = () => {
    const form = document.activeElement.closest?.("form[method=post]");
    const button = form?.querySelector("button.main, button[data-action=save]");
    if (button) { form.requestSubmit(button); return true; }
    return press("[data-key~=save], main [data-action=save], main [data-verb=commit]");
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const does = key === "k" && !event.shiftKey ? () => { open(); return true; }
        : key === "s" && !event.shiftKey && !isOpen() ? save
        : key === "z" && !isTyping(event.target) && !isOpen() ? () => press(`#workspace [data-verb=${event.shiftKey ? "redo" : "undo"}]`)
        : null;
      if (does?.()) event.preventDefault();
    } else if (event.key === "Escape" && isTyping(event.target) && !isOpen()) event.target.blur();
    else if (!isTyping(event.target) && !isOpen() && PLAIN[event.key]?.()) event.preventDefault();
  });
})();
