// QR codes, which the server draws.
import { request } from "./api.js";

const wanted = new WeakMap(); // the newest text of each image: an answer to an older one is late

// Shows the QR code of a text in an image. The text is in the body of the request: it may have a token.
export async function showQrCode(image, text) {
  wanted.set(image, text);
  const response = await request("/api/v1/qr", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text }),
  });
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).message ?? `${response.status}`);
  const code = await response.blob();
  if (wanted.get(image) !== text) return;
  URL.revokeObjectURL(image.src); // not at "load": that of the picture before could come last
  image.src = URL.createObjectURL(code);
  image.hidden = false;
}
