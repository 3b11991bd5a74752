// What chosen files are: classes, what is left out and why. Judged by names and sizes, with the server's own table.
// An item is { path, size, open() } with open() a promise of a Blob.
const WORD = /[\p{L}\p{M}]+|\d+/gu;
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

export const REASONS = ["not_an_image", "nested_archive", "outside_class_folder", "file_too_big"];

const endingOf = (name) => (name.includes(".") ? name.slice(name.lastIndexOf(".") + 1).toLowerCase() : "");

function wordsOf(name) {
  // Accents come off Latin letters alone: elsewhere they make other letters.
  const bare = name.normalize("NFKD").replace(/\p{M}/gu, "");
  const plain = /^[\x00-\x7f]*$/.test(bare) ? bare : name.normalize("NFC");
  return plain.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().match(WORD) ?? [];
}

export function namesOf(table) {
  const containers = new Set([...table.split.photographs, ...table.split.data, "classes", "categories"]);
  const longest = (words) => [...words].sort((one, other) => other.length - one.length).join("|");
  const tails = longest([...containers, ...table.split.tails]);
  const parts = Object.entries(table.split.parts).map(([role, stems]) => [role, new RegExp(`^[xy]?(?:${longest(stems)})(?:${tails})?$`, "u")]);
  const { archive, ...others } = table.endings;
  const [beside, fillers] = [new Set(table.split.beside), new Set(table.split.fillers)];
  const pieces = new Set(table.split.pieces);
  const isFiller = (word) => fillers.has(word) || containers.has(word) || (pieces.has(word) && word !== "cv") || /^\d+$/.test(word) || word.length === 1;
  return {
    limits: table.limits,
    system: new Set(table.system_names.map((name) => name.replace("\\x0d", "\r"))),
    archives: new Set(archive),
    others: new Set(Object.values(others).flat()),
    unseen: new Set(table.shown_by_few_browsers),
    // The part of a split that a name stands for and says nothing else; null where it may be a class.
    partOf(name) {
      const words = wordsOf(name);
      const roles = words.map((word) => parts.find(([, pattern]) => pattern.test(word))?.[0]);
      const rest = words.filter((word, at) => !roles[at] && !isFiller(word));
      const found = new Set(roles.filter(Boolean));
      return rest.length || found.size !== 1 ? null : [...found][0];
    },
    // Whether a name is usual for what lies beside photographs, such as docs.
    isBeside(name) {
      const words = wordsOf(name);
      return words.some((word) => beside.has(word)) && words.every((word) => beside.has(word) || isFiller(word));
    },
  };
}

export function asideOf(path, size, names) {
  const parts = path.split("/");
  if (parts.some((part) => part.startsWith(".") || names.system.has(part.toLowerCase()))) return "system_file";
  const ending = endingOf(parts.at(-1));
  if (names.archives.has(ending)) return "nested_archive";
  if (names.others.has(ending)) return "not_an_image";
  return size > names.limits.max_entry_bytes ? "file_too_big" : null;
}

// Return the folder that wraps everything, as a list of its parts.
function rootOf(paths) {
  const root = [];
  for (;;) {
    const below = new Set();
    let hasLoose = false;
    for (const path of paths) {
      const rest = path.slice(root.length);
      if (rest.length > 1) below.add(rest[0]);
      else hasLoose = true;
    }
    const [only] = below;
    if (below.size !== 1) return root;
    const inside = paths.filter((path) => path[root.length] === only && path.length > root.length + 2);
    const direct = paths.filter((path) => path[root.length] === only && path.length === root.length + 2).length;
    if (!inside.length || direct > inside.length / 9 || (hasLoose && new Set(inside.map((path) => path[root.length + 1])).size < 2)) return root;
    root.push(only);
  }
}

// Return the list that a map holds under a key, a new one where there is none.
function listIn(map, key) {
  if (!map.has(key)) map.set(key, []);
  return map.get(key);
}

export function survey(items, names) {
  const kept = [];
  const leftOut = new Map();
  const leave = (reason, item) => listIn(leftOut, reason).push(item.path);
  for (const item of items) {
    const reason = asideOf(item.path, item.size, names);
    if (reason === null) kept.push({ ...item, parts: item.path.normalize("NFC").split("/") });
    else if (reason !== "system_file") leave(reason, item);
  }
  const root = rootOf(kept.map((item) => item.parts));
  const folders = new Map();
  for (const item of kept) {
    const rest = item.parts.slice(root.length);
    if (rest.length < 2) leave("outside_class_folder", item);
    else listIn(folders, rest[0]).push({ ...item, inside: rest.slice(1).join("/") });
  }
  const split = splitOf(folders, names);
  split?.others.forEach((item) => leave("outside_class_folder", item));
  return { root: root.join("/"), classes: inOrder(split?.classes ?? folders), leftOut, parts: split?.parts ?? [] };
}

const inOrder = (classes) => new Map([...classes].sort(([one], [other]) => one.localeCompare(other)));

// Return the classes of a split that its owner made, each item with its part; null where there is none that is used as
// it is. The server has the last word; folders that it may refuse are shown as they are.
function splitOf(folders, names) {
  const roles = new Map([...folders.keys()].map((name) => [name, names.partOf(name)]));
  const inner = new Map([...folders].map(([name, items]) => [name, rootOf(items.map((item) => item.inside.split("/")))]));
  const classOf = (name, item) => item.inside.split("/").slice(inner.get(name).length, -1)[0];
  const known = new Set();
  for (const [name, items] of folders) {
    const found = new Set(items.map((item) => classOf(name, item)).filter(Boolean));
    if (roles.get(name) === "train" && found.size > 1) found.forEach((each) => known.add(each));
  }
  if (!known.size || folders.size < 2 || [...roles].some(([name, role]) => !role && !names.isBeside(name))) return null;
  const classes = new Map();
  const others = [];
  for (const [part, items] of folders) {
    for (const item of items) {
      const name = classOf(part, item);
      if (name === undefined || !known.has(name)) others.push(item);
      else listIn(classes, name).push({ ...item, part, inside: item.inside.split("/").slice(inner.get(part).length + 1).join("/") });
    }
  }
  return { classes, others, parts: [...folders.keys()].filter((part) => [...classes.values()].flat().some((item) => item.part === part)).sort() };
}

// Put the parts of a split together: what lies in train/cats and in test/cats becomes cats.
export function together(classes) {
  return new Map([...classes].map(([name, items]) => [name, items.map(({ part, ...item }) => (part ? { ...item, inside: `${part}-${item.inside.replaceAll("/", "-")}` } : item))]));
}

// Return what keeps the chosen classes from being sent, by code; null where nothing does.
export function blocker(classes, limits) {
  const sizes = [...classes.values()].map((items) => items.length);
  if (!sizes.length) return "archive_no_images";
  if (sizes.length === 1) return "archive_one_class";
  if (sizes.length > limits.max_classes) return "archive_too_many_classes";
  if ([...classes.keys()].some((name) => CONTROL.test(name) || !name.trim())) return "class_name_unusable";
  if (sizes.some((size) => size < limits.min_images)) return "class_too_small";
  return null;
}

// Return the entries of the zip to be sent, in a fixed order, each name once.
export function entriesOf(classes) {
  const taken = new Set();
  const entries = [];
  for (const [name, items] of inOrder(classes)) {
    const folder = name.trim().replaceAll("/", "∕");
    for (const item of items) {
      const where = item.part ? `${item.part}/${folder}` : folder;
      let path = `${where}/${item.inside}`;
      for (let copy = 2; taken.has(path); copy += 1) path = `${where}/${copy}-${item.inside}`;
      taken.add(path);
      entries.push({ name: path, item });
    }
  }
  return entries;
}
