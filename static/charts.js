// Charts: where somebody points at them uPlot takes over from the drawing that came with the page: a value under the pointer, a part drawn large.
(() => {
  "use strict";
  const drawn = new Map();
  const zoom = new Map();
  const resolved = (name, probe) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const told = (value, unit) => {
    if (value === null || value === undefined) return "–";
    if (unit !== "seconds") return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
    return value < 0.0005 ? "< 1 ms" : value < 1 ? `${Math.round(value * 1000)} ms` : value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
  };
  const clock = (seconds, step) => new Date(seconds * 1000).toLocaleString([], { ...(step >= 1800 ? { month: "short", day: "numeric" } : {}), hour: "2-digit", minute: "2-digit", second: step < 60 ? "2-digit" : undefined, hour12: false });
  const columns = (data) => [data.lines[0].values.map((_, place) => data.from + place * data.step), ...data.lines.map((line) => line.values)];
  const highest = (data) => {
    const most = Math.max(0, ...data.lines.flatMap((line) => line.values.filter((value) => value !== null)));
    const power = 10 ** Math.floor(Math.log10(most || 1));
    return most ? [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most * 0.999) : 1;
  };

  const take = (figure) => {
    const data = JSON.parse(figure.dataset.chart);
    const plot = figure.querySelector(".plot");
    const probe = document.createElement("i");
    plot.append(probe);
    plot.title = "Drag to look closer; double-click for all of it";
    for (const end of figure.querySelectorAll(".ends > :not(.at)")) end.dataset.whole = end.textContent;
    const at = figure.querySelector(".at");
    const chart = new uPlot({
      width: plot.clientWidth,
      height: plot.clientHeight,
      padding: [0, 0, 0, 0],
      legend: { show: false },
      axes: [{ show: false }, { show: false }],
      cursor: { sync: { key: "poolhouse" }, y: false, points: { size: 7 }, drag: { x: true, y: false, uni: 10 } },
      scales: { x: { time: true }, y: { range: () => { const top = drawn.get(figure)?.top ?? highest(data); return [-0.02 * top, 1.02 * top]; } } },
      series: [{}, ...data.lines.map((line, place) => ({
        label: line.name,
        stroke: resolved(`--hue-${line.hue}`, probe),
        width: 1.75,
        dash: place ? [4, 3] : undefined,
        points: { show: false },
      }))],
      hooks: {
        setCursor: [(self) => {
          const place = self.cursor.idx;
          if (place === null || place === undefined) { at.textContent = ""; return; }
          at.textContent = `${clock(self.data[0][place], data.step)}: ${data.lines.map((line, number) => `${data.lines.length > 1 ? `${line.name} ` : ""}${told(self.data[number + 1][place], data.unit)}`).join(", ")}`;
        }],
        setScale: [(self, key) => {
          if (key !== "x" || !self.data[0].length) return;
          const { min, max } = self.scales.x;
          const whole = self.data[0];
          const isPart = min > whole[0] || max < whole[whole.length - 1];
          if (isPart) zoom.set(figure, [min, max]);
          else zoom.delete(figure);
          const [first, last] = [figure.querySelector(".ends > :first-child"), figure.querySelector(".ends > :last-child")];
          first.textContent = isPart ? clock(min, data.step) : first.dataset.whole;
          last.textContent = isPart ? clock(max, data.step) : last.dataset.whole;
        }],
      },
    }, columns(data), plot);
    probe.remove();
    chart.root.setAttribute("aria-hidden", "true");
    figure.classList.add("is-taken");
    drawn.set(figure, { chart, said: figure.dataset.chart, top: highest(data) });
    return chart;
  };
  const each = () => document.querySelectorAll("figure[data-chart]");
  const refresh = () => {
    for (const [figure, one] of drawn) {
      if (!figure.isConnected) { one.chart.destroy(); drawn.delete(figure); continue; }
      const plot = figure.querySelector(".plot");
      if (!one.chart.root.isConnected) plot.append(one.chart.root);  // the part around it was drawn anew
      if (!figure.classList.contains("is-taken")) figure.classList.add("is-taken");  // adding it again would be seen as a change
      if (one.said === figure.dataset.chart) continue;
      one.said = figure.dataset.chart;
      const news = JSON.parse(one.said);
      one.top = highest(news);
      one.chart.setData(columns(news), !zoom.has(figure));
    }
  };
  const give = () => {
    for (const [figure, { chart }] of drawn) {
      chart.destroy();
      figure.classList.remove("is-taken");
    }
    drawn.clear();
    zoom.clear();
  };
  document.addEventListener("pointerover", (event) => {
    const figure = event.target.closest?.("figure[data-chart]");
    if (!figure || drawn.has(figure)) return;
    for (const one of each()) if (!drawn.has(one)) take(one);
  });
  // in the same frame in which a live part was swapped, so that nothing flickers
  new MutationObserver(() => { if (drawn.size) refresh(); }).observe(document.getElementById("main"), { childList: true, subtree: true, attributes: true, attributeFilter: ["data-chart", "class"] });
  new ResizeObserver(() => {
    for (const [figure, { chart }] of drawn) {
      const plot = figure.querySelector(".plot");
      chart.setSize({ width: plot.clientWidth, height: plot.clientHeight });
    }
  }).observe(document.getElementById("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", give);
})();
