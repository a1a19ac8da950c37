/* Where boxes stand: a row goes down its axis, branches stand side by side, a shortcut runs at the right.

A piece has its axis at x = 0 and its entry at y = 0; `left` and `right` are its extents beside the axis.  The body of
each box is laid out once and kept until a box inside opens or closes.
*/

const BOX = { height: 30, tall: 44, circle: 22, narrowest: 84, widest: 280 };
const ROOM = { gap: 22, labelled: 38, fork: 24, join: 16, beside: 26, rail: 26, pad: 16, head: 28, enter: 18, aside: 34 };
const FONTS = { title: 12.5, detail: 10.5, label: 10.5 };

class Layout {
  /** `detail` gives the second line of a closed box; empty where it has none. */
  constructor(model, open, detail) {
    this.model = model;
    this.open = open;
    this.detail = detail;
    this.kept = new Map();
  }

  /** The piece inside a box, or the whole figure. */
  body(box) {
    let found = this.kept.get(box);
    if (!found) {
      const row = box === ROOT ? this.model.data.root : this.model.boxes[box].b;
      found = this.series(row, box === ROOT ? null : this.model.given(box));
      if (box !== ROOT) framed(found);
      this.kept.set(box, found);
    }
    return found;
  }

  /** Lay out again what a box, and all around it, looks like. */
  forget(box) {
    this.kept.delete(box);
    for (let around = box; around !== ROOT; ) {
      around = this.model.parent[around];
      this.kept.delete(around);
    }
  }

  forgetAll() {
    this.kept.clear();
  }

  series(row, given) {
    const piece = { left: 0, right: 0, height: 0, marks: [], lines: [], labels: [], entry: "tap", exit: "open", shape: given };
    const width = this.width(row);
    let shown = given;
    row.forEach((element, at) => {
      const next = this.piece(element, width, piece.shape, at === row.length - 1);
      if (at > 0) {
        const words = this.label(piece.shape, shown);
        const gap = words ? ROOM.labelled : next.entry === "tap" ? ROOM.gap / 2 : ROOM.gap;
        const from = piece.height;
        piece.height += gap;
        piece.lines.push({ points: [[0, from], [0, piece.height]], arrow: next.entry === "box" });
        if (words) {
          piece.labels.push({ words, x: 7, y: from + (gap - (next.entry === "box" ? 8 : 0)) / 2 });
          piece.right = Math.max(piece.right, 9 + textWidth(words, FONTS.label, 400));
          shown = piece.shape;
        }
      } else {
        piece.entry = next.entry;
      }
      place(piece, next, 0, piece.height);
      piece.height += next.height;
      piece.shape = next.shape ?? piece.shape;
      piece.exit = next.exit;
    });
    return piece;
  }

  /** The shape that a line carries, where it is another than the one that was told last. */
  label(shape, shown) {
    if (!shape || !shape.length || (shown && shape.join() === shown.join())) return "";
    return this.model.shortShape(shape);
  }

  /** One width for the closed boxes of a row: the widest words' own. */
  width(row) {
    let width = BOX.narrowest;
    for (const element of row) {
      if (typeof element === "number") width = Math.max(width, this.boxWidth(element));
      else if (typeof element.k === "number") width = Math.max(width, this.boxWidth(element.k));
    }
    return Math.min(width, BOX.widest);
  }

  boxWidth(number) {
    const box = this.model.boxes[number];
    if (box.g) return 0;
    const title = textWidth(titleOf(box), FONTS.title, 500) + (box.b ? 46 : 22);
    return Math.max(title, textWidth(this.detail(number), FONTS.detail, 400) + 22);
  }

  piece(element, width, given, last) {
    if (typeof element === "number") return this.unit(element, width);
    if (element.b) return this.branches(element, given);
    if (element.u) return layered(this, element);
    return this.side(element, last);
  }

  unit(number, width) {
    const mark = this.mark(number, width);
    const shape = this.model.boxes[number].z;
    return { left: mark.left, right: mark.right, height: mark.height, marks: [mark], lines: [], labels: [], entry: "box", exit: "box", shape };
  }

  mark(number, width) {
    const box = this.model.boxes[number];
    if (this.open.has(number)) {
      const inner = this.body(number);
      const head = textWidth(titleOf(box), FONTS.title, 600) + 46;
      const half = Math.max(width, head) / 2;
      const left = Math.max(inner.left + ROOM.pad, half);
      const right = Math.max(inner.right + ROOM.pad, half, head - left);
      const height = ROOM.head + ROOM.enter + inner.height + ROOM.enter;
      return { box: number, x: 0, y: 0, left, right, height, inner, width };
    }
    const wide = box.g ? BOX.circle : Math.max(width, BOX.narrowest);
    const height = box.g ? BOX.circle : this.detail(number) ? BOX.tall : BOX.height;
    return { box: number, x: 0, y: 0, left: wide / 2, right: wide / 2, height, inner: null, width: wide };
  }

  /** Branches side by side between where they part and where they join. */
  branches(element, given) {
    const pieces = element.b.map((branch) => this.series(branch, given));
    const whole = { left: 0, right: 0, height: 0, marks: [], lines: [], labels: [], entry: "tap", exit: "box", shape: null };
    const axes = besides(pieces, element.s ?? null);
    const starts = pieces.map((piece) => (piece.marks.length && piece.entry === "box" ? ROOM.fork : ROOM.fork / 2));
    const depth = Math.max(...pieces.map((piece, at) => (piece.marks.length ? starts[at] + piece.height : 0)), 20);
    pieces.forEach((piece, at) => place(whole, piece, axes[at], starts[at]));
    whole.left = Math.max(whole.left, ...axes.map((x) => -x));
    whole.right = Math.max(whole.right, ...axes);
    const sink = element.k === undefined || element.k === null ? null : this.mark(element.k, this.width([element]));
    const circle = sink !== null && Boolean(this.model.boxes[sink.box].g) && !sink.inner;
    const joinY = depth + ROOM.join + (circle ? BOX.circle / 2 : 0);
    pieces.forEach((piece, at) => {
      const x = axes[at];
      const empty = !piece.marks.length;
      const foot = starts[at] + piece.height;
      const top = x === 0 ? [[0, 0]] : [[0, 0], [x, 0]];
      if (!empty) whole.lines.push({ points: [...top, [x, starts[at]]], arrow: piece.entry === "box" });
      const tail = empty ? top : [[x, foot]];
      if (circle && x === 0) tail.push([0, joinY - BOX.circle / 2]);
      else if (circle) tail.push([x, joinY], [Math.sign(x) * (BOX.circle / 2), joinY]);
      else if (x === 0) tail.push([0, joinY]);
      else tail.push([x, joinY], [0, joinY]);
      if (piece.exit !== "end") whole.lines.push({ points: tail, arrow: circle });
    });
    whole.height = joinY;
    if (sink === null) {
      whole.exit = "open";
      whole.shape = pieces.find((piece) => piece.shape)?.shape ?? null;
      return whole;
    }
    sink.y = circle ? joinY - BOX.circle / 2 : joinY + ROOM.gap;
    if (!circle) whole.lines.push({ points: [[0, joinY], [0, sink.y]], arrow: true });
    whole.marks.push(sink);
    whole.left = Math.max(whole.left, sink.left);
    whole.right = Math.max(whole.right, sink.right);
    whole.height = sink.y + sink.height;
    whole.shape = this.model.boxes[sink.box].z;
    return whole;
  }

  /** What hangs at the side of the path and joins nothing. */
  side(element, last) {
    const marks = element.c.map((number) => this.mark(number, this.width([number])));
    const height = Math.max(...marks.map((mark) => mark.height));
    const level = Math.min(BOX.height, ...marks.map((mark) => mark.height)) / 2;
    const piece = { left: 0, right: 0, height: height + 10, marks, lines: [], labels: [], entry: "tap", exit: last ? "end" : "open", shape: null };
    let x = ROOM.aside;
    let from = [[0, 0], [0, level]];
    for (const mark of marks) {
      piece.lines.push({ points: [...from, [x, level]], arrow: true, dashed: Boolean(this.model.boxes[mark.box].w) });
      mark.x = x + mark.left;
      x = mark.x + mark.right;
      from = [[x, level]];
      x += ROOM.aside;
    }
    piece.right = x - ROOM.aside;
    if (!last) piece.lines.push({ points: [[0, 0], [0, piece.height]], arrow: false });
    return piece;
  }
}

/** What a box says first, with ×N where it stands for several. */
function titleOf(box) {
  if (box.g) return box.g;
  return box.c ? `${box.t}  ×${box.c}` : box.t;
}

/** The axes of branches: a shortcut at the right of the other, else all around the middle. */
function besides(pieces, shortcut) {
  if (shortcut !== null && pieces.length === 2) {
    const main = pieces[1 - shortcut];
    const x = main.right + (pieces[shortcut].marks.length ? ROOM.beside + pieces[shortcut].left : ROOM.rail);
    return shortcut === 1 ? [0, x] : [x, 0];
  }
  const axes = [];
  let x = 0;
  pieces.forEach((piece, at) => {
    x += at ? ROOM.beside + piece.left : 0;
    axes.push(x);
    x += piece.right;
  });
  const middle = pieces.length % 2 ? axes[(pieces.length - 1) / 2] : (axes[0] + axes[axes.length - 1]) / 2;
  return axes.map((axis) => axis - middle);
}

/** Take a piece into another, moved. */
function place(whole, piece, dx, dy) {
  for (const mark of piece.marks) {
    mark.x += dx;
    mark.y += dy;
    whole.marks.push(mark);
  }
  for (const line of piece.lines) {
    for (const point of line.points) {
      point[0] += dx;
      point[1] += dy;
    }
    whole.lines.push(line);
  }
  for (const label of piece.labels) whole.labels.push({ ...label, x: label.x + dx, y: label.y + dy });
  whole.left = Math.max(whole.left, piece.left - dx);
  whole.right = Math.max(whole.right, piece.right + dx);
}

/** The lines from the frame of a box into what it holds, and out of it. */
function framed(piece) {
  piece.lines.push({ points: [[0, -ROOM.enter], [0, 0]], arrow: piece.entry === "box" });
  if (piece.exit !== "end") piece.lines.push({ points: [[0, piece.height], [0, piece.height + ROOM.enter]], arrow: false });
}
