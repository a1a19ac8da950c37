/* What is open. */

const Opening = {
  isOpen(box) {
    return this.open.has(box);
  },

  toggle(box) {
    if (!this.model.boxes[box].b) return;
    this.view.change(() => {
      if (this.open.has(box)) this.open.delete(box);
      else this.open.add(box);
      this.layout.forget(box);
    }, box);
    this.select(box);
  },

  openAll(box) {
    const more = [];
    const waiting = [box];
    while (waiting.length && more.length < 400) {
      const one = waiting.pop();
      const row = this.model.boxes[one];
      if (!row.b || (row.n && one !== box)) continue;
      more.push(one);
      waiting.push(...boxesOf(row.b));
    }
    this.swap(more, [], box);
  },

  closeAll(box) {
    const inside = [...this.open].filter((one) => one === box || this.model.holders(one).includes(box));
    this.swap([], inside, box);
  },

  swap(more, fewer, anchor) {
    this.view.change(() => {
      more.forEach((box) => this.open.add(box));
      fewer.forEach((box) => this.open.delete(box));
      this.layout.forgetAll();
    }, anchor);
    this.refreshLater();
  },

  reset() {
    this.view.change(() => {
      this.open.clear();
      this.first.forEach((box) => this.open.add(box));
      this.layout.forgetAll();
    }, ROOT);
    this.select(null);
    this.view.show(this.view.fit(false), true);
  },
};
