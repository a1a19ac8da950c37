/* What is alive while each step runs: the schedule of one evaluation, replayed at a size. */

/** Bytes alive at each step, the most of all, and the step at which that is; null where it cannot be told. */
function replayed(memory, evaluated) {
  if (memory === null) return null;
  const held = new Map();
  const size = new Map();
  const alive = new Map();
  let now = 0n;
  let peak = 0n;
  let at = -1;
  const mark = (step, more) => {
    const bytes = now + more;
    if (bytes > (alive.get(step) ?? -1n)) alive.set(step, bytes);
    if (bytes > peak) [peak, at] = [bytes, step];
  };
  const release = (root) => {
    held.set(root, held.get(root) - 1);
    if (held.get(root) === 0) now -= size.get(root);
  };
  for (const [step, prepared, before, root, stored, temporary, after] of memory.turns) {
    const padded = root < 0 ? 0n : evaluated.formula(prepared);
    if (padded) mark(step, padded);
    before.forEach(release);
    if (root >= 0) {
      const bytes = evaluated.formula(stored);
      if (bytes === null) return null;
      if (!held.get(root)) {
        size.set(root, bytes);
        now += bytes;
      }
      held.set(root, (held.get(root) ?? 0) + 1);
      mark(step, padded + evaluated.formula(temporary));
    }
    after.forEach(release);
  }
  return { alive, peak, at };
}
