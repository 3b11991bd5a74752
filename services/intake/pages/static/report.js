// The report that was mailed, shown in the page: its own markup under its own style sheet, apart from ours.
// Returns its language, its title, the sentence that it leads with, and whether it offers the network by a button.
export function showReport(host, markup) {
  const rules = [];
  const bare = markup.replace(/<style[^>]*>([^]*?)<\/style>/g, (_all, text) => { rules.push(text); return ""; });
  const page = new DOMParser().parseFromString(bare, "text/html");
  for (const each of page.querySelectorAll("script, iframe, object, embed, link, base, meta, form")) each.remove();
  for (const each of page.querySelectorAll("*")) {
    for (const { name } of [...each.attributes]) {
      if (name.startsWith("on") || name === "style") each.removeAttribute(name);
    }
  }
  const isOffered = page.querySelector("a.button") !== null;
  for (const each of page.querySelectorAll(".buttons, .brand, .footer, .skip, .print-choice")) each.remove(); // the page has these itself
  for (const link of page.querySelectorAll("a[href]")) {
    if (!/^(https?:|#|mailto:)/.test(link.getAttribute("href"))) link.removeAttribute("href");
    link.rel = "noreferrer";
  }
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const style = dress(root, `${rules.join("\n")}\n.paper-cell { padding: 0; } .paper, .body { background: none !important; }`);
  for (const heading of page.querySelectorAll("h1, h2, h3")) demote(page, heading);
  const [title, lead] = [".title", ".lead"].map((name) => page.querySelector(name)?.textContent.trim() ?? "");
  const landmark = page.querySelector("main"); // the page has one itself
  if (landmark) {
    const part = page.createElement("div");
    part.append(...landmark.childNodes);
    part.id = landmark.id;
    part.className = landmark.className;
    landmark.replaceWith(part);
  }
  root.replaceChildren(...style, ...[...page.body.childNodes].map((node) => document.importNode(node, true)));
  root.addEventListener("click", jump);
  return { language: page.documentElement.lang || "en", title, lead, isOffered };
}

// Give the report its rules as a sheet of its own; return what has to stand in it where a browser has no such sheets.
function dress(root, rules) {
  if ("adoptedStyleSheets" in root) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    root.adoptedStyleSheets = [sheet];
    return [];
  }
  const style = document.createElement("style");
  style.nonce = document.querySelector("script[nonce]").nonce;
  style.textContent = rules;
  return [style];
}

// What stands behind # in our address is the key of the job: links within the report must not take its place.
function jump(event) {
  const link = event.target.closest?.("a[href^='#']");
  if (!link) return;
  event.preventDefault();
  const place = link.getRootNode().getElementById(decodeURIComponent(link.getAttribute("href").slice(1)));
  place?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

// The page has its own first heading.
function demote(page, heading) {
  const lower = page.createElement(`h${Number(heading.tagName[1]) + 1}`);
  lower.className = heading.className;
  lower.append(...heading.childNodes);
  heading.replaceWith(lower);
}
