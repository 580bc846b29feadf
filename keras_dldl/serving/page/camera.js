// One picture from the camera, taken in a dialog.

const dialog = document.getElementById("camera-dialog");
const video = document.getElementById("video");

export async function takePicture() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("The camera needs a page from this machine (localhost) or by HTTPS.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  } catch (error) {
    throw new Error(`The camera cannot be used: ${error.message || error.name}.`);
  }
  try {
    video.srcObject = stream;
    dialog.showModal();
    return (await pressed()) ? await frame() : null;
  } finally {
    dialog.close();
    video.srcObject = null;
    for (const track of stream.getTracks()) track.stop();
  }
}

function pressed() {
  return new Promise((resolve) => {
    document.getElementById("shoot").onclick = () => resolve(true);
    document.getElementById("cancel").onclick = () => resolve(false);
    dialog.oncancel = () => resolve(false); // the key Escape
  });
}

function frame() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
