// What a person says of photographs that may be misfiled: kept on this device, applied when they are chosen again.
const KEY = "convtailor.corrections";

// Return { job, moves } with moves from a path to the name of a class, or to null where it is thrown out.
export function corrections(job = null) {
  try {
    const known = JSON.parse(localStorage.getItem(KEY));
    if (known && (job === null || known.job === job)) return { job: known.job, moves: new Map(known.moves) };
  } catch {
    // a private window, or what another version wrote
  }
  return { job, moves: new Map() };
}

export function keepCorrections({ job, moves }) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ job, moves: [...moves] }));
  } catch {
    // then they last as long as the page
  }
}

export function forgetCorrections() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // nothing was kept
  }
}

// Return classes with the corrections in them, and how many of these were found; originals stay as they are.
export function corrected(classes, root, moves) {
  const done = new Map([...classes.keys()].map((name) => [name, []]));
  let count = 0;
  for (const [name, items] of classes) {
    for (const item of items) {
      const below = [item.part, name, item.inside].filter(Boolean).join("/");
      const paths = [item.path, below, [root, below].filter(Boolean).join("/")];
      const found = paths.find((path) => moves.has(path));
      const target = found === undefined ? name : moves.get(found);
      if (found !== undefined) count += 1;
      if (target === null) continue;
      if (!done.has(target)) done.set(target, []);
      done.get(target).push(target === name ? item : { ...item, inside: `${name}-${item.inside.replaceAll("/", "-")}` });
    }
  }
  return { classes: new Map([...done].filter(([, items]) => items.length)), count };
}
