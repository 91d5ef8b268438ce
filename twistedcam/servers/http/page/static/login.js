// The page to log in.
import { errorText } from "./lib/errors.js";
import { store, stored } from "./lib/storage.js";
import { t } from "./lib/text.js";

const RELOADED = "twistedcam login reloaded"; // when, so that a browser without cookies ends here
// The camera that the address names is shown after the login, too.
const form = document.getElementById("login");
form.action = new URL(`login${location.hash}`, location.href);
form.addEventListener("submit", () => { form.querySelector("button").textContent = t("Logging in…"); });
addEventListener("pageshow", () => { form.querySelector("button").textContent = t("Log in"); });

const refusal = document.querySelector(".error[data-code]");
if (refusal) refusal.textContent = errorText({ code: refusal.dataset.code, message: refusal.textContent });

// A browser that follows a link from another site does not send the cookie (SameSite): then the page
// opens at the second request, which this page makes.
const query = new URLSearchParams(location.search);
const tried = query.has("login");
for (const name of ["login", "tab", "token"]) query.delete(name);
const parameters = query.toString();
const clean = `./${parameters ? `?${parameters}` : ""}${location.hash}`;
const { login } = await fetch("login", { cache: "no-store", headers: { Accept: "application/json" } })
  .then((answer) => answer.json()).catch(() => ({}));
const last = Number(stored(RELOADED));
if (login && !(Math.abs(Date.now() - last) < 3000)) {
  store(RELOADED, Date.now());
  location.replace(clean);
} else {
  document.getElementById("no-cookie").hidden = !tried || login !== false;
  history.replaceState(history.state, "", clean);
}
