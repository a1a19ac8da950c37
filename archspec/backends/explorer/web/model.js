/* The network as the page sees it: steps and boxes by name, what each box holds, and its numbers at a size. */

const STEP = {
  path: 0, words: 1, op: 2, arguments: 3, sizes: 4, inputs: 5, parameters: 6, cost: 7, field: 8, place: 9,
  scope: 10, bits: 11, reused: 12, tensors: 13, axes: 14, label: 15,
};
const SCOPE = { path: 0, kind: 1, around: 2, block: 3, doc: 4, values: 5, use: 6, place: 7 };
const TRAINING = 1;
const NEVER = 2;
const ROOT = -1;

class Model {
  constructor(data) {
    this.data = data;
    this.boxes = data.boxes;
    this.steps = data.steps;
    this.readers = data.steps.map(() => []);
    data.steps.forEach((step, number) => {
      for (const source of step[STEP.inputs]) this.readers[source].push(number);
    });
    for (const box of data.boxes) {
      const own = box.n ?? [];
      box.k ??= data.steps[own[0]]?.[STEP.path] ?? "";
      if (own.length) box.z ??= data.steps[own[own.length - 1]][STEP.sizes];
    }
    this.number = new Map(data.boxes.map((box, number) => [box.k, number]));
    this.nest();
    this.assign();
    this.resize(data.sizes);
  }

  /** Which box holds which, and an order in which a box comes before what it holds. */
  nest() {
    this.parent = new Int32Array(this.boxes.length).fill(ROOT);
    this.order = [];
    const waiting = [[ROOT, this.data.root]];
    while (waiting.length) {
      const [around, row] = waiting.pop();
      for (const number of boxesOf(row)) {
        this.parent[number] = around;
        this.order.push(number);
        if (this.boxes[number].b) waiting.push([number, this.boxes[number].b]);
      }
    }
  }

  /** The innermost box of each step; a step that is not drawn goes with the one that reads it, or its block. */
  assign() {
    this.boxOf = new Int32Array(this.steps.length).fill(ROOT);
    this.boxOfScope = new Map();
    for (const number of this.order) {
      for (const step of this.boxes[number].n ?? []) this.boxOf[step] = number;
      if (this.boxes[number].s !== undefined) this.boxOfScope.set(this.boxes[number].s, number);
    }
    for (let step = this.steps.length - 1; step >= 0; step -= 1) {
      if (this.boxOf[step] !== ROOT) continue;
      const reader = this.readers[step].find((one) => this.boxOf[one] !== ROOT);
      this.boxOf[step] = reader === undefined ? this.around(this.steps[step][STEP.scope]) : this.boxOf[reader];
    }
    this.main = this.boxes.map((box, number) => this.mainStep(box, number));
  }

  /** The box of a scope, or of the nearest one around it that has a box. */
  around(scope) {
    while (scope >= 0 && !this.boxOfScope.has(scope)) scope = this.data.scopes[scope][SCOPE.around];
    return scope >= 0 ? this.boxOfScope.get(scope) : ROOT;
  }

  /** The step that gives a box its name: of several, the one that has weights or costs. */
  mainStep(box) {
    const steps = box.n ?? [];
    const heavy = steps.find((step) => this.data.formulas[this.steps[step][STEP.cost]].length);
    return heavy ?? steps.find((step) => this.words(step) === box.t) ?? steps[0] ?? -1;
  }

  /** Everything that depends on the size of the input; sums and memory are found when they are first asked for. */
  resize(sizes) {
    this.sizes = { ...sizes };
    this.evaluated = new Evaluated(this.data, sizes);
    [this.replay, this.sums] = [undefined, null];
  }

  get memory() {
    if (this.replay === undefined) {
      const exact = this.data.memory !== null && (this.data.memory.fixed || this.atOwnSizes());
      this.replay = exact ? replayed(this.data.memory, this.evaluated) : null;
    }
    return this.replay;
  }

  atOwnSizes() {
    return Object.entries(this.data.sizes).every(([name, size]) => this.sizes[name] === size);
  }

  get parameters() {
    return (this.sums ??= this.sum()).parameters;
  }

  get cost() {
    return (this.sums ??= this.sum()).cost;
  }

  get alive() {
    return (this.sums ??= this.sum()).alive;
  }

  get last() {
    return (this.sums ??= this.sum()).last;
  }

  /** Parameters, multiply-adds, memory and last step of every box, and of the network, which stands last. */
  sum() {
    const count = this.boxes.length + 1;
    const parameters = new Float64Array(count);
    const cost = new Array(count).fill(0n);
    const alive = new Array(count).fill(-1n);
    const last = new Int32Array(count).fill(-1);
    const memory = this.memory;
    const add = (box, step) => {
      const row = this.steps[step];
      parameters[box] += row[STEP.parameters];
      if (!(row[STEP.bits] & NEVER) && (box !== count - 1 || !row[STEP.bits])) {
        cost[box] += this.evaluated.formula(row[STEP.cost]) ?? 0n;
      }
      const bytes = memory?.alive.get(step) ?? -1n;
      if (bytes > alive[box]) alive[box] = bytes;
      if (step > last[box]) last[box] = step;
    };
    this.steps.forEach((_, step) => {
      if (this.boxOf[step] !== ROOT) add(this.boxOf[step], step);
      add(count - 1, step);
    });
    for (let at = this.order.length - 1; at >= 0; at -= 1) {
      const box = this.order[at];
      const around = this.parent[box];
      if (around === ROOT) continue;
      parameters[around] += parameters[box];
      cost[around] += cost[box];
      if (alive[box] > alive[around]) alive[around] = alive[box];
      if (last[box] > last[around]) last[around] = last[box];
    }
    return { parameters, cost, alive, last };
  }

  get whole() {
    return this.boxes.length;
  }

  shared(step, what) {
    return this.data.shared[this.steps[step][what]];
  }

  words(step) {
    return this.shared(step, STEP.words);
  }

  /** Sizes as numbers: `64×112×112`; with formulas where a symbol has no number. */
  shape(sizes) {
    const said = sizes.map((size) => `${this.evaluated.sizes[size] ?? sizeWords(this.data, size)}`);
    return said.join(" × ");
  }

  /** The same as pictures say it: channels alone where the map is a single value. */
  shortShape(sizes) {
    const numbers = sizes.map((size) => this.evaluated.sizes[size] ?? sizeWords(this.data, size));
    if (numbers.length > 1 && numbers.slice(1).every((size) => size === 1n)) return `${numbers[0]}`;
    return numbers.join("×");
  }

  shapeFormula(sizes) {
    return sizes.map((size) => productWords(this.data, size)).join(" × ");
  }

  /** Sizes of what a box reads; null where that is no step, or several. */
  given(box) {
    let row = this.boxes[box];
    while (!row.n && row.b) row = this.boxes[boxesOf(row.b)[0]];
    const inputs = row.n ? this.steps[row.n[0]][STEP.inputs] : [];
    return inputs.length === 1 ? this.steps[inputs[0]][STEP.sizes] : null;
  }

  /** A formula in words: `118,013,952·⌊(H+1)/2⌋·⌊(W+1)/2⌋ + 512,000`. */
  formulaWords(number) {
    const terms = this.data.formulas[number];
    const said = terms.map(([times, ...sizes]) =>
      [grouped(integer(times)), ...sizes.map((size) => productWords(this.data, size))].join("·"),
    );
    return said.join(" + ") || "0";
  }

  /** The boxes around one, the outermost first. */
  holders(box) {
    const found = [];
    for (let around = this.parent[box]; around !== ROOT; around = this.parent[around]) found.unshift(around);
    return found;
  }

  /** The path of a box: of its scope, or of the step that names it. */
  path(box) {
    const row = this.boxes[box];
    if (row.s !== undefined) return this.data.scopes[row.s][SCOPE.path];
    if (this.main[box] >= 0) return this.steps[this.main[box]][STEP.path];
    const inside = row.b ? boxesOf(row.b) : [];
    if (!inside.length) return row.k;
    const first = this.path(inside[0]).split(" … ")[0];
    return `${first} … ${this.path(inside[inside.length - 1]).split(" … ").pop()}`;
  }
}

/** The boxes of a row, in the order in which they are written. */
function boxesOf(row) {
  const found = [];
  for (const element of row) {
    if (typeof element === "number") found.push(element);
    else {
      found.push(...(element.u ?? []), ...(element.c ?? []));
      for (const branch of element.b ?? []) found.push(...boxesOf(branch));
      if (typeof element.k === "number") found.push(element.k);
    }
  }
  return found;
}

function productWords(data, size) {
  const words = data.words[size];
  return Array.isArray(words) ? `(${words[0]})` : words;
}
