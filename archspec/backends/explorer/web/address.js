/* The state of the page in its address: what is open, chosen and seen, so that a link shows the same. */

/** Text of the fragment; only what differs from the page as it opens. */
function fragment(state) {
  const parts = [];
  const add = (name, value) => value && parts.push(`${name}=${value}`);
  add("size", Object.entries(state.sizes).map(([name, size]) => `${name}.${size}`).join("~"));
  add("open", state.opened.map(encodeURIComponent).join("~"));
  add("shut", state.closed.map(encodeURIComponent).join("~"));
  add("at", state.chosen === null ? "" : encodeURIComponent(state.chosen));
  add("colour", state.colour === "kind" ? "" : state.colour);
  add("view", state.view.map((value) => Number(value.toFixed(3))).join("~"));
  return parts.join("&");
}

/** The state that a fragment tells; what it does not know it leaves out. */
function told(text) {
  const found = { sizes: {}, opened: [], closed: [], chosen: null, colour: "kind", view: null };
  const decoded = (part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return "";
    }
  };
  for (const part of text.replace(/^#/, "").split("&")) {
    const [name, value = ""] = part.split("=", 2);
    const values = value.split("~").filter(Boolean);
    if (name === "size") {
      for (const one of values) {
        const match = /^(\w+)\.(\d{1,6})$/.exec(one);
        if (match) found.sizes[match[1]] = Number(match[2]);
      }
    } else if (name === "open") found.opened = values.map(decoded);
    else if (name === "shut") found.closed = values.map(decoded);
    else if (name === "at") found.chosen = decoded(value);
    else if (name === "colour") found.colour = value;
    else if (name === "view") {
      const numbers = values.map(Number);
      if (numbers.length === 3 && numbers.every(Number.isFinite) && numbers[2] > 0) found.view = numbers;
    }
  }
  return found;
}
