/* Words, numbers for people, and elements of the page; text is always set as text, never read as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a text becomes a text node. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

function drawn(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

/** An integer with its thousands parted: `25,557,032`. */
function grouped(number) {
  return `${number}`.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A count in three digits: `4.09 G`. */
function short(number) {
  const value = Number(number);
  const units = ["", "k", "M", "G", "T", "P", "E"];
  let at = 0;
  let rest = value;
  while (rest >= 999.5 && at < units.length - 1) {
    rest /= 1000;
    at += 1;
  }
  const digits = at === 0 ? `${value}` : rest >= 100 ? rest.toFixed(0) : rest.toPrecision(3);
  return at ? `${digits} ${units[at]}` : digits;
}

function bytes(number) {
  const value = Number(number);
  if (value < 1000) return `${value} B`;
  return `${short(number)}B`;
}

/** A share of a whole in percent. */
function percent(part, whole) {
  const share = Number(whole) ? (100 * Number(part)) / Number(whole) : 0;
  if (share > 0 && share < 0.1) return "<0.1%";
  return share >= 10 ? `${share.toFixed(0)}%` : `${share.toFixed(1)}%`;
}

const widths = new Map();
let pen = null;

/** The width of a line of text in the figure's font. */
function textWidth(words, size, weight) {
  const key = `${size} ${weight} ${words}`;
  let found = widths.get(key);
  if (found === undefined) {
    pen ??= document.createElement("canvas").getContext("2d");
    pen.font = `${weight} ${size}px ${FONT}`;
    found = pen.measureText(words).width;
    widths.set(key, found);
  }
  return found;
}

const FONT = 'Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif';
