/* Sizes and formulas, evaluated exactly, as Python does: integers of any length, division that rounds down. */

/** An integer of the data: a number, or a hexadecimal text where a number could not hold it. */
function integer(written) {
  if (typeof written === "number") return BigInt(written);
  return written.startsWith("-") ? -BigInt(written.slice(1)) : BigInt(written);
}

/** The whole part of a / b, rounded down; b is at least 1. */
function floored(a, b) {
  const whole = a / b;
  return a % b < 0n ? whole - 1n : whole;
}

/** Remainder of a by b, never negative. */
function remainder(a, b) {
  const rest = a % b;
  return rest < 0n ? rest + b : rest;
}

/** Every size of a network, and every formula over them, at one size of the input. */
class Evaluated {
  /** `values` has an integer for each symbol; a size over a symbol without one is null. */
  constructor(data, values) {
    this.formulas = data.formulas;
    this.sizes = [];
    for (const row of data.dims) this.sizes.push(this.size(row, values));
    this.known = new Array(data.formulas.length);
  }

  size(row, values) {
    if (typeof row === "string" && !/^-?0x/.test(row)) return row in values ? BigInt(values[row]) : null;
    if (row.product) {
      const factors = row.product.map((part) => this.sizes[part]);
      return factors.includes(null) ? null : factors.reduce((product, factor) => product * factor, 1n);
    }
    if (!Array.isArray(row)) return integer(row);
    if (!Array.isArray(row[0])) {
      const inner = this.sizes[row[0]];
      return inner === null ? null : floored(integer(row[1]) * inner + integer(row[2]), integer(row[3]));
    }
    let total = 0n;
    for (const [part, times] of row) {
      if (this.sizes[part] === null) return null;
      total += integer(times) * this.sizes[part];
    }
    return total;
  }

  /** A formula by its number: a sum of products of sizes. */
  formula(number) {
    if (this.known[number] === undefined) this.known[number] = this.sum(this.formulas[number]);
    return this.known[number];
  }

  sum(terms) {
    let total = 0n;
    for (const [times, ...sizes] of terms) {
      let product = integer(times);
      for (const size of sizes) {
        if (this.sizes[size] === null) return null;
        product *= this.sizes[size];
      }
      total += product;
    }
    return total;
  }
}
