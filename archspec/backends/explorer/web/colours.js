/* Colours of boxes: by what they are, or by what they cost, hold or see; and the legend that says so. */

const MODES = {
  kind: "kind",
  cost: "multiply-adds",
  parameters: "parameters",
  memory: "memory",
  field: "receptive field",
};
const KINDS = {
  conv: "convolution", block: "block", pool: "pooling", up: "upsampling", fc: "fully connected",
  norm: "normalisation, activation", other: "dropout, reshape, crop",
};

class Colours {
  constructor(model) {
    this.model = model;
    this.mode = "kind";
  }

  /** The number that a box is coloured by; null if it has none. */
  value(box) {
    const model = this.model;
    if (this.mode === "cost") return Number(model.cost[box]);
    if (this.mode === "parameters") return model.parameters[box];
    if (this.mode === "memory") return model.alive[box] < 0n ? null : Number(model.alive[box]);
    if (this.mode === "field") return fieldSpan(model, model.last[box]);
    return null;
  }

  /** The largest number there is: of the whole, or of any step. */
  get most() {
    const model = this.model;
    if (this.mode === "cost") return Number(model.cost[model.whole]);
    if (this.mode === "parameters") return model.parameters[model.whole];
    if (this.mode === "memory") return Number(model.alive[model.whole]);
    return Math.max(1, ...model.steps.map((_, step) => fieldSpan(model, step) ?? 0).filter(Number.isFinite));
  }

  /** What a box says of its number, in the mode that colours it. */
  words(box) {
    if (this.mode === "kind") return null;
    const value = this.value(box);
    if (value === null) return "";
    if (this.mode === "memory") return bytes(value);
    if (this.mode === "field") return value === Infinity ? "the whole input" : `sees ${value}`;
    return value ? `${short(value)}, ${percent(value, (this.cachedMost ??= this.most))}` : "";
  }

  /** The second line of a closed box: what it says of itself, or its number. */
  detail(box) {
    const row = this.model.boxes[box];
    return row.g ? "" : this.words(box) ?? row.d ?? "";
  }

  dress(box, shape) {
    if (this.mode === "kind" || this.model.boxes[box].g) {
      shape.group.classList.remove("scaled");
      shape.rect.style.removeProperty("fill");
      return;
    }
    const value = this.value(box);
    const most = (this.cachedMost ??= this.most);
    const share = value === null ? 0 : value === Infinity ? 1 : Math.sqrt(Math.min(1, value / (most || 1)));
    shape.group.classList.add("scaled");
    shape.group.classList.toggle("strong", share > 0.62);
    const fill = `color-mix(in oklab, var(--hot) ${Math.round(100 * share)}%, var(--cold))`;
    if (shape.open) shape.rect.style.removeProperty("fill");
    else shape.rect.style.setProperty("fill", fill);
  }

  choose(mode) {
    this.mode = mode in MODES ? mode : "kind";
    this.cachedMost = null;
  }

  renew() {
    this.cachedMost = null;
  }

  legend() {
    const place = byId("legend");
    if (this.mode === "kind") {
      const there = new Set(this.model.boxes.map((box) => box.r));
      const shown = Object.entries(KINDS).filter(([role]) => there.has(role));
      place.replaceChildren(...shown.map(([role, words]) => element("span", {}, element("i", { class: `swatch ${role}` }), words)));
      return;
    }
    const most = this.most;
    const end = this.mode === "memory" ? bytes(most) : this.mode === "field" ? `${most} pixels` : short(most);
    place.replaceChildren(element("span", {}, `${MODES[this.mode]}: 0`, element("i", { class: "scale" }), end));
  }
}
