/* What part of the figure is seen: pan, zoom, and boxes that open and close where they stand. */

const ZOOM = { least: 0.02, most: 4, step: 1.25 };
const MOVING = 220; // milliseconds that a change takes

class View {
  constructor(model, layout, painter) {
    this.model = model;
    this.layout = layout;
    this.painter = painter;
    this.canvas = byId("canvas");
    this.world = byId("world");
    [this.x, this.y, this.scale] = [0, 0, 1];
    this.motion = 0;
    this.changed = () => {};
    this.waiting = false;
  }

  get size() {
    return { width: this.canvas.clientWidth || 1, height: this.canvas.clientHeight || 1 };
  }

  /** The part of the figure that is seen, with a margin. */
  get window() {
    const { width, height } = this.size;
    const margin = 60;
    return {
      left: (-this.x - margin) / this.scale, right: (width - this.x + margin) / this.scale,
      top: (-this.y - margin) / this.scale, bottom: (height - this.y + margin) / this.scale,
    };
  }

  draw(before = null, t = 1) {
    this.world.setAttribute("transform", `translate(${round(this.x)} ${round(this.y)}) scale(${this.scale})`);
    this.canvas.classList.toggle("far", this.scale < 0.4);
    this.painter.paint(this.window, this.scale, before, t);
  }

  /** Draw with the next frame, once for all that happens until then. */
  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (!this.moving) this.draw();
      this.changed();
    });
  }

  moveBy(dx, dy) {
    this.stop();
    this.x += dx;
    this.y += dy;
    this.later();
  }

  /** Zoom around a point of the canvas, the middle unless given. */
  zoom(factor, x = this.size.width / 2, y = this.size.height / 2) {
    this.stop();
    const scale = Math.min(ZOOM.most, Math.max(ZOOM.least, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.later();
  }

  /** Place the whole figure; a long one begins at its top, in letters that can be read. */
  fit(whole) {
    const piece = this.layout.body(ROOT);
    const { width, height } = this.size;
    const margin = width < 600 ? 16 : 36;
    const wide = (width - 2 * margin) / (piece.left + piece.right);
    const tall = (height - 2 * margin) / piece.height;
    const scale = Math.min(1.15, wide, whole ? tall : Math.max(tall, Math.min(wide, 1)));
    const k = Math.max(ZOOM.least, scale);
    const x = width / 2 - (k * (piece.right - piece.left)) / 2;
    return { scale: k, x, y: Math.max(margin, (height - k * piece.height) / 2) };
  }

  show(place, animated) {
    if (animated) this.glide(place);
    else {
      this.stop();
      Object.assign(this, place);
      this.draw();
      this.changed();
    }
  }

  /** Open or close boxes, with one of them kept where it is on the screen. */
  change(act, anchor) {
    this.stop();
    const before = this.painter.places();
    const was = anchor === ROOT ? null : whereabouts(this.layout, this.model, anchor);
    act();
    const now = anchor === ROOT ? null : whereabouts(this.layout, this.model, anchor);
    const shift = was && now ? [(was.x - now.x) * this.scale, (was.y - now.y) * this.scale] : [0, 0];
    const start = { x: this.x, y: this.y };
    this.run((t) => {
      [this.x, this.y] = [start.x + shift[0] * t, start.y + shift[1] * t];
      this.draw(before, t);
    });
  }

  /** Bring a box into sight, with room around it. */
  reveal(box, centred) {
    const place = whereabouts(this.layout, this.model, box);
    if (!place) return;
    const { width, height } = this.size;
    const left = this.x + (place.x - place.left) * this.scale;
    const top = this.y + place.y * this.scale;
    const wide = Math.min((place.left + place.right) * this.scale, width * 0.8);
    const tall = Math.min(place.height * this.scale, height * 0.6);
    const margin = 48;
    const inside = left >= margin && left + wide <= width - margin && top >= margin && top + tall <= height - margin;
    if (inside && !centred) return;
    const scale = Math.max(this.scale, 0.8);
    this.glide({ scale, ...this.centred(place, scale) });
  }

  /** Where the figure lies when a box is in the middle; a box that is too tall begins at the top. */
  centred(place, scale) {
    const { width, height } = this.size;
    return { x: width / 2 - place.x * scale, y: Math.max(48, height / 2 - (place.height * scale) / 2) - place.y * scale };
  }

  /** Place a box in the middle, at once. */
  centre(box) {
    const place = whereabouts(this.layout, this.model, box);
    if (place) Object.assign(this, { scale: 1, ...this.centred(place, 1) });
  }

  glide(place) {
    const start = { x: this.x, y: this.y, scale: this.scale };
    this.stop();
    this.run((t) => {
      for (const key in place) this[key] = start[key] + (place[key] - start[key]) * t;
      this.draw();
    });
  }

  /** Run a change frame by frame; at once where the reader wants no motion. */
  run(frame) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const begin = performance.now();
    this.moving = true;
    const turn = (now) => {
      const t = still ? 1 : Math.min(1, Math.max(0, (now - begin) / MOVING));
      frame(1 - (1 - t) ** 3);
      if (t < 1) this.motion = requestAnimationFrame(turn);
      else {
        this.moving = false;
        this.draw();
        this.changed();
      }
    };
    this.finish = () => turn(Infinity);
    turn(begin);
  }

  /** End what moves, at its goal. */
  stop() {
    if (!this.moving) return;
    cancelAnimationFrame(this.motion);
    this.finish();
  }
}
