/* Whether a network runs at a size, and if not, why: the same conditions, in the same words, as `archspec check`. */

/** The least valid size from x on, or null. */
function validFrom(symbol, x) {
  const start = integer(symbol.start);
  if (x < start) {
    for (const [first, end] of symbol.intervals) {
      if (integer(end) > x) return x > integer(first) ? x : integer(first);
    }
  }
  if (!symbol.residues.length) return null;
  const modulus = integer(symbol.modulus);
  const from = x > start ? x : start;
  const rest = remainder(from, modulus);
  const turn = from - rest;
  for (const [first, end] of symbol.residues) {
    if (integer(end) > rest) return turn + (rest > integer(first) ? rest : integer(first));
  }
  return turn + modulus + integer(symbol.residues[0][0]);
}

/** The greatest valid size up to x, or null. */
function validUpTo(symbol, x) {
  const start = integer(symbol.start);
  if (x >= start && symbol.residues.length) {
    const modulus = integer(symbol.modulus);
    const rest = remainder(x, modulus);
    const turn = x - rest;
    const below = symbol.residues.filter(([first]) => integer(first) <= rest).pop();
    let found;
    if (below) found = rest < integer(below[1]) ? x : turn + integer(below[1]) - 1n;
    else found = turn - modulus + integer(symbol.residues[symbol.residues.length - 1][1]) - 1n;
    if (found >= start) return found;
  }
  const interval = symbol.intervals.filter(([first]) => integer(first) <= x).pop();
  if (!interval) return null;
  return x < integer(interval[1]) ? x : integer(interval[1]) - 1n;
}

/** Whether a condition holds; true where a symbol has no number. */
function holds(condition, evaluated) {
  const [kind, left, right, , , allowed] = condition;
  const [a, b] = [evaluated.sizes[left], evaluated.sizes[right]];
  if (a === null || b === null) return true;
  if (kind === 2) return a === b;
  if (kind === 4) return a <= b;
  if (kind < 2) return a >= b;
  const rest = remainder(a, b);
  return allowed.some(([first, last]) => BigInt(first) <= rest && rest <= BigInt(last));
}

/** Why a condition fails, with the values of its sides. */
function complaint(data, condition, evaluated) {
  const [kind, left, right, , statement, allowed] = condition;
  const side = (size) => {
    const row = data.dims[size];
    const said = sizeWords(data, size);
    return Array.isArray(row) || /^[^-0-9]/.test(row) ? `${said} = ${evaluated.sizes[size]}` : said;
  };
  if (kind === 0) return `${side(left)} is too small: it must be ${sizeWords(data, right)} or more`;
  if (kind === 1) return `each channel has a single value: ${statement} must hold`;
  if (kind === 2) return `sizes differ, ${side(left)} and ${side(right)}`;
  if (kind === 4) return `${side(left)} does not fit into ${side(right)}`;
  const divides = allowed.length === 1 && allowed[0][0] === 0 && allowed[0][1] === 0;
  return divides
    ? `${side(left)} is not divisible by ${sizeWords(data, right)}`
    : `${side(left)}, but ${statement} must hold`;
}

/** What a size is called: its formula. */
function sizeWords(data, size) {
  const words = data.words[size];
  return Array.isArray(words) ? words[0] : words;
}

/** Whether a size of one symbol is valid by the conditions on it alone. */
function contained(data, symbol, x) {
  if (validFrom(symbol, x) !== x) return false;
  if (!symbol.undecided.length) return true;
  const evaluated = new Evaluated(data, { [symbol.name]: x });
  return symbol.undecided.every((number) => holds(data.conditions[number], evaluated));
}

/** The nearest valid size in a direction, within a thousand tries where conditions have no short form. */
function nearest(data, symbol, x, upwards) {
  for (let tries = 0; tries < 1000; tries += 1) {
    const found = upwards ? validFrom(symbol, x) : validUpTo(symbol, x);
    if (found === null || contained(data, symbol, found)) return found;
    x = upwards ? found + 1n : found - 1n;
  }
  return null;
}

/** Why a network does not run at some sizes: message, reasons, the step and the nearest sizes; null if it runs. */
function refusal(data, values) {
  for (const symbol of data.symbols) {
    if (!(symbol.name in values)) continue;
    const x = BigInt(values[symbol.name]);
    if (contained(data, symbol, x)) continue;
    const evaluated = new Evaluated(data, { [symbol.name]: x });
    const failing = symbol.own.map((number) => data.conditions[number]).filter((one) => !holds(one, evaluated));
    const near = [nearest(data, symbol, x, false), nearest(data, symbol, x, true)].filter((size) => size !== null);
    const step = failing.length ? failing[0][3] : -1;
    return {
      message: `${symbol.name} = ${x} does not fit \`${step < 0 ? data.name : data.steps[step][0]}\``,
      reasons: failing.slice(0, 3).map((one) => complaint(data, one, evaluated)),
      valid: symbol.valid,
      symbol: symbol.name,
      step,
      near,
    };
  }
  const evaluated = new Evaluated(data, values);
  for (const symbol of data.symbols) {
    for (const condition of symbol.coupled.map((number) => data.conditions[number])) {
      if (holds(condition, evaluated)) continue;
      const step = condition[3];
      const message = `\`${data.steps[step][0]}\` needs ${condition[4]}`;
      return { message, reasons: [], valid: symbol.valid, symbol: symbol.name, step, near: [] };
    }
  }
  return null;
}
