// The server's own description of its API, openapi.json, as a page.

function made(name, text, ...children) {
  const one = document.createElement(name);
  if (text) one.textContent = text;
  one.append(...children);
  return one;
}

function heading(scope, text, ...children) {
  const one = made("th", text, ...children);
  one.scope = scope;
  return one;
}

function parametersOf(parameters) {
  const rows = parameters.map(({ name, description, required, schema }) =>
    made(
      "tr",
      "",
      heading("row", "", made("code", name)),
      made("td", required ? "required" : String(schema.default ?? "")),
      made("td", description),
    ),
  );
  const heads = ["Parameter", "Default", "Meaning"].map((text) => heading("col", text));
  return made("table", "", made("thead", "", made("tr", "", ...heads)), made("tbody", "", ...rows));
}

const { info, paths } = await (await fetch("openapi.json")).json();
document.getElementById("description").textContent = info.description;
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, { description, parameters, "x-example": example }] of Object.entries(methods)) {
    const section = made("section", "", made("h2", `${method.toUpperCase()} ${path}`));
    section.append(...description.split("\n\n").map((text) => made("p", text)));
    if (parameters) section.append(parametersOf(parameters));
    if (example) section.append(made("pre", example.replace("ADDRESS", location.origin)));
    document.getElementById("operations").append(section);
  }
}
