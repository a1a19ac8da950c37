/* The figure in the page: only what is within sight is there, and what stays is moved, not made anew. */

class Painter {
  constructor(model, layout, colours) {
    this.model = model;
    this.layout = layout;
    this.colours = colours;
    this.boxes = new Map();
    this.bodies = new Map();
    this.world = byId("world");
    this.layers = [];
    this.selected = null;
    this.marked = new Set();
    this.version = 0;
  }

  /** Everything looks otherwise: other colours, other numbers. */
  renew() {
    this.version += 1;
  }

  /** Draw what is in a window; `before` has the places of boxes and lines that move, `t` says how far they are. */
  paint(window, scale, before, t) {
    const seen = new Set();
    const bodies = new Set();
    const moved = new Map([[ROOT, [0, 0, 1]]]); // by body: how far it is from its place, and how visible
    const rest = 1 - t;
    walk(this.layout, window, scale, {
      body: (box, piece, x, y) => {
        const [dx, dy, visible] = moved.get(box);
        bodies.add(box);
        this.lines(box, piece, x + dx, y + dy, visible, before && before.lines.get(box), rest);
      },
      box: (mark, x, y, depth) => {
        const old = before && before.boxes.get(mark.box);
        const [dx, dy, visible] = moved.get(this.model.parent[mark.box]);
        const here = { x: x + dx, y: y + dy, left: mark.left, right: mark.right, height: mark.height };
        if (old && rest > 0) {
          const now = { ...here, x, y };
          for (const key in here) here[key] = now[key] + (old[key] - now[key]) * rest;
        }
        const shows = old || rest <= 0 ? 1 : visible * t;
        moved.set(mark.box, [here.x - x, here.y - y, old && !old.open && rest > 0 ? t : shows]);
        seen.add(mark.box);
        this.box(mark, here, depth, shows);
      },
    });
    for (const [number, shape] of this.boxes) {
      if (!seen.has(number)) {
        shape.group.remove();
        this.boxes.delete(number);
      }
    }
    for (const [number, shape] of this.bodies) {
      if (!bodies.has(number)) {
        shape.remove();
        this.bodies.delete(number);
      }
    }
  }

  /** Where all that is drawn stands, for what moves next. */
  places() {
    const boxes = new Map();
    const lines = new Map();
    for (const [number, shape] of this.boxes) boxes.set(number, { ...shape.here, open: shape.open });
    for (const [number, group] of this.bodies) lines.set(number, group.drawn);
    return { boxes, lines };
  }

  lines(box, piece, x, y, visible, before, rest) {
    let group = this.bodies.get(box);
    if (!group) {
      group = drawn("g");
      group.append(drawn("path", { class: "line" }), drawn("path", { class: "line dashed" }), drawn("path", { class: "arrow" }), drawn("g"));
      byId("lines").append(group);
      this.bodies.set(box, group);
    }
    const similar = before && rest > 0 && before.piece !== piece && before.piece.lines.length === piece.lines.length;
    if (group.piece !== piece || group.version !== this.version || similar || group.midway) {
      const points = piece.lines.map((line, at) => (similar ? between(line.points, before, at, x, y, rest) : line.points));
      this.text(group, piece, points);
      group.piece = piece;
      group.version = this.version;
      group.midway = Boolean(similar);
    }
    if (group.x !== x || group.y !== y) group.setAttribute("transform", `translate(${round(x)} ${round(y)})`);
    if (group.visible !== visible) group.style.opacity = visible;
    [group.x, group.y, group.visible] = [x, y, visible];
    group.drawn = { piece, x, y };
  }

  text(group, piece, points) {
    const parts = ["", "", ""];
    piece.lines.forEach((line, at) => {
      parts[line.dashed ? 1 : 0] += lineText(points[at], line.curved);
      if (line.arrow) parts[2] += arrowText(points[at], line.curved);
    });
    parts.forEach((part, at) => group.children[at].setAttribute("d", part));
    const labels = group.lastChild;
    labels.replaceChildren(
      ...piece.labels.map((label) => {
        const made = drawn("text", { class: "label", x: round(label.x), y: round(label.y) });
        made.textContent = label.words;
        return made;
      }),
    );
  }

  box(mark, here, depth, visible) {
    let shape = this.boxes.get(mark.box);
    const open = Boolean(mark.inner);
    if (shape && shape.open !== open) {
      shape.group.remove();
      shape = null;
    }
    if (!shape) {
      shape = this.made(mark, open);
      (open ? this.layer(depth) : byId("boxes")).append(shape.group);
      this.boxes.set(mark.box, shape);
    }
    if (shape.version !== this.version) {
      this.dress(mark, shape);
      shape.version = this.version;
    }
    this.move(shape, here, mark);
    const chosen = this.selected === mark.box;
    if (shape.chosen !== chosen) {
      shape.group.classList.toggle("chosen", chosen);
      shape.group.setAttribute("aria-selected", chosen);
      shape.chosen = chosen;
    }
    const noted = this.marked.has(mark.box);
    if (shape.noted !== noted) shape.group.classList.toggle("noted", noted);
    shape.noted = noted;
    if (shape.visible !== visible) shape.group.style.opacity = visible;
    shape.visible = visible;
    shape.here = here;
  }

  /** Frames of outer blocks lie under those of inner ones. */
  layer(depth) {
    while (this.layers.length <= depth) {
      const group = drawn("g");
      byId("frames").append(group);
      this.layers.push(group);
    }
    return this.layers[depth];
  }

  made(mark, open) {
    const box = this.model.boxes[mark.box];
    const group = drawn("g", { id: `box${mark.box}`, role: "treeitem", "aria-selected": "false" });
    group.dataset.box = mark.box;
    const parts = { group, open, version: -1 };
    if (box.c && !open) group.append((parts.behind = drawn("rect", { class: "behind", rx: 6 })));
    group.append((parts.rect = drawn("rect", { class: "body", rx: box.g ? BOX.circle : 6 })));
    if (open) group.append((parts.head = drawn("rect", { class: "head", rx: 6 })));
    group.append((parts.title = drawn("text", { class: "title" })), (parts.detail = drawn("text", { class: "detail" })));
    if (box.b && !box.g) group.append((parts.toggle = this.toggle(open)));
    group.setAttribute("class", `box ${box.r} ${open ? "open" : "closed"}${box.w ? " training" : ""}${box.g ? " sign" : ""}`);
    if (box.b) group.setAttribute("aria-expanded", open);
    return parts;
  }

  toggle(open) {
    const group = drawn("g", { class: "toggle" });
    group.append(drawn("rect", { x: -11, y: -11, width: 22, height: 22, rx: 5 }), drawn("path", { d: open ? "M-4 0h8" : "M-4 0h8M0-4v8" }));
    return group;
  }

  /** Words and colour. */
  dress(mark, shape) {
    const box = this.model.boxes[mark.box];
    const detail = shape.open ? "" : this.colours.detail(mark.box);
    shape.title.textContent = box.g && !shape.open ? box.g : fitted(titleOf(box), FONTS.title, mark.left + mark.right - (box.b ? 42 : 16), 500);
    shape.detail.textContent = fitted(detail, FONTS.detail, mark.left + mark.right - 16, 400);
    shape.two = Boolean(detail);
    shape.here = null;
    this.colours.dress(mark.box, shape);
    shape.group.setAttribute("aria-label", this.spoken(mark.box));
  }

  /** A box for those who hear the page. */
  spoken(number) {
    const box = this.model.boxes[number];
    const parts = [box.g ? { "+": "addition", "||": "concatenation", "×": "multiplication" }[box.g] ?? box.t : titleOf(box), box.d, this.model.path(number)];
    if (box.z) parts.push(`gives ${this.model.shape(box.z)}`);
    return parts.filter(Boolean).join(", ");
  }

  move(shape, here, mark) {
    const old = shape.here;
    if (old && old.left === here.left && old.right === here.right && old.height === here.height && shape.placed) {
      if (old.x !== here.x || old.y !== here.y) shape.group.setAttribute("transform", `translate(${round(here.x)} ${round(here.y)})`);
      return;
    }
    const width = here.left + here.right;
    shape.group.setAttribute("transform", `translate(${round(here.x)} ${round(here.y)})`);
    sized(shape.rect, -here.left, 0, width, here.height);
    if (shape.behind) sized(shape.behind, -here.left + 4, 4, width, here.height);
    if (shape.head) sized(shape.head, -here.left + 1.4, 1.4, width - 2.8, ROOM.head - 2);
    const middle = shape.open ? ROOM.head / 2 : here.height / 2;
    set(shape.title, shape.open ? -here.left + 12 : shape.toggle ? -7 : 0, middle - (shape.two ? 7 : 0) + 0.5);
    set(shape.detail, 0, middle + 9);
    if (shape.toggle) shape.toggle.setAttribute("transform", `translate(${round(mark.width / 2 - 14)} ${shape.open ? ROOM.head / 2 : 15})`);
    shape.placed = true;
  }
}

function sized(rect, x, y, width, height) {
  rect.setAttribute("x", round(x));
  rect.setAttribute("y", round(y));
  rect.setAttribute("width", Math.max(0, round(width)));
  rect.setAttribute("height", Math.max(0, round(height)));
}

function set(text, x, y) {
  text.setAttribute("x", round(x));
  text.setAttribute("y", round(y));
}

/** The points of a line on its way from where it was to where it is. */
function between(points, before, at, x, y, rest) {
  const old = before.piece.lines[at].points;
  if (old.length !== points.length) return points;
  return points.map(([px, py], i) => [
    px + (old[i][0] + before.x - px - x) * rest, py + (old[i][1] + before.y - py - y) * rest,
  ]);
}

/** A text that is cut where it would leave its box. */
function fitted(words, size, width, weight) {
  if (textWidth(words, size, weight) <= width) return words;
  let [low, high] = [0, words.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (textWidth(`${words.slice(0, middle)}…`, size, weight) <= width) low = middle;
    else high = middle - 1;
  }
  return `${words.slice(0, low)}…`;
}
