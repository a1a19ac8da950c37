/* What is known of a box, or of the whole network, in words and numbers. */

class Panel {
  constructor(model, act) {
    this.model = model;
    this.act = act;
    this.picture = new FieldPicture(model);
    this.place = byId("facts");
  }

  show(box) {
    const top = this.shown === box ? this.place.scrollTop : 0;
    this.shown = box;
    this.place.replaceChildren(...(box === null ? this.network() : this.box(box)));
    this.place.scrollTop = top;
  }

  network() {
    const { data, whole } = this.model;
    const model = this.model;
    const rows = [
      ...data.inputs.map((step) => [model.steps[step][STEP.path], this.sizes(model.steps[step][STEP.sizes])]),
      ...data.outputs.map(([name, step, training]) => [name, [this.sizes(model.steps[step][STEP.sizes]), training ? ", in training" : ""]]),
      ["parameters", `${grouped(model.parameters[whole])}`],
      ["multiply-adds", `${grouped(model.cost[whole])}`],
      ["memory", this.peak()],
      ...data.symbols.map((symbol) => [`valid ${symbol.name}`, symbol.valid + (symbol.training === symbol.valid ? "" : `; in training ${symbol.training}`)]),
    ];
    const notes = data.notes.map((note) => element("li", {}, note));
    return [
      element("h2", {}, data.name),
      data.doc || data.paper ? element("p", { class: "doc" }, data.doc, data.paper ? [" ", element("a", { href: data.paper, rel: "noreferrer" }, "paper")] : null) : null,
      facts(rows),
      this.profile(),
      notes.length ? element("details", {}, element("summary", {}, `${notes.length} note${notes.length > 1 ? "s" : ""} on sizes`), element("ul", {}, notes)) : null,
      element("p", { class: "hint" }, "Click a box to see what is known of it; ", element("kbd", {}, "?"), " lists the keys."),
    ].filter(Boolean);
  }

  peak() {
    const { memory, data } = this.model;
    if (!memory) return data.memory && !data.memory.fixed ? "known at the spec's own sizes only" : "unknown";
    const weights = BigInt(data.memory.weights);
    return [`${bytes(memory.peak)} at its peak, `, this.link(memory.at), `, and ${bytes(weights)} of weights; one sample, float32`];
  }

  /** Bytes alive while each step runs, as a row of bars; a click leads to the step. */
  profile() {
    const { memory } = this.model;
    if (!memory || memory.peak === 0n) return null;
    const steps = [...memory.alive.keys()].sort((a, b) => a - b);
    const columns = Math.min(steps.length, 320);
    const svg = drawn("svg", { class: "profile", viewBox: `0 0 ${columns} 40`, preserveAspectRatio: "none", role: "img", "aria-label": "Memory alive, step by step" });
    let path = "";
    for (let column = 0; column < columns; column += 1) {
      const from = Math.floor((column * steps.length) / columns);
      const to = Math.max(from + 1, Math.floor(((column + 1) * steps.length) / columns));
      const most = Math.max(...steps.slice(from, to).map((step) => Number(memory.alive.get(step))));
      const height = (38 * most) / Number(memory.peak);
      path += `M${column} 40v${-height.toFixed(2)}h1v${height.toFixed(2)}z`;
    }
    svg.append(drawn("path", { d: path }));
    svg.addEventListener("click", (event) => {
      const bounds = svg.getBoundingClientRect();
      this.act.goTo(steps[clamp(Math.floor(((event.clientX - bounds.left) / bounds.width) * steps.length), 0, steps.length - 1)]);
    });
    return element("figure", { class: "profile-box" }, svg, element("figcaption", {}, "memory alive, step by step"));
  }

  box(number) {
    const model = this.model;
    const box = model.boxes[number];
    const main = model.main[number];
    const scope = box.s === undefined ? null : model.data.scopes[box.s];
    const parts = [this.crumbs(number), element("h2", {}, box.g ? model.words(main) : titleOf(box)), this.under(number, scope)];
    if (box.b) parts.push(this.openings(number));
    parts.push(facts(this.numbers(number, main)));
    if (scope) parts.push(...this.scope(scope));
    for (const step of box.n ?? []) parts.push(...this.step(step, box.n.length > 1));
    const last = model.last[number];
    const picture = last < 0 ? null : this.picture.of(last);
    if (picture) parts.push(picture);
    return parts.filter(Boolean);
  }

  /** The way to a box: the blocks around it, each a link. */
  crumbs(number) {
    const names = this.model.holders(number).map((around) => this.boxLink(around));
    const top = element("button", { type: "button", class: "link", onclick: () => this.act.select(null) }, this.model.data.name);
    return element("nav", { class: "crumbs", "aria-label": "The blocks around it" }, [top, ...names].flatMap((name) => [name, " › "]).slice(0, -1));
  }

  under(number, scope) {
    const said = [element("code", {}, this.model.path(number))];
    if (scope && scope[SCOPE.block]) said.push(` a use of ${scope[SCOPE.block]}`);
    const step = this.model.main[number];
    const label = step >= 0 ? this.model.steps[step][STEP.label] : "";
    if (label) said.push(` labelled ${label}`);
    return element("p", { class: "path" }, said);
  }

  openings(number) {
    const open = this.act.isOpen(number);
    const button = (words, act, key) => element("button", { type: "button", class: "button", onclick: act }, words, element("kbd", {}, key));
    return element("p", { class: "openings" }, button(open ? "Close" : "Open", () => this.act.toggle(number), "Enter"), button("Open all inside", () => this.act.openAll(number), "e"));
  }

  numbers(number, main) {
    const model = this.model;
    const last = model.last[number];
    const rows = [];
    const box = model.boxes[number];
    if (box.z) rows.push(["output", this.sizes(box.z)]);
    if (main >= 0 || !box.n) rows.push(["parameters", this.count(model.parameters[number], model.parameters[model.whole])]);
    if (model.cost[number] > 0n) {
      const formula = box.n && main >= 0 ? model.formulaWords(model.steps[main][STEP.cost]) : "";
      rows.push(["multiply-adds", [this.count(model.cost[number], model.cost[model.whole]), formula.includes("·") ? element("div", { class: "formula" }, formula) : null]]);
    }
    if (model.alive[number] >= 0n) {
      const peak = model.memory && model.alive[number] === model.memory.peak ? ", the peak of the network" : "";
      rows.push(["memory", `${bytes(model.alive[number])} alive${box.n ? " while it runs" : " at most"}${peak}`]);
    }
    rows.push(["field", this.field(last)]);
    return rows.filter(([, value]) => value !== null);
  }

  field(step) {
    const axes = fieldOf(this.model, step);
    if (!axes) return null;
    const spans = axes.map((axis) => (axis.table ? tableSpan(axis.table) : "?"));
    const known = axes.filter((axis) => axis.table);
    const said = [];
    if (known.length) {
      const [period, shift, rows] = known[0].table;
      said.push(`${spans.join(" × ")} pixels, stride ${fraction(shift, period)}`);
      if (rows[0]) said.push(`padding ${-rows[0][0]}`);
      if (period > 1) said.push(`${period} phases`);
      const holes = Math.max(...known.map((axis) => holesOf(axis.table)));
      if (holes) said.push(`up to ${holes} holes along an axis`);
    } else if (!axes.some((axis) => axis.whole)) said.push("not the same for every row, or known at the spec's own sizes only");
    if (axes.some((axis) => axis.whole)) said.push(known.length ? "then the whole input" : "the whole input");
    return said.join(", ");
  }

  scope(scope) {
    const model = this.model;
    const doc = model.data.shared[scope[SCOPE.doc]];
    const values = model.data.shared[scope[SCOPE.values]];
    return [doc ? element("p", { class: "doc" }, doc) : null, values.length ? element("h3", {}, "Parameters of the block") : null, values.length ? facts(values) : null];
  }

  step(step, several) {
    const model = this.model;
    const row = model.steps[step];
    const given = model.shared(step, STEP.arguments);
    const tensors = model.shared(step, STEP.tensors);
    const title = several ? model.words(step) : model.shared(step, STEP.op);
    const parts = [element("h3", {}, several ? [title, " ", element("code", {}, row[STEP.path])] : [element("code", {}, title)])];
    if (row[STEP.bits]) parts.push(element("p", { class: "hint" }, row[STEP.bits] & NEVER ? "never run; there for its weights" : "only in training"));
    if (given.length) {
      parts.push(element("dl", { class: "facts" }, given.map(([name, value, usual]) => element("div", { class: usual ? "usual" : "" }, element("dt", {}, name), element("dd", {}, value)))));
    }
    if (tensors.length) {
      parts.push(element("ul", { class: "tensors", "aria-label": "Tensors" }, tensors.map(([name, ...shape]) => element("li", {}, element("code", {}, name || row[STEP.path]), ` ${shape.join(" × ") || "scalar"}`))));
    }
    if (row[STEP.reused] >= 0) parts.push(element("p", {}, "with the weights of ", this.link(row[STEP.reused])));
    parts.push(this.neighbours("reads", row[STEP.inputs]), this.neighbours("read by", model.readers[step]));
    return parts;
  }

  neighbours(words, steps) {
    if (!steps.length) return null;
    const shown = steps.slice(0, 12).flatMap((step) => [this.link(step), ", "]).slice(0, -1);
    return element("p", { class: "neighbours" }, `${words} `, shown, steps.length > 12 ? ` and ${steps.length - 12} more` : "");
  }

  link(step) {
    if (step < 0) return "";
    return element("button", { type: "button", class: "link", onclick: () => this.act.goTo(step) }, this.model.steps[step][STEP.path]);
  }

  boxLink(box) {
    const row = this.model.boxes[box];
    return element("button", { type: "button", class: "link", onclick: () => this.act.select(box) }, row.s === undefined ? titleOf(row) : this.model.data.scopes[row.s][SCOPE.path].split(".").pop());
  }

  count(part, whole) {
    return `${grouped(part)}${Number(part) ? `, ${percent(part, whole)}` : ""}`;
  }

  /** Sizes as numbers, with the formula under them where they depend on the input. */
  sizes(sizes) {
    const numbers = this.model.shape(sizes);
    const formula = this.model.shapeFormula(sizes);
    return element("span", {}, numbers, formula !== numbers ? element("div", { class: "formula" }, formula) : null);
  }
}

function facts(rows) {
  return element("dl", { class: "facts" }, rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function fraction(part, whole) {
  return part % whole ? `${part}/${whole}` : `${part / whole}`;
}
