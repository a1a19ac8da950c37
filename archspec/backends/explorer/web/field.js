/* The receptive field of a step, drawn on the input: the pixels that one place of its output reads, holes and all. */

/** The field of a step along each axis of the input; null if it does not depend on it. */
function fieldOf(model, step) {
  const number = step < 0 ? -1 : model.steps[step][STEP.field];
  if (number < 0) return null;
  return model.data.fields[number].map(([table, whole, always, first, lasts], at) => {
    const known = table >= 0 && (always || model.atOwnSizes()) ? model.data.tables[table] : null;
    return { axis: model.data.axes[at], table: known, whole: Boolean(whole), first, lasts };
  });
}

/** The widest field over all phases, along the first axis that has one. */
function fieldSpan(model, step) {
  const axes = fieldOf(model, step);
  if (!axes || !axes.length) return null;
  const spans = axes.map((axis) => (axis.table ? tableSpan(axis.table) : null)).filter((span) => span !== null);
  if (spans.length) return Math.max(...spans);
  return axes.some((axis) => axis.whole) ? Infinity : null;
}

function tableSpan([, , rows]) {
  return Math.max(0, ...rows.map((row) => (row ? row[1] - row[0] + 1 : 0)));
}

/** Runs of pixels `[first, last]` that an output row reads. */
function runsOf([period, shift, rows], row) {
  const phase = ((row % period) + period) % period;
  const taps = rows[phase];
  if (!taps) return [];
  const move = ((row - phase) / period) * shift;
  const [first, last, mask] = taps;
  if (mask === undefined || mask === "") return [[first + move, last + move]];
  const runs = [];
  const bits = BigInt(`0x${mask}`).toString(2);
  for (let bit = 0; bit < bits.length; bit += 1) {
    if (bits[bits.length - 1 - bit] !== "1") continue;
    const pixel = first + bit + move;
    if (runs.length && runs[runs.length - 1][1] === pixel - 1) runs[runs.length - 1][1] = pixel;
    else runs.push([pixel, pixel]);
  }
  return runs;
}

/** Pixels that are read between the first and the last, and those that are not. */
function holesOf(table) {
  return Math.max(0, ...table[2].map((taps) => {
    if (!taps || taps.length < 3 || taps[2] === "") return 0;
    const read = [...BigInt(`0x${taps[2]}`).toString(2)].filter((bit) => bit === "1").length;
    return taps[1] - taps[0] + 1 - read;
  }));
}

/** The drawing of one step's field, with the place of its output that is looked at. */
class FieldPicture {
  constructor(model) {
    this.model = model;
    this.step = -1;
    this.photo = null;
    this.canvas = element("canvas", { class: "field", tabindex: 0, role: "img" });
    this.near = element("canvas", { class: "field near", "aria-hidden": "true" });
    this.said = element("p", { class: "field-words" });
    this.canvas.addEventListener("pointerdown", (event) => this.drag(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** The picture of a step, or null where there is nothing to draw. */
  of(step) {
    this.axes = fieldOf(this.model, step);
    if (!this.axes || !this.axes.length || this.axes.length > 2) return null;
    const source = this.model.steps[this.model.data.inputs[0]];
    const sizes = source[STEP.sizes].slice(-this.axes.length).map((size) => Number(this.model.evaluated.sizes[size] ?? 0n));
    const outer = this.axes.map((axis) => this.along(step, axis.axis));
    if (sizes.some((size) => size < 1 || size > 20000)) return null;
    [this.step, this.input] = [step, sizes];
    this.output = outer.map((size) => size ?? 1);
    this.row = this.output.map((size) => Math.floor(size / 2));
    const tools = element("div", { class: "field-tools" });
    const file = element("input", { type: "file", accept: "image/*", "aria-label": "A photo to draw the field on", onchange: () => this.load(file.files[0]) });
    tools.append(element("label", { class: "button" }, "On a photo…", file));
    this.paint();
    return element("section", { class: "field-box" }, element("h3", {}, "What one place of its output sees"), this.canvas, this.near, this.said, tools);
  }

  /** The size of a step's output along an axis of the input. */
  along(step, axis) {
    const row = this.model.steps[step];
    const at = this.model.shared(step, STEP.axes).indexOf(axis);
    return at < 0 ? null : Number(this.model.evaluated.sizes[row[STEP.sizes][at]] ?? 1n);
  }

  async load(file) {
    if (!file) return;
    try {
      this.photo = await createImageBitmap(file);
    } catch {
      this.said.textContent = "That file is no picture that this browser reads.";
      return;
    }
    this.paint();
  }

  drag(event) {
    const move = (to) => {
      const bounds = this.canvas.getBoundingClientRect();
      const parts = [(to.clientY - bounds.top) / bounds.height, (to.clientX - bounds.left) / bounds.width].slice(-this.output.length);
      if (this.output.length === 1) parts[0] = (to.clientX - bounds.left) / bounds.width;
      this.row = parts.map((part, at) => clamp(Math.floor(part * this.output[at]), 0, this.output[at] - 1));
      this.paint();
    };
    move(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.onpointermove = move;
    this.canvas.onpointerup = () => (this.canvas.onpointermove = null);
  }

  key(event) {
    const along = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [1, -1], ArrowRight: [1, 1] }[event.key];
    if (!along) return;
    const at = Math.min(along[0], this.row.length - 1);
    this.row[at] = clamp(this.row[at] + along[1] * (event.shiftKey ? 8 : 1), 0, this.output[at] - 1);
    this.paint();
    event.preventDefault();
    event.stopPropagation();
  }

  runs() {
    return this.axes.map((axis, at) => (axis.table ? runsOf(axis.table, this.row[at]) : [[0, this.input[at] - 1]]));
  }

  paint() {
    const runs = this.runs();
    const two = this.input.length === 2;
    const [height, width] = two ? this.input : [Math.max(1, Math.round(this.input[0] / 8)), this.input[0]];
    const [down, across] = two ? runs : [[[0, height - 1]], runs[0]];
    const seen = {
      left: Math.max(-width, Math.min(0, edge(across, 0) || 0)), top: Math.max(-height, Math.min(0, edge(down, 0) || 0)),
      right: Math.min(2 * width, Math.max(width, edge(across, 1) + 1 || 0)), bottom: Math.min(2 * height, Math.max(height, edge(down, 1) + 1 || 0)),
    };
    paintField(this.canvas, seen, { height, width }, down, across, this.photo, 320, 260, this.phases());
    this.magnify(down, across, height, width);
    this.say(runs);
  }

  /** The fields of the other phases around the place: places of one period, which see parts of another size. */
  phases() {
    if (this.axes.length !== 2 || this.axes.some((axis) => !axis.table)) return [];
    const periods = this.axes.map((axis) => axis.table[0]);
    if (Math.max(...periods) < 2 || Math.max(...periods) > 64) return [];
    const found = [];
    for (let phase = 0; phase < Math.max(...periods); phase += 1) {
      const rows = this.row.map((row, at) => row - (row % periods[at]) + (phase % periods[at]));
      const runs = this.axes.map((axis, at) => runsOf(axis.table, rows[at]));
      if (runs.every((some) => some.length)) found.push([edge(runs[1], 0), edge(runs[0], 0), edge(runs[1], 1) + 1, edge(runs[0], 1) + 1]);
    }
    return found;
  }

  /** The same nearer, where the field is a small part of the input. */
  magnify(down, across, height, width) {
    const box = { top: edge(down, 0), bottom: edge(down, 1) + 1, left: edge(across, 0), right: edge(across, 1) + 1 };
    const span = Math.max(box.bottom - box.top, box.right - box.left);
    this.near.hidden = !Number.isFinite(span) || span > 0.4 * Math.max(height, width) || span > 140;
    if (this.near.hidden) return;
    const margin = Math.max(2, Math.ceil(span * 0.2));
    const seen = { left: box.left - margin, top: box.top - margin, right: box.right + margin, bottom: box.bottom + margin };
    paintField(this.near, seen, { height, width }, down, across, this.photo, 200, 200);
  }

  say(runs) {
    const words = this.axes.map((axis, at) => {
      const read = runs[at].reduce((sum, [first, last]) => sum + last - first + 1, 0);
      const span = runs[at].length ? runs[at][runs[at].length - 1][1] - runs[at][0][0] + 1 : 0;
      const period = axis.table ? axis.table[0] : 1;
      let said = `${axis.axis}: row ${this.row[at]} of ${this.output[at]} sees ${span}`;
      if (read < span) said += ` pixels, ${read} of them read`;
      if (period > 1) said += `, phase ${((this.row[at] % period) + period) % period} of ${period}`;
      if (axis.table && !this.interior(axis, at)) said += "; at the border, where padding is part of it";
      return said;
    });
    if (this.axes.some((axis) => axis.whole)) words.push("a global step before it reads the whole input; drawn is what the others give");
    this.said.textContent = words.join("\n");
    this.canvas.setAttribute("aria-label", `The field on the input. ${words.join(". ")}. Arrow keys move the place.`);
  }

  interior(axis, at) {
    const lasts = axis.lasts.map((size) => this.model.evaluated.sizes[size]);
    if (!lasts.length || lasts.includes(null)) return true;
    return this.row[at] >= axis.first && lasts.every((last) => BigInt(this.row[at]) <= last);
  }
}

function edge(runs, end) {
  if (!runs.length) return NaN;
  return end ? runs[runs.length - 1][1] : runs[0][0];
}

/** Draw a part of the input and the pixels of a field in it. */
function paintField(canvas, seen, input, down, across, photo, widest, tallest, others = []) {
  const [width, height] = [seen.right - seen.left, seen.bottom - seen.top];
  const unit = Math.min(widest / width, tallest / height);
  const sharp = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.max(1, Math.round(width * unit * sharp));
  canvas.height = Math.max(1, Math.round(height * unit * sharp));
  canvas.style.width = `${Math.round(width * unit)}px`;
  canvas.style.height = `${Math.round(height * unit)}px`;
  const pen = canvas.getContext("2d");
  const look = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  pen.scale(unit * sharp, unit * sharp);
  pen.translate(-seen.left, -seen.top);
  pen.fillStyle = look("--outside");
  pen.fillRect(seen.left, seen.top, width, height);
  pen.fillStyle = look("--plain");
  pen.fillRect(0, 0, input.width, input.height);
  if (photo) pen.drawImage(photo, 0, 0, input.width, input.height);
  const many = down.length * across.length;
  pen.fillStyle = look("--seen");
  pen.globalAlpha = photo ? 0.55 : 0.9;
  const rows = many > 60000 ? [[edge(down, 0), edge(down, 1)]] : down;
  const columns = many > 60000 ? [[edge(across, 0), edge(across, 1)]] : across;
  const gap = unit > 6 ? 0.06 : 0;
  for (const [top, bottom] of rows) {
    for (const [left, right] of columns) {
      pen.globalAlpha = photo ? 0.55 : 0.9;
      if (unit > 6) for (let y = top; y <= bottom; y += 1) for (let x = left; x <= right; x += 1) {
        const outside = x < 0 || y < 0 || x >= input.width || y >= input.height;
        pen.globalAlpha = outside ? 0.25 : photo ? 0.55 : 0.9;
        pen.fillRect(x + gap, y + gap, 1 - 2 * gap, 1 - 2 * gap);
      } else pen.fillRect(left, top, right - left + 1, bottom - top + 1);
    }
  }
  pen.globalAlpha = 0.5;
  pen.lineWidth = 0.8 / unit;
  pen.strokeStyle = look("--faint");
  for (const [left, top, right, bottom] of others) pen.strokeRect(left, top, right - left, bottom - top);
  pen.globalAlpha = 1;
  pen.strokeStyle = look("--seen-edge");
  pen.lineWidth = 1.5 / unit;
  const box = [edge(across, 0), edge(down, 0), edge(across, 1) + 1, edge(down, 1) + 1];
  if (box.every(Number.isFinite)) pen.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
}

function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}
