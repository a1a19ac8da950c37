/* The page: what is open and chosen, and what follows from it. */

class App {
  constructor(data) {
    performance.mark("read");
    this.model = new Model(data);
    performance.mark("model");
    this.first = new Set(data.open);
    this.open = new Set(data.open);
    this.colours = new Colours(this.model);
    this.layout = new Layout(this.model, this.open, (box) => this.colours.detail(box));
    this.painter = new Painter(this.model, this.layout, this.colours);
    this.view = new View(this.model, this.layout, this.painter);
    this.view.changed = () => this.remember();
    this.chosen = null;
    this.seenSince = false;
  }

  begin() {
    const { data } = this.model;
    document.querySelector("#name h1").textContent = data.name;
    byId("links").append(...data.links.map(([words, target]) => element("a", { href: target }, words)));
    this.sizeInputs();
    this.colourInput();
    this.restore(told(location.hash));
    this.view.draw();
    performance.mark("drawn");
    keyboard(this);
    pointer(this);
    // What is not needed for the first sight comes after it.
    requestAnimationFrame(() => setTimeout(() => this.complete()));
  }

  complete() {
    this.panel = new Panel(this.model, this);
    this.texts = new Texts(this.model, JSON.parse(byId("texts").textContent), (steps, scopes) => this.fromText(steps, scopes));
    this.finder = new Finder(this.model, (entry) => (entry.scope === undefined ? this.goTo(entry.step) : this.goToScope(entry.scope)));
    this.buttons();
    this.grip();
    addEventListener("resize", () => {
      this.view.later();
      this.texts.paint();
    });
    addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== this.written) this.restore(told(location.hash), true);
    });
    this.refresh();
    document.body.classList.add("ready");
  }

  key(key) {
    const chosen = this.chosen;
    const acts = {
      "/": () => this.finder.open(),
      "?": () => this.help(),
      "+": () => this.view.zoom(ZOOM.step),
      "=": () => this.view.zoom(ZOOM.step),
      "-": () => this.view.zoom(1 / ZOOM.step),
      0: () => this.view.show(this.view.fit(true), true),
      Home: () => this.reset(),
      f: () => chosen !== null && this.view.reveal(chosen, true),
      e: () => chosen !== null && this.openAll(chosen),
      c: () => chosen !== null && this.closeAll(chosen),
      Enter: () => chosen !== null && this.toggle(chosen),
      Escape: () => chosen !== null && this.select(this.model.parent[chosen] === ROOT ? null : this.model.parent[chosen], true),
    };
    Object.keys(MODES).forEach((mode, at) => (acts[at + 1] = () => this.colour(mode)));
    if (key.startsWith("Arrow")) this.step(key);
    else if (key in acts) acts[key]();
    else return false;
    return true;
  }

  /** From the chosen box to the next one in a direction. */
  step(key) {
    const boxes = everyBox(this.layout);
    const from = boxes.find((one) => one.box === this.chosen);
    const next = from ? nextBox(boxes, from, key) : boxes[0];
    if (next) this.select(next.box, true);
  }

  state() {
    const { boxes, data } = this.model;
    const key = (box) => boxes[box].k;
    const { x, y, scale } = this.view;
    return {
      sizes: Object.fromEntries(Object.entries(this.model.sizes).filter(([name, size]) => data.sizes[name] !== size)),
      opened: [...this.open].filter((box) => !this.first.has(box)).map(key),
      closed: [...this.first].filter((box) => !this.open.has(box)).map(key),
      chosen: this.chosen === null ? null : key(this.chosen),
      colour: this.colours.mode,
      view: this.seenSince ? [x, y, scale] : [],
    };
  }

  remember() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => this.rememberNow(), 250);
  }

  rememberNow() {
    this.seenSince ||= this.panel !== undefined;
    this.written = fragment(this.state());
    try {
      history.replaceState(null, "", `#${this.written}`);
    } catch {
      // A page that may not write its address still works.
    }
  }

  restore(state, again = false) {
    const number = (key) => this.model.number.get(key);
    const known = (keys) => keys.map(number).filter((box) => box !== undefined && this.model.boxes[box].b);
    if (again) {
      this.open.clear();
      this.first.forEach((box) => this.open.add(box));
    }
    known(state.opened).forEach((box) => this.open.add(box));
    known(state.closed).forEach((box) => this.open.delete(box));
    this.layout.forgetAll();
    const sizes = { ...this.model.data.sizes };
    for (const name in state.sizes) if (name in sizes) sizes[name] = state.sizes[name];
    if (again || Object.keys(state.sizes).length) this.resize(sizes);
    this.colour(state.colour);
    if (state.view) Object.assign(this.view, { x: state.view[0], y: state.view[1], scale: clamp(state.view[2], ZOOM.least, ZOOM.most) });
    else if (!again) Object.assign(this.view, this.view.fit(false));
    const chosen = state.chosen === null ? undefined : number(state.chosen);
    if (chosen !== undefined) this.select(chosen);
    else if (!again && !state.view && this.model.data.at >= 0) {
      this.select(this.model.data.at);
      this.view.centre(this.model.data.at);
    } else this.select(null);
  }
}

Object.assign(App.prototype, Choosing, Opening, Sizing, Buttons);

function start() {
  const data = JSON.parse(byId("data").textContent);
  const app = data ? new App(data) : null;
  app?.begin();
  if (document.documentElement.dataset.live) watched(app);
}
