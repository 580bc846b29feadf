// One picture from the camera, taken in a dialog that shows estimates meanwhile.

import { findFaces, LIVE_PAUSE } from "./api.js";
import { drawBoxes } from "./overlay.js";

const LIVE_SIDE = 640; // of the frames that are sent for live estimates
const MANY_FAILURES = 3; // in a row: a busy server refuses now and then

const dialog = document.getElementById("camera-dialog");
const video = document.getElementById("video");
const live = document.getElementById("live");
const liveTime = document.getElementById("live-time");
const shoot = document.getElementById("shoot");

export async function takePicture(model) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(
      `The camera needs a page from this machine (localhost) or by HTTPS. Received: ${location.origin}`,
    );
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  } catch (error) {
    throw new Error(
      `The camera must be connected, free, and allowed for this page. Received: ${error.message || error.name}`,
    );
  }
  const watching = new AbortController();
  try {
    liveTime.textContent = "";
    shoot.disabled = true; // until there is something to take
    video.onloadeddata = () => {
      shoot.disabled = false;
      shoot.focus();
    };
    video.srcObject = stream;
    dialog.showModal();
    watch(model, watching.signal);
    return (await pressed()) ? await frame(Infinity, "image/png") : null;
  } finally {
    watching.abort();
    dialog.close();
    live.replaceChildren();
    video.srcObject = null;
    for (const track of stream.getTracks()) track.stop();
  }
}

// One frame after the other: the next is sent once the last is answered.
async function watch(model, signal) {
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (video.videoWidth) {
        const start = performance.now();
        const picture = await frame(LIVE_SIDE, "image/jpeg");
        const answer = await findFaces(picture, model, signal, undefined, true);
        if (signal.aborted || !video.clientWidth) return;
        failures = 0;
        drawBoxes(live, answer, video.clientWidth);
        liveTime.textContent = `${Math.round(performance.now() - start)} ms a frame`;
      }
    } catch (error) {
      if (signal.aborted) return;
      live.replaceChildren();
      if (++failures >= MANY_FAILURES) liveTime.textContent = error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, LIVE_PAUSE));
  }
}

function pressed() {
  return new Promise((resolve) => {
    shoot.onclick = () => resolve(true);
    document.getElementById("cancel").onclick = () => resolve(false);
    dialog.oncancel = () => resolve(false); // the key Escape
  });
}

function frame(largest, type) {
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, largest / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, type));
}
