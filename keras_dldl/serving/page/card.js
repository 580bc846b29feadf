// A model's card, in as much of Markdown as cards have, as elements of the page.

const HEADING = /^#+ /;
const ITEM = /^[-*] /;
const MARKED = /(\*\*.+?\*\*|`.+?`|\[.+?\]\(.+?\))/;

function made(name, ...children) {
  const one = document.createElement(name);
  one.append(...children);
  return one;
}

export function cardElements(markdown) {
  const lines = markdown.replace(/<!--.*?-->/gs, "").split("\n");
  const elements = [];
  while (lines.length) {
    const kind = kindOf(lines[0]);
    const block = [lines.shift()];
    const goesOn = (line) =>
      kind === "code" ? !line.startsWith("```") : kind === kindOf(line) || (kind === "list" && line.startsWith("  "));
    while (kind !== "heading" && lines.length && goesOn(lines[0])) block.push(lines.shift());
    if (kind === "code") lines.shift(); // the fence that closes it
    if (kind !== "space") elements.push(BLOCKS[kind](block));
  }
  return elements;
}

function kindOf(line) {
  if (!line.trim()) return "space";
  if (line.startsWith("```")) return "code";
  if (HEADING.test(line)) return "heading";
  if (line.startsWith("|")) return "table";
  return ITEM.test(line) ? "list" : "text";
}

const BLOCKS = {
  code: ([, ...lines]) => made("pre", lines.join("\n")),
  heading: ([line]) => made(line.startsWith("# ") ? "h3" : "h4", ...marked(line.replace(HEADING, ""))),
  list: (lines) => made("ul", ...lines.join("\n").split(/^[-*] /m).slice(1).map((item) => made("li", ...marked(item)))),
  table: ([head, , ...rows]) =>
    made("table", made("thead", rowOf("th", head)), made("tbody", ...rows.map((row) => rowOf("td", row)))),
  text: (lines) => made("p", ...marked(lines.join("\n"))),
};

function rowOf(name, line) {
  const cells = line.replace(/^\||\|\s*$/g, "").split("|");
  const row = made("tr", ...cells.map((cell) => made(name, ...marked(cell.trim()))));
  for (const cell of row.querySelectorAll("th")) cell.scope = "col";
  return row;
}

// Links lead to files that are not here: their text alone is shown.
function marked(text) {
  return text.split(MARKED).map((piece) => {
    if (piece.startsWith("**")) return made("strong", piece.slice(2, -2));
    if (piece.startsWith("`")) return made("code", piece.slice(1, -1));
    return MARKED.test(piece) ? piece.slice(1, piece.indexOf("](")) : piece;
  });
}
