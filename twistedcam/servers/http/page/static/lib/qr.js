// QR codes, which the server draws.
import { request } from "./api.js";

// Shows the QR code of a text in an image. The text is in the body of the request: it may have a token.
export async function showQrCode(image, text) {
  const response = await request("/api/v1/qr", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text }),
  });
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).message ?? `${response.status}`);
  const url = URL.createObjectURL(await response.blob());
  image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
  image.hidden = false;
}
