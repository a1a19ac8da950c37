/* The keyboard and the pointer. */

const KEYS = [
  ["↑ ↓ ← →", "the next box in that direction"],
  ["Enter", "open or close the box; in a text, go to the line's step"],
  ["Esc", "close what is in front; then choose the block around; then nothing"],
  ["e, c", "open all inside; close all inside"],
  ["/", "find a step"],
  ["+ −", "nearer, further; also pinch, or the wheel with Ctrl"],
  ["0", "show everything"],
  ["f", "bring the chosen box to the middle"],
  ["Home", "the figure as it was at first"],
  ["1 … 5", "colour by kind, multiply-adds, parameters, memory, field"],
  ["?", "this list"],
];

function helpText() {
  const rows = KEYS.map(([keys, words]) => element("div", {}, element("dt", {}, keys.split(" ").map((key) => element("kbd", {}, key.replace(",", "")))), element("dd", {}, words)));
  return [
    element("h2", {}, "Keys"),
    element("dl", { class: "keys" }, rows),
    element("p", {}, "Drag to move, double-click a box to open it. The address of the page keeps what you see: copy it to share the view. Nothing that is shown here leaves your browser."),
    element("form", { method: "dialog" }, element("button", { class: "button" }, "Close")),
  ];
}

/** Whether typing goes into an element. */
function takesText(target) {
  return target.closest?.("input:not([type=range]), select, textarea, [contenteditable]");
}

function keyboard(app) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (takesText(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const button = event.target.closest?.("button, summary, a, [role=tab], input, #grip");
    if (button && [" ", "Enter", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(event.key)) return;
    if (event.target.closest?.("#panel") && (event.key.startsWith("Arrow") || event.key === "Enter")) return;
    if (app.key(event.key)) event.preventDefault();
  });
}

function pointer(app) {
  const { view } = app;
  const canvas = view.canvas;
  const points = new Map();
  let moved = 0;
  const boxAt = (event) => event.target.closest?.("[data-box]");
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    points.set(event.pointerId, [event.clientX, event.clientY]);
    moved = 0;
    canvas.focus({ preventScroll: true });
  });
  canvas.addEventListener("pointermove", (event) => {
    const old = points.get(event.pointerId);
    if (!old) return;
    const [dx, dy] = [event.clientX - old[0], event.clientY - old[1]];
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved < 4) return;
    if (!canvas.hasPointerCapture(event.pointerId)) canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("dragged");
    if (points.size === 2) {
      const [other] = [...points].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      const before = Math.hypot(old[0] - other[0], old[1] - other[1]);
      const after = Math.hypot(event.clientX - other[0], event.clientY - other[1]);
      const bounds = canvas.getBoundingClientRect();
      if (before > 0) view.zoom(after / before, (event.clientX + other[0]) / 2 - bounds.left, (event.clientY + other[1]) / 2 - bounds.top);
    } else view.moveBy(dx, dy);
    points.set(event.pointerId, [event.clientX, event.clientY]);
  });
  const end = (event) => {
    points.delete(event.pointerId);
    canvas.classList.remove("dragged");
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("click", (event) => {
    if (moved >= 4) return;
    const group = boxAt(event);
    if (!group) app.select(null);
    else if (event.target.closest(".toggle")) app.toggle(Number(group.dataset.box));
    else app.select(Number(group.dataset.box));
  });
  canvas.addEventListener("dblclick", (event) => {
    const group = boxAt(event);
    if (group && !event.target.closest(".toggle")) app.toggle(Number(group.dataset.box));
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const bounds = canvas.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 18 : 1;
    if (event.ctrlKey || event.metaKey) view.zoom(Math.exp(-event.deltaY * lines * 0.006), event.clientX - bounds.left, event.clientY - bounds.top);
    else view.moveBy(-(event.shiftKey ? event.deltaY : event.deltaX) * lines, event.shiftKey ? 0 : -event.deltaY * lines);
  }, { passive: false });
  canvas.addEventListener("pointerover", (event) => !points.size && app.tip(boxAt(event), event));
  canvas.addEventListener("pointerleave", () => app.tip(null));
}

/** The box in a direction: near in it, and not far to the side. */
function nextBox(boxes, from, key) {
  const vertical = key === "ArrowUp" || key === "ArrowDown";
  const sign = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
  let [best, least] = [null, Infinity];
  for (const one of boxes) {
    if (one.box === from.box) continue;
    const dy = one.y - from.y;
    const dx = one.x - from.x;
    const forward = sign * (vertical ? dy : dx);
    const aside = Math.abs(vertical ? dx : dy);
    if (forward < 1 || (!vertical && aside > 3 * forward + 40)) continue;
    const cost = forward + (vertical ? 1.5 : 2) * aside;
    if (cost < least) [best, least] = [one, cost];
  }
  return best;
}
