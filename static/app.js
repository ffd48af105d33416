// What the pages do beyond htmx: the lamp, no polling while nobody looks, and forms that empty themselves after they were taken.
(() => {
  "use strict";
  const lamp = () => document.getElementById("lamp");
  const say = (state, words) => {
    const element = lamp();
    if (!element || element.dataset.state === state) return;
    element.dataset.state = state;
    element.textContent = words;
    element.title = `${words} since ${new Date().toLocaleTimeString()}`;
    element.dataset.since = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  };
  // on a narrow screen the sections are one row that scrolls: it begins where one is
  const here = document.querySelector(".rail [aria-current]");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;
  setInterval(() => {
    for (const element of document.querySelectorAll("[data-countdown]")) {
      element.dataset.countdown = Math.max(0, element.dataset.countdown - 1);
      element.textContent = element.dataset.countdown;
    }
  }, 1000);
  const STEPS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [1209600, 86400, "days"]];
  const ago = (seconds, iso) => {
    const far = Math.abs(seconds);
    if (far < 1) return "now";
    const [, unit, word] = STEPS.find(([most]) => far < most) || [];
    if (!unit) return iso.slice(0, 10);
    const count = Math.floor(far / unit);
    const words = `${count} ${word === "days" && count === 1 ? "day" : word}`;
    return seconds > 0 ? `${words} ago` : `in ${words}`;
  };
  setInterval(() => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const moment = Date.parse(element.dateTime);
      const words = ago(Math.trunc((Date.now() - moment) / 1000), element.dateTime);
      if (!Number.isNaN(moment) && element.textContent !== words) element.textContent = words;
    }
  }, 10000);
  const isPoll = (context) => context && context.sourceElement && (context.sourceElement.getAttribute("hx-trigger") || "").startsWith("every");
  const somebodySelects = () => {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed;
  };

  // a form in a live part was drawn for everybody: it gets this page's own token when it is sent
  document.addEventListener("submit", (event) => {
    const token = event.target.elements.namedItem("csrf");
    if (token && !token.value) token.value = document.querySelector("meta[name=csrf]").content;
  }, true);

  document.addEventListener("htmx:before:request", (event) => {
    if (!isPoll(event.detail.ctx)) return;
    if (document.hidden || somebodySelects()) {
      event.preventDefault();
      say("paused", "paused");
    }
  });
  document.addEventListener("htmx:after:request", (event) => {
    const context = event.detail.ctx;
    const status = context && context.response ? context.response.status : 0;
    if (isPoll(context)) say(status === 200 ? "polling" : "lost", status === 200 ? "polling" : "lost");
    else if (status >= 200 && status < 300) {
      document.getElementById("messages").replaceChildren();
      const form = context.sourceElement && context.sourceElement.closest("form[data-reset]");
      if (form) form.reset();
    }
  });
  // what was picked of what was found stays when something else is found
  document.addEventListener("change", (event) => {
    for (const option of event.target.querySelectorAll?.("optgroup[id^=found] option:checked") ?? []) option.parentElement.before(option);
  });
  // <button data-opens="ID"> shows the dialog; a menu closes when one looks elsewhere
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  document.addEventListener("htmx:error", (event) => {
    if (isPoll(event.detail.ctx)) say("lost", "lost");
  });
})();
