/* Texts beside the figure: YAML and PyTorch, a line of which belongs to steps; only the lines in sight are there. */

const LINE = 19; // pixels
const WORDS = {
  yaml: /(#.*$)|("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')|(\$\([^)]*\)|\$\w+)|([\w.-]+(?=:(?:\s|$)))|(\b\d+(?:\.\d+)?\b|\b(?:true|false|null)\b)|(^\s*- )/g,
  python: /(#.*$|"""[\s\S]*$)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\bself\b)|(\b(?:nn|F|torch)\.[A-Za-z_]\w*)|(\b\d+(?:\.\d+)?(?:e-?\d+)?\b|\b(?:True|False|None)\b)|(\b(?:class|def|return|import|from|for|in|if|else|as|with|del|not|and|or|range|super)\b)/g,
};
const LOOKS = ["comment", "string", "variable", "name", "number", "keyword"];

/** A line with its words in colours. */
function coloured(line, language) {
  const made = [];
  let end = 0;
  for (const match of line.matchAll(WORDS[language])) {
    if (match.index > end) made.push(line.slice(end, match.index));
    const look = LOOKS[match.slice(1).findIndex((part) => part !== undefined)];
    made.push(element("span", { class: look }, match[0]));
    end = match.index + match[0].length;
  }
  if (end < line.length) made.push(line.slice(end));
  return made;
}

class TextView {
  constructor(place, chosen) {
    this.place = place;
    this.chosen = chosen;
    this.height = element("div", { class: "height" });
    this.rows = element("div", { class: "rows" });
    this.place.replaceChildren(this.height, this.rows);
    this.place.addEventListener("scroll", () => this.paint());
    this.rows.addEventListener("click", (event) => {
      const row = event.target.closest("[data-line]");
      if (row && !String(getSelection())) this.chosen(Number(row.dataset.line));
    });
    this.place.addEventListener("keydown", (event) => this.key(event));
    this.lines = [];
    this.marked = new Map();
    this.linked = new Set();
    this.cursor = 0;
  }

  /** From one line that has steps to the next, and from it to them. */
  key(event) {
    const down = event.key === "ArrowDown";
    if (down || event.key === "ArrowUp") {
      const lines = [...this.linked].sort((a, b) => a - b);
      this.cursor = (down ? lines.find((line) => line > this.cursor) : lines.reverse().find((line) => line < this.cursor)) ?? this.cursor;
      const top = (this.cursor - 1) * LINE;
      this.place.scrollTop = clamp(this.place.scrollTop, top - this.place.clientHeight + 3 * LINE, Math.max(0, top - LINE));
      this.paint();
    } else if (event.key === "Enter" && this.cursor) this.chosen(this.cursor);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  show(lines, language, linked) {
    if (this.lines !== lines) {
      [this.lines, this.language, this.linked, this.cursor] = [lines, language, linked, 0];
      this.height.style.height = `${lines.length * LINE + 16}px`;
      this.rows.style.minWidth = `${lines.reduce((most, line) => Math.max(most, line.length), 0) + 7}ch`;
      this.place.scrollTop = 0;
    }
    this.paint();
  }

  /** Lines that stand out, with how: "strong" for the step's own, "weak" for the blocks around it. */
  mark(marked, scroll) {
    this.marked = marked;
    const strong = [...marked].filter(([, how]) => how === "strong").map(([line]) => line);
    const target = strong[0] ?? [...marked.keys()][0];
    if (scroll && target !== undefined) {
      const top = (target - 1) * LINE;
      const { scrollTop, clientHeight } = this.place;
      if (top < scrollTop + LINE || top > scrollTop + clientHeight - 2 * LINE) this.place.scrollTop = Math.max(0, top - clientHeight / 3);
    }
    this.paint();
  }

  paint() {
    const first = Math.max(0, Math.floor(this.place.scrollTop / LINE) - 8);
    const last = Math.min(this.lines.length, Math.ceil((this.place.scrollTop + this.place.clientHeight) / LINE) + 8);
    const made = [];
    for (let at = first; at < last; at += 1) {
      const line = at + 1;
      const look = ["row", this.marked.get(line), this.linked.has(line) ? "linked" : "", line === this.cursor ? "cursor" : ""].filter(Boolean).join(" ");
      made.push(element("div", { class: look, "data-line": line }, element("span", { class: "line-number" }, `${line}`), ...coloured(this.lines[at], this.language), "\n"));
    }
    this.rows.style.transform = `translateY(${first * LINE}px)`;
    this.rows.replaceChildren(...made);
  }
}

/** The texts of a network, and which steps their lines belong to. */
class Texts {
  constructor(model, texts, choose) {
    this.model = model;
    this.choose = choose;
    this.files = texts.files;
    this.code = texts.torch;
    this.stepsAt = new Map(); // "file line" -> steps
    this.scopesAt = new Map();
    this.codeAt = new Map(); // "file line" -> lines of PyTorch
    model.steps.forEach((step, number) => step[STEP.place] && this.put(this.stepsAt, step[STEP.place], number));
    model.data.scopes.forEach((scope, number) => scope[SCOPE.use] && this.put(this.scopesAt, scope[SCOPE.use], number));
    for (const [line, places] of Object.entries(this.code.from)) {
      for (const place of places) this.put(this.codeAt, place, Number(line));
    }
    this.linked = this.files.map(() => new Set());
    for (const map of [this.stepsAt, this.scopesAt]) {
      for (const key of map.keys()) {
        const [file, line] = key.split(" ").map(Number);
        this.linked[file].add(line);
      }
    }
    this.own = [];
    this.around = [];
    this.tab = 0;
    const place = (name) => document.querySelector(`#${name} .text`);
    this.yaml = new TextView(place("yaml"), (line) => this.clicked([[this.tab, line]]));
    this.torch = new TextView(place("torch"), (line) => this.clicked(this.code.from[line] ?? []));
    this.torch.show(this.code.lines, "python", new Set(Object.keys(this.code.from).map(Number)));
    this.tabs();
    const copy = document.querySelector("#torch .link");
    copy.addEventListener("click", async () => {
      await navigator.clipboard?.writeText(`${this.code.lines.join("\n")}\n`);
      byId("said").textContent = copy.textContent = "Copied";
    });
  }

  put(map, place, value) {
    const key = place.join(" ");
    if (!map.has(key)) map.set(key, []);
    map.get(key).push(value);
  }

  tabs() {
    const list = document.querySelector("#yaml .tabs");
    this.buttons = this.files.map((file, at) =>
      element("button", { type: "button", role: "tab", "aria-selected": false, title: file.name, onclick: () => this.turn(at) }, file.name.split("/").pop()),
    );
    list.replaceChildren(...this.buttons);
    list.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move) return;
      this.turn((this.tab + move + this.files.length) % this.files.length);
      this.buttons[this.tab].focus();
      event.stopPropagation();
    });
    byId("yaml").hidden = !this.files.length;
    if (this.files.length) this.turn(0);
  }

  /** Show one of the files. */
  turn(tab) {
    this.tab = tab;
    this.buttons.forEach((button, at) => {
      button.setAttribute("aria-selected", at === tab);
      button.tabIndex = at === tab ? 0 : -1;
    });
    const button = this.buttons[tab];
    const list = button.parentElement;
    if (button.offsetLeft < list.scrollLeft || button.offsetLeft + button.offsetWidth > list.scrollLeft + list.clientWidth) list.scrollLeft = button.offsetLeft - 24;
    this.yaml.show(this.files[tab].lines, "yaml", this.linked[tab]);
    this.yaml.mark(this.marks((place) => (place[0] === tab ? [place[1]] : [])), true);
  }

  /** The lines that belong to what is chosen: its own stand out, those of the blocks around it less so. */
  marks(linesOf) {
    const found = new Map();
    for (const [places, how] of [[this.own, "strong"], [this.around, "weak"]]) {
      for (const place of places) for (const line of linesOf(place)) found.has(line) || found.set(line, how);
    }
    return found;
  }

  /** What is chosen: its own places, and those of the blocks around it. */
  select(own, around) {
    [this.own, this.around] = [own, around];
    this.torch.mark(this.marks((place) => this.codeAt.get(place.join(" ")) ?? []), true);
    if (!this.files.length) return;
    const here = own.some((place) => place[0] === this.tab);
    this.turn(here ? this.tab : own[0]?.[0] ?? around[0]?.[0] ?? this.tab);
  }

  clicked(places) {
    const keys = places.map((place) => place.join(" "));
    this.choose(keys.flatMap((key) => this.stepsAt.get(key) ?? []), keys.flatMap((key) => this.scopesAt.get(key) ?? []));
  }

  paint() {
    this.yaml.paint();
    this.torch.paint();
  }
}
