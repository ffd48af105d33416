// The lanes: a bar is chosen by a click or Enter and shown beside them, arrows go from bar to bar, and what is to be copied is copied.
(() => {
  "use strict";
  const bars = (scope = document) => [...scope.querySelectorAll("a.bar[data-hold], a.wait[data-hold]")];
  const choose = async (href, key) => {
    const url = new URL(href, location.href);
    const here = new URL(location.href);
    const before = here.searchParams.get("hold");
    if (key) here.searchParams.set("hold", key);
    else here.searchParams.delete("hold");
    for (const [name, value] of url.searchParams) if (name !== "hold") here.searchParams.set(name, value);
    here.hash = "";
    await htmx.ajax("GET", here.pathname + here.search, { target: "#hold", swap: "outerMorph", headers: { "HX-Target": "hold" } });
    history.replaceState(history.state, "", here);
    for (const bar of bars()) bar.classList.toggle("is-chosen", bar.dataset.hold === key);
    document.getElementById("hold")?.scrollIntoView({ block: "nearest" });
    if (!key) (bars().find((bar) => bar.dataset.hold === before) ?? document.querySelector("#lanes-table summary"))?.focus();
  };
  document.addEventListener("click", (event) => {
    const bar = event.target.closest("[data-hold]");
    const close = event.target.closest("[data-unchoose]");
    if ((!bar && !close) || !document.querySelector("#hold[data-swaps]") || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const link = bar || close;
    choose(link.getAttribute("href"), bar ? bar.dataset.hold : "");
  });
  document.addEventListener("keydown", (event) => {
    const bar = event.target.closest?.("a.bar, a.wait");
    if (!bar || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = bar.closest(".row");
    const rows = [...bar.closest(".lanes").querySelectorAll(".row")].filter((each) => bars(each).length);
    const mine = bars(row);
    const left = (each) => each.querySelector("rect").getBoundingClientRect().left;
    const nearest = (there) => bars(there).sort((a, b) => Math.abs(left(a) - left(bar)) - Math.abs(left(b) - left(bar)))[0];
    const towards = {
      ArrowRight: () => mine[mine.indexOf(bar) + 1],
      ArrowLeft: () => mine[mine.indexOf(bar) - 1],
      ArrowDown: () => rows[rows.indexOf(row) + 1] && nearest(rows[rows.indexOf(row) + 1]),
      ArrowUp: () => rows[rows.indexOf(row) - 1] && nearest(rows[rows.indexOf(row) - 1]),
    }[event.key];
    if (!towards) return;
    event.preventDefault();
    towards()?.focus();
  });
  // the chosen bar stays marked when the lanes are drawn anew
  document.addEventListener("poolhouse:live", () => {
    const key = new URLSearchParams(location.search).get("hold");
    if (key) for (const bar of bars()) bar.classList.toggle("is-chosen", bar.dataset.hold === key);
  });
  // an incident is replayed: its lanes are uncovered from left to right, as it was then
  for (const replay of document.querySelectorAll("[data-replay]")) {
    const lanes = replay.parentElement.querySelector(".lanes");
    const [button, range, output] = ["button", "input", "output"].map((name) => replay.querySelector(name));
    const drawings = [...lanes.querySelectorAll(".row:not(.axis) > svg")];
    const spans = [...lanes.querySelectorAll("a.bar, a.wait")].map((link) => {
      const rect = link.querySelector("rect");
      const left = parseFloat(rect.getAttribute("x"));
      const who = link.getAttribute("aria-label").replace(/^\d+ checkouts of /, "").split(/,| (?:has held|held|has waited|gave up) /)[0];
      return { who, isOpen: link.classList.contains("is-open") || (link.classList.contains("wait") && !link.classList.contains("gave-up")), waits: link.classList.contains("wait"), left, right: left + parseFloat(rect.getAttribute("width")) };
    });
    const show = () => {
      const at = Number(range.value);
      for (const svg of drawings) svg.style.clipPath = at >= 60 ? "" : `inset(-4px ${100 - at / 0.6}% -4px 0)`;
      const then = spans.filter((span) => (at >= 60 ? span.isOpen : span.left <= at / 0.6 && at / 0.6 < span.right));
      const holding = then.filter((span) => !span.waits), waiting = then.length - holding.length;
      const names = [...new Set(holding.map((span) => span.who))].slice(0, 3).join(", ");
      output.textContent = `${at >= 60 ? "at the moment itself" : `${(60 - at).toFixed(0)} s before`}: ${holding.length} held${names ? ` (${names})` : ""}, ${waiting} waiting`;
    };
    let frame = 0;
    const stop = () => {
      cancelAnimationFrame(frame);
      frame = 0;
      button.textContent = "Replay";
    };
    const play = (last) => (now) => {
      range.value = Math.min(60, Number(range.value) + (now - last) / 100);
      show();
      if (Number(range.value) >= 60) stop();
      else frame = requestAnimationFrame(play(now));
    };
    button.addEventListener("click", () => {
      if (frame) { stop(); return; }
      if (Number(range.value) >= 60) range.value = 0;
      button.textContent = "Pause";
      frame = requestAnimationFrame(play(performance.now()));
    });
    range.addEventListener("input", () => { stop(); show(); });
    replay.hidden = false;
    show();
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copies);
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText("value" in source ? source.value : source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: copy it by the keyboard";
    }
    setTimeout(() => { button.textContent = words; }, 2000);
  });
})();
