// The server's own endpoints. All addresses are relative, so that the page works behind a prefix.

async function answerOf(response) {
  let content;
  try {
    content = await response.json();
  } catch {
    throw new Error(`The server gave no readable answer (status ${response.status}).`);
  }
  if (!response.ok) {
    throw new Error(content.error ?? `The server refused (status ${response.status}).`);
  }
  return content;
}

async function ask(path, parameters, options) {
  const query = new URLSearchParams(parameters);
  let response;
  try {
    response = await fetch(`${path}?${query}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server cannot be reached.");
  }
  return answerOf(response);
}

export async function listModels() {
  return (await ask("api/models", {})).models;
}

export function findFaces(photo, model, signal) {
  return ask("api/faces", { model }, { method: "POST", body: photo, signal });
}

export function attentionMap(photo, model, landmarks, signal) {
  const parameters = { model, landmarks: landmarks.flat().join(",") };
  return ask("api/attention", parameters, { method: "POST", body: photo, signal });
}
