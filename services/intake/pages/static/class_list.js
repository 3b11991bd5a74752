// The classes as they will be sent: pictures of each, its name, its count, and whether it takes part.
import { $, make } from "./dom.js";
import { thumbnail } from "./reducing.js";
import { _, ngettext } from "./words.js";

const NUM_THUMBNAILS = 4;

const looked = "IntersectionObserver" in globalThis
  ? new IntersectionObserver((seen) => seen.filter((each) => each.isIntersecting).forEach(({ target }) => { looked.unobserve(target); void paint(target); }), { rootMargin: "300px" })
  : null;

let last = Promise.resolve();
// One after the other: a phone has not the memory for many photographs at once.
function paint(box) {
  last = last.then(async () => {
    const items = box.items;
    const step = Math.max(1, Math.floor(items.length / NUM_THUMBNAILS));
    for (let at = 0; at < items.length && box.childElementCount < NUM_THUMBNAILS; at += step) {
      const small = await items[at].open().then(thumbnail, () => null);
      if (small) box.append(make("img", { src: URL.createObjectURL(small), alt: "" }));
    }
    if (!box.childElementCount) box.append(make("span", { className: "quiet", textContent: _("no preview") }));
  }).catch(() => {});
  return last;
}

export class ClassList {
  // limits: what a class needs; onChange: hears of every edit.
  constructor(limits, onChange) {
    this.limits = limits;
    this.onChange = onChange;
    this.rows = [];
  }

  set(classes) {
    for (const image of $("classes").querySelectorAll("img")) URL.revokeObjectURL(image.src);
    this.rows = [...classes].map(([name, items]) => ({ origin: name, name, items, isOut: false }));
    $("classes").replaceChildren(...this.rows.map((row) => this.#card(row)));
  }

  get isEdited() {
    return this.rows.some((row) => row.isOut || row.name !== row.origin);
  }

  // Return the photographs by the names that the classes have now.
  get classes() {
    const merged = new Map();
    for (const { name, origin, items, isOut } of this.rows) {
      const others = this.rows.filter((row) => !row.isOut && row.name.trim() === name.trim()).length;
      const own = others > 1 ? items.map((item) => ({ ...item, inside: `${origin}-${item.inside.replaceAll("/", "-")}` })) : items;
      if (!isOut) merged.set(name.trim(), [...(merged.get(name.trim()) ?? []), ...own]);
    }
    return merged;
  }

  #card(row) {
    const card = make("li", { className: "class" });
    const box = make("div", { className: "thumbnails", "aria-hidden": "true" });
    box.items = row.items;
    const name = make("input", { type: "text", value: row.name, dir: "auto", maxLength: 200, "aria-label": _("Name of the class {name}", { name: row.origin }) });
    const few = row.items.length < this.limits.min_images;
    const count = make("span", { className: few ? "few" : "", textContent: ngettext("one photograph", "{count} photographs", row.items.length) });
    const act = make("span", { textContent: _("leave out") });
    const out = make("button", { type: "button", className: "plain" }, act, make("span", { className: "unseen", textContent: ` ${row.origin}` }));
    name.addEventListener("input", () => { row.name = name.value; this.onChange(); });
    out.addEventListener("click", () => {
      row.isOut = !row.isOut;
      card.classList.toggle("out", row.isOut);
      act.textContent = row.isOut ? _("take it in") : _("leave out");
      name.disabled = row.isOut;
      this.onChange();
    });
    card.append(box, name, make("p", { className: "count" }, count, out));
    if (looked) looked.observe(box);
    else void paint(box);
    return card;
  }
}
