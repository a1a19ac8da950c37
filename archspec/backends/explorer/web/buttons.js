/* Colours, buttons, and the tip beside the pointer. */

const Buttons = {
  colourInput() {
    const select = document.querySelector("#colour select");
    select.append(...Object.entries(MODES).map(([mode, words]) => element("option", { value: mode }, words)));
    select.addEventListener("change", () => this.colour(select.value));
  },

  colour(mode) {
    this.colours.choose(mode);
    document.querySelector("#colour select").value = this.colours.mode;
    this.painter.renew();
    this.layout.forgetAll();
    this.colours.legend();
    this.view.later();
  },

  buttons() {
    const on = (id, act) => byId(id).addEventListener("click", act);
    on("in", () => this.view.zoom(ZOOM.step));
    on("out", () => this.view.zoom(1 / ZOOM.step));
    on("fit", () => this.view.show(this.view.fit(true), true));
    on("reset", () => this.reset());
    on("help", () => this.help());
    on("dark", () => {
      const root = document.documentElement;
      const dark = getComputedStyle(root).colorScheme.includes("dark");
      root.dataset.theme = dark ? "light" : "dark";
      if (this.chosen !== null) this.refresh();
    });
    const dialog = byId("keys");
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  },

  help() {
    const dialog = byId("keys");
    dialog.replaceChildren(...helpText());
    dialog.showModal();
  },

  /** The border between figure and panel, by pointer and keys. */
  grip() {
    const grip = byId("grip");
    const set = (width) => document.documentElement.style.setProperty("--panel", `${clamp(width, 260, innerWidth - 240)}px`);
    const width = () => byId("panel").getBoundingClientRect().width;
    grip.addEventListener("pointerdown", (event) => {
      grip.setPointerCapture(event.pointerId);
      grip.onpointermove = (to) => {
        set(innerWidth - to.clientX);
        this.view.later();
        this.texts.paint();
      };
      grip.onpointerup = () => (grip.onpointermove = null);
    });
    grip.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: 24, ArrowRight: -24 }[event.key];
      if (move) set(width() + move);
      this.view.later();
    });
  },

  /** The box of the tip that follows the pointer. */
  tip(group, event) {
    const tip = byId("tip");
    tip.hidden = !group;
    if (!group) return;
    const number = Number(group.dataset.box);
    const { model } = this;
    const box = model.boxes[number];
    const step = model.main[number];
    const span = fieldSpan(model, model.last[number]);
    const lines = [
      box.z ? model.shape(box.z) : "",
      model.parameters[number] ? `${short(model.parameters[number])} parameters` : "",
      model.cost[number] ? `${short(model.cost[number])} multiply-adds` : "",
      model.alive[number] >= 0n ? `${bytes(model.alive[number])} alive` : "",
      span === null ? "" : span === Infinity ? "sees the whole input" : `sees ${span} pixels`,
    ];
    tip.replaceChildren(element("strong", {}, box.g && step >= 0 ? model.words(step) : titleOf(box)), element("code", {}, model.path(number)), ...lines.filter(Boolean).map((line) => element("span", {}, line)));
    const bounds = byId("figure").getBoundingClientRect();
    const here = group.getBoundingClientRect();
    const right = Math.min(here.right, bounds.right) - bounds.left + 12;
    const roomy = right + 240 < bounds.width;
    tip.style.left = `${roomy ? right : Math.max(8, here.left - bounds.left - 240)}px`;
    tip.style.top = `${clamp((box.b && this.open.has(number) ? event.clientY : here.top) - bounds.top, 8, bounds.height - 150)}px`;
  },
};
