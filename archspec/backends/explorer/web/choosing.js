/* What is chosen, and the way to it from a list, a line of text or a link. */

const Choosing = {
  select(box, reveal = false) {
    this.chosen = box;
    if (!this.fromLine) this.painter.marked = new Set();
    this.painter.selected = box;
    byId("canvas").setAttribute("aria-activedescendant", box === null ? "" : `box${box}`);
    this.refreshLater();
    if (reveal && box !== null) this.view.reveal(box);
    this.view.later();
    if (box !== null) byId("said").textContent = this.painter.spoken(box);
  },

  /** What is beside the figure follows after the figure itself. */
  refreshLater() {
    if (!this.panel || this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => setTimeout(() => {
      this.waiting = false;
      this.refresh();
    }));
  },

  refresh() {
    this.panel.show(this.chosen);
    const { own, around } = this.places(this.chosen);
    this.texts.select(own, around);
  },

  /** Where a box is written: its own lines, and the uses of the blocks around it. */
  places(box) {
    if (box === null) return { own: [], around: [] };
    const { data, steps, boxes } = this.model;
    const inside = boxes[box].n ?? this.stepsBelow(box);
    const own = boxes[box].s === undefined ? inside.map((step) => steps[step][STEP.place]) : [data.scopes[boxes[box].s][SCOPE.use]];
    const around = [];
    let scope = boxes[box].s === undefined ? steps[inside[0]]?.[STEP.scope] ?? -1 : data.scopes[boxes[box].s][SCOPE.around];
    for (; scope >= 0; scope = data.scopes[scope][SCOPE.around]) around.push(data.scopes[scope][SCOPE.use]);
    return { own: own.filter(Boolean), around: around.filter(Boolean) };
  },

  stepsBelow(box) {
    const found = [];
    const waiting = [box];
    while (waiting.length && found.length < 64) {
      const one = this.model.boxes[waiting.pop()];
      if (one.n) found.push(...one.n);
      else if (one.b) waiting.push(...boxesOf(one.b));
    }
    return found;
  },

  goTo(step) {
    const box = this.model.boxOf[step];
    this.showBox(this.model.boxes[box]?.n?.length === 1 && this.model.parent[box] !== ROOT && this.partOfStep(box) ? this.model.parent[box] : box);
  },

  /** Whether a box is one of the steps that are drawn as one. */
  partOfStep(box) {
    const around = this.model.boxes[this.model.parent[box]];
    return Boolean(around.n) && !this.open.has(this.model.parent[box]);
  },

  goToScope(scope) {
    const box = this.model.boxOfScope.get(scope);
    if (box !== undefined) this.showBox(box);
    else {
      const step = this.model.steps.findIndex((row) => this.isInside(row[STEP.scope], scope));
      if (step >= 0) this.goTo(step);
    }
  },

  isInside(scope, around) {
    while (scope >= 0 && scope !== around) scope = this.model.data.scopes[scope][SCOPE.around];
    return scope === around;
  },

  /** Open what is around a box, choose it and bring it into sight. */
  showBox(box) {
    if (box === undefined || box < 0) return;
    const shut = this.model.holders(box).filter((around) => !this.open.has(around));
    if (shut.length) {
      for (const around of shut) this.open.add(around);
      shut.forEach((around) => this.layout.forget(around));
      this.view.draw();
    }
    this.select(box);
    this.view.reveal(box, shut.length > 0);
  },

  /** From a line of a text to its step: the one nearest to what is chosen; again, to the next. */
  fromText(steps, scopes) {
    if (steps.length) {
      const boxes = [...new Set(steps.map((step) => this.model.boxOf[step]))];
      this.painter.marked = new Set(boxes);
      const last = steps.indexOf(this.lastStep);
      const next = last >= 0 ? steps[(last + 1) % steps.length] : steps[0];
      this.lastStep = next;
      this.fromLine = true;
      this.goTo(next);
      this.fromLine = false;
    } else if (scopes.length) {
      const last = scopes.indexOf(this.lastScope);
      this.lastScope = scopes[last >= 0 ? (last + 1) % scopes.length : 0];
      this.goToScope(this.lastScope);
    }
    const many = steps.length || scopes.length;
    if (many > 1) byId("said").textContent = `this line has ${many} uses; click again for the next`;
  },
};
