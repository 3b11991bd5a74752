// The report that was mailed, shown in the page: its own markup under its own style sheet, apart from ours.
export function showReport(host, markup) {
  const page = new DOMParser().parseFromString(markup, "text/html");
  for (const each of page.querySelectorAll("script, iframe, object, embed, link, base, meta, form")) each.remove();
  for (const each of page.querySelectorAll("*")) {
    for (const { name } of [...each.attributes]) {
      if (name.startsWith("on") || name === "style") each.removeAttribute(name);
    }
  }
  for (const each of page.querySelectorAll(".buttons, .brand, .footer")) each.remove(); // the page has these itself
  for (const link of page.querySelectorAll("a[href]")) {
    if (!/^(https?:|#|mailto:)/.test(link.getAttribute("href"))) link.removeAttribute("href");
    link.rel = "noreferrer";
  }
  const sheet = new CSSStyleSheet();
  sheet.replaceSync([...page.querySelectorAll("style")].map((each) => each.textContent).join("\n") + "\n.paper-cell { padding: 0; } .paper, .body { background: none !important; }");
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  for (const heading of page.querySelectorAll("h1, h2, h3")) demote(page, heading);
  root.replaceChildren(...[...page.body.childNodes].map((node) => document.importNode(node, true)));
}

// The page has its own first heading.
function demote(page, heading) {
  const lower = page.createElement(`h${Number(heading.tagName[1]) + 1}`);
  lower.className = heading.className;
  lower.append(...heading.childNodes);
  heading.replaceWith(lower);
}
