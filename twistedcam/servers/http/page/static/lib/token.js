// The token that the page was opened with (/?token=…). It is taken out of the address at once, so
// that it is neither seen nor copied, and kept for this tab: "tab" in the address says that there is
// one, and the server then gives the page to be loaded again without asking for it.
const KEY = `twistedcam token ${location.pathname}`;

function take() {
  const url = new URL(location.href);
  const words = url.searchParams;
  const given = words.get("token");
  if (given !== null) {
    words.delete("token");
    if (keep(given)) words.set("tab", "");
    history.replaceState(history.state, "", url.pathname + url.search + url.hash);
    return given;
  }
  if (!words.has("tab")) return null;
  const kept = stored();
  if (kept === null) { // another tab has this address: the server asks for a token
    words.delete("tab");
    location.replace(url.pathname + url.search + url.hash);
  }
  return kept;
}

// Browsers can be told to keep nothing.
function keep(given) {
  try { sessionStorage.setItem(KEY, given); return true; } catch { return false; }
}

function stored() {
  try { return sessionStorage.getItem(KEY); } catch { return null; }
}

export const token = take();
