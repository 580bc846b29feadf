// The result as a picture and as JSON, saved or copied.

import { annotated } from "./overlay.js";

const DONE_SHOWN = 2000; // milliseconds

const at = (id) => document.getElementById(id);

// `current` gives the photo shown, {file, answer}; `say` and `complain` tell what came of it.
export function listen(current, say, complain) {
  const picture = () => {
    if (current().unseen) throw new Error("this browser cannot show the photo; choose it as JPEG or PNG");
    return annotated(at("photo"), current().answer);
  };
  const json = () => new Blob([JSON.stringify(current().answer, null, 2)], { type: "application/json" });
  const stem = () => (current().file.name || "photo").replace(/\.[^.]*$/, "");
  const on = (id, what) => {
    const button = at(id);
    const name = button.textContent;
    button.addEventListener("click", async () => {
      try {
        await what();
        say(`${name}: done.`);
        button.textContent = "Done"; // nothing else shows that something was copied
        setTimeout(() => (button.textContent = name), DONE_SHOWN);
      } catch (error) {
        complain(new Error(`${name} failed: ${error.message}`));
      }
    });
  };
  on("save-picture", async () => save(await picture(), `${stem()}-annotated.png`));
  on("save-json", () => save(json(), `${stem()}.json`));
  on("copy-picture", () => clipboard().write([new ClipboardItem({ "image/png": picture() })]));
  on("copy-json", async () => clipboard().writeText(await json().text()));
}

function clipboard() {
  if (navigator.clipboard) return navigator.clipboard;
  throw new Error(
    `copying needs a page from this machine (localhost) or by HTTPS. Received: ${location.origin}`,
  );
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
