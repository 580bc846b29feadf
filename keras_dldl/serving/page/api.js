// The server's own endpoints. All addresses are relative, so that the page works behind a prefix.

export const LIVE_PAUSE = 100; // milliseconds between frames of the camera: others are served too
export const NO_FACE =
  "No face was found. Faces under about 20 pixels, or under 1/64 of the longer side, are not seen.";
const UNREACHABLE = "The server cannot be reached. See whether `keras-dldl serve` still runs, or start it again.";

function answerOf(status, text) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error(`The server must answer with JSON; a proxy in between may not. Received: status ${status}`);
  }
  if (status !== 200) throw new Error(content.error ?? `The server refused and gave no reason. Received: status ${status}`);
  return content;
}

async function ask(path, parameters, options) {
  const query = new URLSearchParams(parameters);
  let response;
  try {
    response = await fetch(`${path}?${query}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(UNREACHABLE);
  }
  return answerOf(response.status, await response.text());
}

export async function listModels() {
  return (await ask("api/models", {})).models;
}

// `onSent` is told the share of the photo that has been sent; `fetch` cannot tell it.
export function findFaces(photo, model, signal, onSent = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `api/faces?${new URLSearchParams({ model })}`);
    request.upload.onprogress = ({ loaded, total }) => onSent(loaded / total);
    request.onerror = () => reject(new Error(UNREACHABLE));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = () => {
      try {
        resolve(answerOf(request.status, request.responseText));
      } catch (error) {
        reject(error);
      }
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(photo);
  });
}

export function attentionMap(photo, model, landmarks, signal) {
  const parameters = { model, landmarks: landmarks.flat().join(",") };
  return ask("api/attention", parameters, { method: "POST", body: photo, signal });
}
