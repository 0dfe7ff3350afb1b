// Only comfort: everything on the page can be read without it.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // The filter of the timeline. Details are off at first; without the script they are there.
  const form = document.getElementById("filter");
  const rows = all("#timeline-rows tr");
  const filter = () => {
    const actors = new Set(all("[name=actor]:checked", form).map((box) => box.value));
    const details = form.elements.details.checked;
    let shown = 0;
    for (const row of rows) {
      const isKnown = row.dataset.actor !== undefined;
      row.hidden = (isKnown && !actors.has(row.dataset.actor)) || (!details && row.classList.contains("detail"));
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("filter-count").textContent = `${shown} of ${rows.length} entries`;
  };
  // A link to a row that the filter hides shows everything again; one into a closed section opens it.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden) {
      for (const box of all("input", form)) box.checked = true;
      filter();
    }
    target.closest("details")?.setAttribute("open", "");
    target.scrollIntoView({ block: "center" });
  };
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", reveal);
  form.hidden = false;
  filter();
  reveal();

  // Tooltips for marks, on hover and on focus. The browser's own would only come second.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  const say = (item) => {
    tip.textContent = item.getAttribute("aria-label");
    tip.hidden = false;
    const at = item.getBoundingClientRect();
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${Math.max(8, Math.min(at.left, room))}px`;
    tip.style.top = `${above > 0 ? above : at.bottom + 8}px`;
  };
  const hush = () => { tip.hidden = true; };
  window.addEventListener("scroll", hush, { passive: true });
  window.addEventListener("keydown", (event) => { if (event.key === "Escape") hush(); });

  // Each lane is one stop of the tab key; arrows go from mark to mark.
  for (const lane of all(".plot g[role=group]")) {
    const items = all(".item", lane);
    items.forEach((item, index) => {
      item.querySelector("title").remove();
      item.setAttribute("tabindex", index === 0 ? "0" : "-1");
      item.addEventListener("pointerenter", () => say(item));
      item.addEventListener("pointerleave", hush);
      item.addEventListener("focus", () => say(item));
      item.addEventListener("blur", hush);
      item.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const next = step && items[index + step];
        if (!next) return;
        event.preventDefault();
        item.setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
      });
    });
  }

  // The charts share one axis, so they scroll together.
  const charts = all(".scroll").filter((scroll) => scroll.querySelector(".chart"));
  for (const chart of charts) {
    chart.addEventListener("scroll", () => {
      hush();
      for (const other of charts) if (other.scrollLeft !== chart.scrollLeft) other.scrollLeft = chart.scrollLeft;
    }, { passive: true });
  }
  // Where a chart does not fit, it begins at the first moment that matters, not at the calm before it.
  const first = document.querySelector(".plot .moment");
  if (first) {
    const frame = first.closest(".scroll");
    const middle = frame.getBoundingClientRect().left + frame.clientWidth / 2;
    frame.scrollLeft += first.getBoundingClientRect().left - middle;
  }
})();
