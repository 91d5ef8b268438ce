// Loads the page as soon as the server answers. A page that loads itself again meanwhile would be read
// aloud again and again by a screen reader.
const PERIOD = 10000; // milliseconds between two requests

async function tryAgain() {
  const response = await fetch("./", { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (response && response.status < 500) location.reload();
}

setInterval(tryAgain, PERIOD);
addEventListener("online", tryAgain);
