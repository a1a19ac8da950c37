/* Absolute places: which boxes and lines are within sight, where they stand now, and where they stood before. */

/** Boxes narrower than this on the screen do not show what they hold. */
const TOO_SMALL = 26;

/** Calls `box(mark, x, y)` for the boxes in a window, and `body(box, piece, x, y)` for what holds them. */
function walk(layout, window, scale, visit) {
  const inside = (piece, box, ox, oy, depth) => {
    visit.body(box, piece, ox, oy, depth);
    for (const mark of piece.marks) {
      const x = ox + mark.x;
      const y = oy + mark.y;
      if (y > window.bottom || y + mark.height < window.top) continue;
      if (x - mark.left > window.right || x + mark.right < window.left) continue;
      visit.box(mark, x, y, depth);
      if (mark.inner && (mark.left + mark.right) * scale > TOO_SMALL) {
        inside(mark.inner, mark.box, x, y + ROOM.head + ROOM.enter, depth + 1);
      }
    }
  };
  inside(layout.body(ROOT), ROOT, 0, 0, 0);
}

/** Where a box stands: its axis, top and extents; null if it is not shown. */
function whereabouts(layout, model, box) {
  let [x, y] = [0, 0];
  const way = [...model.holders(box), box];
  let around = ROOT;
  let mark = null;
  for (const number of way) {
    if (around !== ROOT && !layout.open.has(around)) return null;
    const piece = layout.body(around);
    mark = piece.marks.find((one) => one.box === number);
    if (!mark) return null;
    x += mark.x;
    y += mark.y + (number === box ? 0 : ROOM.head + ROOM.enter);
    around = number;
  }
  return { x, y, left: mark.left, right: mark.right, height: mark.height, open: Boolean(mark.inner), width: mark.width };
}

/** Every box that is shown, with its place, in reading order. */
function everyBox(layout) {
  const found = [];
  const everything = { left: -Infinity, right: Infinity, top: -Infinity, bottom: Infinity };
  walk(layout, everything, Infinity, {
    body() {},
    box(mark, x, y, depth) {
      found.push({ box: mark.box, x, y, depth, height: mark.inner ? ROOM.head : mark.height, left: mark.left, right: mark.right, open: Boolean(mark.inner) });
    },
  });
  return found;
}

/** A line as the text of a path, its corners rounded; and the tip of its arrow. */
function lineText(points, curved) {
  if (curved) {
    let text = `M${at(points[0])}`;
    for (let i = 1; i < points.length; i += 1) {
      const [[ax, ay], [bx, by]] = [points[i - 1], points[i]];
      const half = (by - ay) / 2;
      text += ax === bx ? `V${round(by)}` : `C${round(ax)} ${round(ay + half)} ${round(bx)} ${round(by - half)} ${at([bx, by])}`;
    }
    return text;
  }
  let text = `M${at(points[0])}`;
  for (let i = 1; i < points.length - 1; i += 1) {
    const [before, corner, after] = [points[i - 1], points[i], points[i + 1]];
    const radius = Math.min(8, distance(before, corner) / 2, distance(corner, after) / 2);
    text += `L${at(towards(corner, before, radius))}Q${at(corner)} ${at(towards(corner, after, radius))}`;
  }
  return `${text}L${at(points[points.length - 1])}`;
}

/** A small triangle at the end of a line. */
function arrowText(points, curved) {
  const [x, y] = points[points.length - 1];
  const [bx, by] = points[points.length - 2];
  const across = !curved && Math.abs(y - by) < 0.5;
  const sign = across ? Math.sign(x - bx) : 1;
  if (across) return `M${at([x, y])}l${-7 * sign} -3.5v7z`;
  return `M${at([x, y])}l-3.5 -7h7z`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function at([x, y]) {
  return `${round(x)} ${round(y)}`;
}

function distance([ax, ay], [bx, by]) {
  return Math.abs(ax - bx) + Math.abs(ay - by);
}

function towards([ax, ay], [bx, by], length) {
  const whole = distance([ax, ay], [bx, by]) || 1;
  return [ax + ((bx - ax) * length) / whole, ay + ((by - ay) * length) / whole];
}
