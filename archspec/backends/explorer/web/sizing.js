/* The size of the input, as the reader wants it. */

const Sizing = {
  sizeInputs() {
    const { symbols, sizes } = this.model.data;
    const form = byId("sizes");
    for (const symbol of symbols) {
      if (!(symbol.name in sizes)) continue;
      const start = sizes[symbol.name];
      const most = Math.max(1024, 2 * start);
      const input = element("input", { type: "number", min: 1, max: 65536, value: start, "aria-label": `Size ${symbol.name}`, "data-size": symbol.name });
      const range = element("input", { type: "range", min: Number(validFrom(symbol, 1n) ?? 1n), max: most, value: start, "aria-label": `Size ${symbol.name}`, tabindex: -1 });
      input.addEventListener("input", () => this.resize({ ...this.wanted, [symbol.name]: Number(input.value) }));
      range.addEventListener("input", () => {
        const near = validUpTo(symbol, BigInt(range.value)) ?? validFrom(symbol, BigInt(range.value));
        this.resize({ ...this.wanted, [symbol.name]: Number(near ?? range.value) });
      });
      form.append(element("label", {}, element("span", {}, symbol.name), input, range));
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    this.wanted = { ...sizes };
    form.hidden = !form.children.length;
  },

  /** Look at the network at other sizes; those at which it does not run are refused, with the reason. */
  resize(sizes) {
    this.wanted = sizes;
    for (const input of document.querySelectorAll("#sizes input[type=number]")) {
      const size = sizes[input.dataset.size];
      if (Number(input.value) !== size) input.value = size;
      input.nextSibling.value = size;
    }
    const whole = Object.values(sizes).every((size) => Number.isInteger(size) && size >= 1 && size <= 65536);
    const refused = whole ? refusal(this.model.data, sizes) : { message: "a size is a whole number from 1 to 65536", reasons: [], near: [], step: -1, valid: "" };
    this.refuse(refused);
    if (refused) return;
    this.model.resize(sizes);
    this.colours.renew();
    this.painter.renew();
    this.layout.forgetAll();
    this.view.draw();
    this.colours.legend();
    this.refreshLater();
    this.remember();
  },

  refuse(refused) {
    const place = byId("refused");
    place.hidden = refused === null;
    document.body.classList.toggle("stale", refused !== null);
    document.querySelectorAll("#sizes input").forEach((input) => input.setAttribute("aria-invalid", refused !== null));
    if (!refused) return place.replaceChildren();
    const near = refused.near.map((size) => element("button", { type: "button", class: "button", onclick: () => this.resize({ ...this.wanted, [refused.symbol]: Number(size) }) }, `${refused.symbol} = ${size}`));
    const where = refused.step >= 0 ? element("button", { type: "button", class: "button", onclick: () => this.goTo(refused.step) }, "show the step") : null;
    const valid = refused.valid ? `valid: ${refused.valid}` : "";
    place.replaceChildren(element("strong", {}, refused.message), ` ${[...refused.reasons.slice(0, 1), valid].filter(Boolean).join("; ")} `, ...near, where ?? "");
  },
};
