// What a page owes, asked in the browser: each function answers what is wrong, in words.
({
  words(element) {
    return element.outerHTML.slice(0, 120);
  },

  // what makes the page scroll sideways, but for what scrolls by itself
  sideways() {
    const most = document.documentElement.clientWidth, wide = document.documentElement.scrollWidth;
    if (wide <= most) return [];
    const beyond = [...document.querySelectorAll("main *")].filter((each) =>
      each.checkVisibility() && each.getBoundingClientRect().right > most + .5 && !each.closest(".scroll, .tape"));
    return [`${wide} of ${most} px`, ...beyond.slice(-3).map(this.words)];
  },

  // texts that stick out of a box which neither scrolls nor says by dots that there is more
  cut() {
    const found = [], range = document.createRange(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
      const parent = text.parentElement;
      if (!text.data.trim() || parent.closest(".unseen, script, svg, option")) continue;
      if (!parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      range.selectNodeContents(text);
      const place = range.getBoundingClientRect();
      if (!place.width || place.right < 0) continue;
      for (let box = parent; box !== document.body; box = box.parentElement) {
        const style = getComputedStyle(box), overflow = style.overflowX + style.overflowY;
        if (style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none" || /auto|scroll/.test(overflow)) break;
        if (style.display === "inline" || !/hidden|clip/.test(overflow)) continue;
        const edge = box.getBoundingClientRect();
        const isCut = place.right > edge.right + 1 || place.left < edge.left - 1 || place.bottom > edge.bottom + 2 || place.top < edge.top - 2;
        if (isCut) found.push(`${text.data.trim().slice(0, 60)} is cut off by ${this.words(box)}`);
      }
    }
    return found;
  },

  // WCAG 1.4.12; a sheet of the script's own, which the pages' policy lets through
  space(isOn) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
      * { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
      p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = isOn ? [sheet] : [];
  },

  // what was chosen, and what is drawn by a background alone, when the colours are the person's own
  alike() {
    const CHOSEN = "[aria-current], [aria-selected=true], [aria-pressed=true], [aria-checked=true]";
    const LOOKS = ["color", "backgroundColor", "backgroundImage", "outlineStyle", "outlineColor", "borderBottomStyle",
      "borderBottomColor", "borderBottomWidth", "textDecorationLine", "fontWeight"];
    const look = (each) => [null, "::before"].map((pseudo) => {
      const style = getComputedStyle(each, pseudo);
      return LOOKS.map((name) => style[name]).join();
    }).join();
    const beside = (one) => one.parentElement.matches("li")
      ? [...one.parentElement.parentElement.children].map((each) => each.firstElementChild)
      : [...one.parentElement.children];
    const found = [];
    for (const one of document.querySelectorAll(CHOSEN)) {
      const other = beside(one).find((each) =>
        each && each !== one && each.tagName === one.tagName && !each.matches(CHOSEN) && each.checkVisibility());
      if (other && one.checkVisibility() && look(one) === look(other)) found.push(`looks like its neighbours: ${this.words(one)}`);
    }
    const paper = getComputedStyle(document.body).backgroundColor;
    const isEmpty = (style) => style.borderStyle === "none" && style.backgroundImage === "none" && style.backgroundColor === paper;
    for (const each of document.querySelectorAll("body *")) for (const pseudo of ["::before", "::after"]) {
      const style = getComputedStyle(each, pseudo);
      if (style.content !== '""' || style.display === "none" || !each.checkVisibility()) continue;
      if (parseFloat(style.width) >= 2 && parseFloat(style.height) >= 2 && isEmpty(style)) found.push(`its ${pseudo} cannot be seen: ${this.words(each)}`);
    }
    for (const each of document.querySelectorAll("progress"))
      if (getComputedStyle(each).borderStyle === "none") found.push(`cannot be seen: ${this.words(each)}`);
    return found;
  },

  // WCAG 2.4.3, 2.4.7 and 2.4.11: element by element, as Tab would come to them
  unfocused() {
    const LOOKS = ["outlineStyle", "outlineWidth", "boxShadow", "borderColor", "stroke", "strokeWidth"], STILL = ".top, .staging, .foot, .toasts, .form-foot";
    const look = (each) => [each, ...each.querySelectorAll("rect")].map((part) => {
      const style = getComputedStyle(part);
      return LOOKS.map((name) => style[name]).join();
    }).join();
    const visible = (each) => {  // of its box, what no box around it cuts off
      let { left, right, top, bottom } = each.getBoundingClientRect();
      for (let box = each.parentElement; box; box = box.parentElement) {
        if (box !== document.documentElement && (box === document.body || getComputedStyle(box).overflowX === "visible")) continue;
        const edge = box === document.documentElement ? { left: 0, top: 0, right: innerWidth, bottom: innerHeight } : box.getBoundingClientRect();
        left = Math.max(left, edge.left); right = Math.min(right, edge.right); top = Math.max(top, edge.top); bottom = Math.min(bottom, edge.bottom);
      }
      return { left, right, top, bottom };
    };
    document.activeElement.blur();
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter((each) =>
      each.tabIndex >= 0 && !each.disabled && each.type !== "hidden" && each.checkVisibility({ visibilityProperty: true }));
    const before = new Map(all.map((each) => [each, look(each)])), found = [];
    for (const each of all) {
      if (each.tabIndex > 0) found.push(`has a place of its own in the order: ${this.words(each)}`);
      each.focus({ focusVisible: true });
      if (document.activeElement !== each) continue;
      if (look(each) === before.get(each)) found.push(`does not show that it has the focus: ${this.words(each)}`);
      const { left, right, top, bottom } = visible(each);
      if (right - left < 1 || bottom - top < 1) {
        found.push(`is out of sight: ${this.words(each)}`);
        continue;
      }
      const at = ([x, y]) => document.elementFromPoint(x, y);
      const isSeen = (point) => {
        const there = at(point);
        return there && (each.contains(there) || (there.contains(each) && there.closest(STILL) === each.closest(STILL)));
      };
      const middle = [(left + right) / 2, (top + bottom) / 2];
      const points = [middle, [left + 2, top + 2], [right - 2, bottom - 2], [left + 2, bottom - 2], [right - 2, top + 2]];
      if (bottom - top < innerHeight / 2 ? !isSeen(middle) : !points.some(isSeen))
        found.push(`is hidden behind ${at(middle)?.outerHTML.slice(0, 60)}: ${this.words(each)}`);
    }
    document.activeElement.blur();
    scrollTo(0, 0);
    return found;
  },

  // announced to who does not see them: never what is drawn anew twice a second
  talkative() {
    return [...document.querySelectorAll("[data-live] :is([role=status], [role=log], [aria-live]), [aria-live=assertive]")].map((each) => `talks: ${this.words(each)}`);
  },

  moving() {
    return document.getAnimations()
      .filter((each) => each.playState === "running" && each.effect.getComputedTiming().duration > 0)
      .map((each) => `moves: ${each.animationName || each.transitionProperty} ${this.words(each.effect.target)}`);
  },
})
