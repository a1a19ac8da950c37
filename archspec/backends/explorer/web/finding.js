/* Finding a step by its name, path, op or label. */

const MOST_FOUND = 60;

class Finder {
  constructor(model, choose) {
    this.model = model;
    this.choose = choose;
    this.dialog = byId("finder");
    this.input = this.dialog.querySelector("input");
    this.list = byId("found");
    this.entries = [
      ...model.data.scopes.flatMap((scope, number) => (scope[SCOPE.path] ? [{ scope: number, path: scope[SCOPE.path], words: scope[SCOPE.block] || scope[SCOPE.kind] }] : [])),
      ...model.steps.map((step, number) => ({ step: number, path: step[STEP.path], words: model.words(number), more: `${model.shared(number, STEP.op)} ${step[STEP.label]}` })),
    ];
    this.input.addEventListener("input", () => this.search());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    byId("find").addEventListener("click", () => this.open());
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal();
    this.input.select();
    this.search();
  }

  /** The entries that hold every word that is typed; those whose path begins with it first. */
  search() {
    const wanted = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const score = (entry) => {
      const path = entry.path.toLowerCase();
      const text = `${path} ${entry.words} ${entry.more ?? ""}`.toLowerCase();
      if (!wanted.every((word) => text.includes(word))) return -1;
      const first = wanted[0] ?? "";
      return (path === first ? 8 : 0) + (path.startsWith(first) ? 4 : 0) + (path.includes(first) ? 2 : 0) + (entry.scope !== undefined ? 1 : 0);
    };
    const found = [];
    for (const entry of this.entries) {
      const points = score(entry);
      if (points >= 0) found.push([points, entry]);
    }
    found.sort((a, b) => b[0] - a[0] || a[1].path.length - b[1].path.length);
    this.found = found.slice(0, MOST_FOUND).map(([, entry]) => entry);
    this.at = 0;
    this.list.replaceChildren(...this.found.map((entry, at) => this.row(entry, at)));
    if (found.length > MOST_FOUND) this.list.append(element("li", { class: "more", role: "presentation" }, `and ${found.length - MOST_FOUND} more`));
    if (!found.length) this.list.append(element("li", { class: "more", role: "presentation" }, "nothing of that name"));
    this.light();
  }

  row(entry, at) {
    return element("li", { role: "option", id: `found${at}`, onclick: () => this.take(at) }, element("code", {}, entry.path), element("span", {}, entry.words));
  }

  light() {
    [...this.list.querySelectorAll("[role=option]")].forEach((row, at) => row.setAttribute("aria-selected", at === this.at));
    this.input.setAttribute("aria-activedescendant", this.found.length ? `found${this.at}` : "");
    byId(`found${this.at}`)?.scrollIntoView({ block: "nearest" });
  }

  take(at) {
    const entry = this.found[at];
    if (!entry) return;
    this.dialog.close();
    this.choose(entry);
  }

  key(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && this.found.length) {
      this.at = (this.at + move + this.found.length) % this.found.length;
      this.light();
      event.preventDefault();
    } else if (event.key === "Enter") {
      this.take(this.at);
      event.preventDefault();
    }
    event.stopPropagation();
  }
}
